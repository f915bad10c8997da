"""Watches over a real agent, and over one that a test plays."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from lictor_agent.watches.runner import Reply, WatchRunner, watching
from lictor_config.tree import Configuration
from lictor_core.clock import SeededRng
from lictor_core.commands import KVSet
from lictor_core.records import JsonObject
from lictor_core.watching import WatchDefinition, read_definition
from tests.agent.http.live import live_agent
from tests.server.conftest import Log, made_log
from tests.support.conditions import eventually
from tests.support.recorder.json_types import Json, at, parse


def appending(path: Path, **watch: object) -> WatchDefinition:
    """A watch whose program adds what it is told to a file, a line at a time."""
    return read_definition({**watch, "args": ["sh", "-c", f'read line; echo "$CONSUL_INDEX $line" >> {path}']})


def told(path: Path) -> list[Json]:
    """What the program was told so far."""
    if not path.exists():
        return []
    return [
        parse(line.partition(" ")[2].encode()) for line in path.read_text().splitlines() if line.endswith(("}", "l"))
    ]


class Played:
    """An API whose answers the test gives, one for each question."""

    def __init__(self) -> None:
        self.replies: asyncio.Queue[Reply] = asyncio.Queue()
        self.asked: list[tuple[str, tuple[tuple[str, str], ...], str]] = []

    async def get(self, path: str, parameters: Sequence[tuple[str, str]], token: str) -> Reply:
        self.asked.append((path, tuple(parameters), token))
        return await self.replies.get()

    def answer(self, index: int, value: object) -> None:
        self.replies.put_nowait(Reply(200, {"x-consul-index": str(index)}, json.dumps(value).encode()))


def runner(played: Played, log: Log, *watches: WatchDefinition) -> WatchRunner:
    return WatchRunner(played.get, watches, SeededRng(1), log.logger, retry_first_s=0.01)


async def test_a_change_in_the_store_runs_the_program(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    async with live_agent() as live:
        watch = appending(seen, type="key", key="greeting")
        running = WatchRunner(live.http.inner.get, [watch], SeededRng(1), made_log().logger)
        task = asyncio.ensure_future(running.run())
        await eventually(lambda: told(seen) == [None], what="there is no such key")
        await live.registry.write(KVSet(key="greeting", value=b"salve"))
        await eventually(lambda: len(told(seen)) == 2, what="the key is told")
        await live.registry.write(KVSet(key="other", value=b"x"))
        await live.registry.write(KVSet(key="greeting", value=b"vale"))
        await eventually(lambda: len(told(seen)) == 3, what="its change is told")
        task.cancel()
        assert [at(one, "Value") for one in told(seen)[1:]] == ["c2FsdmU=", "dmFsZQ=="]


async def test_a_program_is_never_run_twice_at_once_and_told_the_newest(tmp_path: Path) -> None:
    played, log, gate, seen = Played(), made_log(), tmp_path / "gate", tmp_path / "seen"
    line = f"read l; echo start >> {seen}; while [ ! -e {gate} ]; do sleep 0.02; done; echo $l >> {seen}"
    watch = read_definition({"type": "services", "handler": line})
    task = asyncio.ensure_future(runner(played, log, watch).run())
    for index in range(1, 4):
        played.answer(index, {"web": [str(index)]})
    await eventually(seen.exists, what="the program runs")
    assert len(played.asked) == 1, "nothing is asked while it runs"
    gate.touch()
    await eventually(lambda: len(log.named("watch.handler.finished")) == 3, what="all three are told")
    task.cancel()
    lines = seen.read_text().splitlines()
    assert lines == [word for index in range(1, 4) for word in ("start", f'{{"web":["{index}"]}}')]


async def test_an_error_is_waited_out_and_told_in_the_log(tmp_path: Path) -> None:
    played, log, seen = Played(), made_log(), tmp_path / "seen"
    task = asyncio.ensure_future(runner(played, log, appending(seen, type="services", token="t")).run())
    played.replies.put_nowait(Reply(500, {}, b"No cluster leader"))
    played.answer(7, {"web": []})
    await eventually(lambda: told(seen) == [{"web": []}], what="the answer after the error")
    task.cancel()
    assert [str(entry["reason"]) for entry in log.named("watch.answer.missed")] == [
        "the agent answered 500 for /v1/catalog/services: No cluster leader"
    ]
    assert {token for _, _, token in played.asked} == {"t"}


async def test_a_failing_program_is_logged_with_what_it_said() -> None:
    played, log = Played(), made_log()
    watch = read_definition({"type": "services", "handler": "echo oh dear; exit 2"})
    task = asyncio.ensure_future(runner(played, log, watch).run())
    played.answer(7, {})
    await eventually(lambda: len(log.named("watch.handler.failed")) == 1, what="the failure is told")
    task.cancel()
    entry = log.named("watch.handler.failed")[0]
    assert (entry["reason"], entry["output"], entry["index"]) == ("exit status 2", "oh dear\n", 7)


async def test_a_reload_replaces_what_changed_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    played, log = Played(), made_log()
    kept = appending(tmp_path / "kept", type="services")
    gone = appending(tmp_path / "gone", type="nodes")
    new = appending(tmp_path / "new", type="checks")
    following = runner(played, log, kept, gone)
    task = asyncio.ensure_future(following.run())
    await eventually(lambda: len(played.asked) == 2, what="both are asked")
    following.replace([kept, new])
    await eventually(lambda: len(played.asked) == 3, what="the new one is asked")
    assert played.asked[-1][0] == "/v1/health/state/any"
    names = {one.get_name() for one in asyncio.all_tasks() if one.get_name().startswith("watch ")}
    assert names == {"watch /v1/catalog/services", "watch /v1/health/state/any"}
    task.cancel()
    await asyncio.wait([task])


async def test_watches_of_a_configuration_end_with_the_agent(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    async with live_agent() as live:
        written: JsonObject = {"type": "services", "args": ["sh", "-c", f"cat > {seen}.new; mv {seen}.new {seen}"]}
        first = _with_watch(live.agent.configuration, written)
        live.agent.reloader.configuration = first
        others = live.agent.reloader.hooks
        async with watching(live.agent, live.http.inner.get, SeededRng(1), made_log().logger):
            await eventually(seen.exists, what="the program ran")
            (follow,) = [hook for hook in live.agent.reloader.hooks if hook not in others]
            follow(first, _with_watch(first, None))
        assert live.agent.reloader.hooks == others
    assert "consul" in json.loads(seen.read_text())


def _with_watch(configuration: Configuration, watch: JsonObject | None) -> Configuration:
    return dataclasses.replace(configuration, watches=() if watch is None else (watch,))
