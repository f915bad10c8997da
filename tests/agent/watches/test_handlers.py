"""Programs and addresses that are told of news."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

from aiohttp import web

from lictor_agent.watches.handlers import OUTPUT_BYTES_MAX, call, run
from lictor_core.watching import HttpHandler, News, ScriptHandler
from tests.support.conditions import eventually
from tests.support.processes import process_is_alive

NEWS = News(42, b'{"a":1}')
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/"}


async def test_a_program_gets_the_news_and_the_index() -> None:
    told = await run(ScriptHandler(arguments=("sh", "-c", 'cat; echo "$CONSUL_INDEX $HOME"')), NEWS, ENVIRONMENT)
    assert told == ('{"a":1}\n42 /\n', "")


async def test_a_line_is_run_by_a_shell() -> None:
    assert await run(ScriptHandler(line="echo one | tr o 0"), NEWS, ENVIRONMENT) == ("0ne\n", "")


async def test_how_a_program_failed_is_told() -> None:
    assert (await run(ScriptHandler(line="echo no; exit 3"), NEWS, ENVIRONMENT)) == ("no\n", "exit status 3")
    assert (await run(ScriptHandler(line="kill -9 $$"), NEWS, ENVIRONMENT)).flaw == "signal 9"
    assert "cannot be started" in (await run(ScriptHandler(arguments=("/nowhere",)), NEWS, ENVIRONMENT)).flaw


async def test_output_is_kept_in_bounds() -> None:
    told = await run(ScriptHandler(line="head -c 100000 /dev/zero | tr '\\0' x"), NEWS, ENVIRONMENT)
    assert OUTPUT_BYTES_MAX <= len(told.output) <= OUTPUT_BYTES_MAX + 200


async def test_a_program_that_does_not_read_is_no_failure() -> None:
    large = News(1, b"x" * 1_000_000)
    assert (await run(ScriptHandler(arguments=("true",)), large, ENVIRONMENT)).flaw == ""


async def test_a_program_that_leaves_a_child_behind_has_ended() -> None:
    async with asyncio.timeout(10):
        assert (await run(ScriptHandler(line="sleep 60 & echo done"), NEWS, ENVIRONMENT)).output == "done\n"


async def test_a_cancelled_program_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    line = f"sleep 60 & echo $! > {mark}.new; mv {mark}.new {mark}; wait"
    task = asyncio.ensure_future(run(ScriptHandler(line=line), NEWS, ENVIRONMENT))
    await eventually(mark.exists, what="the child runs")
    task.cancel()
    await asyncio.wait([task])
    pid = int(mark.read_text())
    await eventually(lambda: not process_is_alive(pid), what="the child is gone")


async def test_an_address_is_called_with_the_news(unused_tcp_port: int) -> None:
    seen: list[tuple[str, str, str, bytes]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        index, key = request.headers["X-Consul-Index"], request.headers["X-Key"]
        seen.append((request.method, index, key, await request.read()))
        return web.Response(status=500 if request.path == "/no" else 200, text="thanks")

    server = web.Server(answer)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    url = f"http://127.0.0.1:{unused_tcp_port}"
    try:
        told = await call(HttpHandler(url=url, method="PUT", headers=(("X-Key", "k"),)), NEWS)
        assert (told, seen) == (("thanks", ""), [("PUT", "42", "k", b'{"a":1}\n')])
        assert (await call(HttpHandler(url=f"{url}/no", headers=(("X-Key", "k"),)), NEWS)).flaw == "answered 500"
    finally:
        await runner.cleanup()
    assert "127.0.0.1" in (await call(HttpHandler(url=url), NEWS)).flaw


async def test_an_address_that_answers_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = await call(HttpHandler(url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.05), NEWS)
    assert told.flaw == "no answer within 0.05 s"
