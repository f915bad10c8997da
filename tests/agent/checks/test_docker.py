"""Docker checks against a server that speaks Docker's exec API on a real unix socket."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING, WARNING
from tests.agent.checks.asking import asked


class _Docker:
    """What a container is called says what happens to it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, object]] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.asked.append((request.method, request.path, json.loads(body) if body else None))
        name, verb = request.path.split("/")[-2:]
        match verb:
            case "exec":
                return self._create(name)
            case "start":
                return await self._start(request, name)
            case "json" if name == "inspect-500":
                return web.Response(status=500, text="why")
            case _:
                codes = {"warns": 1, "fails": 2, "signal": 137}
                return web.json_response({"ID": name, "Running": False, "ExitCode": codes.get(name, 0)})

    def _create(self, name: str) -> web.Response:
        match name:
            case "missing":
                return web.json_response({"message": "No such container: missing"}, status=404)
            case "paused":
                return web.json_response({"message": "paused"}, status=409)
            case "create-500":
                return web.Response(status=500, text="oops")
            case "gibberish":
                return web.Response(status=201, text="{")
            case _:
                return web.json_response({"Id": name}, status=201)

    async def _start(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        match name:
            case "start-500":
                return web.Response(status=500, text="why")
            case "hangs":
                response = web.StreamResponse()
                await response.prepare(request)
                await response.write(b"begun\n")
                await asyncio.sleep(60)
                return response
            case "podman":
                frames = b"".join(
                    struct.pack(">BxxxI", n, len(text)) + text for n, text in ((1, b"out\n"), (2, b"err\n"))
                )
                return web.Response(body=frames, content_type="application/vnd.docker.multiplexed-stream")
            case "big":
                return web.Response(body=b"a" * 9000 + b"end")
            case _:
                return web.Response(body=b"out\nerr\n")


@asynccontextmanager
async def _docker(directory: Path) -> AsyncGenerator[tuple[str, _Docker]]:
    docker = _Docker()
    runner = web.ServerRunner(web.Server(docker), shutdown_timeout=0.1)
    await runner.setup()
    path = directory / "docker.sock"
    await web.UnixSite(runner, str(path)).start()
    try:
        yield f"unix://{path}", docker
    finally:
        await runner.cleanup()


async def _checked(host: str, container: str, timeout_s: float = 10.0, output_bytes_max: int = 4096) -> Result:
    definition = CheckDefinition(docker_container_id=container, args=("/check", "-a"), timeout_s=timeout_s)
    return await asked(definition, output_bytes_max, {"DOCKER_HOST": host})


async def test_the_exit_code_is_the_status(tmp_path: Path) -> None:
    async with _docker(tmp_path) as (host, docker):
        found = {name: await _checked(host, name) for name in ("fine", "warns", "fails", "signal")}
    expected = {"fine": PASSING, "warns": WARNING, "fails": CRITICAL, "signal": CRITICAL}
    assert {name: result.status for name, result in found.items()} == expected
    assert found["fine"].output == "out\nerr\n"
    created = {"AttachStdin": False, "AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": ["/check", "-a"]}
    assert docker.asked[:3] == [
        ("POST", "/containers/fine/exec", created),
        ("POST", "/exec/fine/start", {"Detach": False, "Tty": True}),
        ("GET", "/exec/fine/json", None),
    ]


@pytest.mark.parametrize(
    ("container", "output"),
    [
        ("missing", "create exec failed for unknown container missing"),
        ("paused", "create exec failed since container paused is paused or stopped"),
        ("create-500", "create exec failed for container create-500 with status 500: oops"),
        ("start-500", "start exec failed for container start-500 with status 500: why"),
        ("inspect-500", "inspect exec failed for container inspect-500 with status 500: why"),
    ],
)
async def test_what_docker_refuses_is_critical_with_its_reason(tmp_path: Path, container: str, output: str) -> None:
    async with _docker(tmp_path) as (host, _):
        result = await _checked(host, container)
    assert (result.status, result.output) == (CRITICAL, output)


async def test_a_program_that_hangs_is_critical_at_the_time_out(tmp_path: Path) -> None:
    async with _docker(tmp_path) as (host, _):
        result = await _checked(host, "hangs", timeout_s=0.5)
    assert (result.status, result.output) == (CRITICAL, "Timed out (500ms) running check\n\nbegun\n")


async def test_a_long_output_keeps_its_end(tmp_path: Path) -> None:
    async with _docker(tmp_path) as (host, _):
        result = await _checked(host, "big", output_bytes_max=5)
    assert result.output == "Captured 5 of 9003 bytes\n...\naaend"


async def test_frames_around_an_output_are_taken_off(tmp_path: Path) -> None:
    async with _docker(tmp_path) as (host, _):
        assert (await _checked(host, "podman")).output == "out\nerr\n"


async def test_the_name_of_a_container_leads_nowhere_else(tmp_path: Path) -> None:
    async with _docker(tmp_path) as (host, docker):
        await _checked(host, "../secrets?x=")
    assert docker.asked[0][1] == "/containers/../secrets?x=/exec"  # as one part, which the server has unquoted


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "ssh://somewhere"])
async def test_docker_that_is_away_is_critical(host: str) -> None:
    result = await _checked(host, "fine")
    assert (result.status, result.output.startswith(f"Docker at {host} cannot be asked: ")) == (CRITICAL, True)


async def test_an_answer_that_is_none_is_critical(tmp_path: Path) -> None:
    async with _docker(tmp_path) as (host, _):
        result = await _checked(host, "gibberish")
    assert (result.status, "cannot be asked" in result.output) == (CRITICAL, True)
