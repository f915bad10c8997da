"""Jobs that others ask a running agent for."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from lictor_agent.remote_exec.runner import JOBS_MAX, Executor
from lictor_core.clock import SeededRng
from lictor_core.commands import EventFire, KVDeleteTree, KVSet, SessionDestroy
from lictor_core.queries import KeysQuery, TreeQuery
from lictor_core.records import KVEntry, UserEvent
from lictor_core.registry import ReadOptions
from tests.agent.http.live import NODE, Live, live_agent
from tests.server.conftest import Log, made_log
from tests.support.conditions import eventually

SECOND = 1_000_000_000
ENVIRONMENT = {"PATH": os.environ["PATH"], "SHELL": "/bin/sh", "HOME": "/"}


@asynccontextmanager
async def running(log: Log | None = None) -> AsyncGenerator[Live]:
    """An agent that takes jobs from now on."""
    async with live_agent() as live:
        executor = Executor(live.agent, ENVIRONMENT, SeededRng(1), (log or made_log()).logger)
        task = asyncio.ensure_future(executor.run())
        await eventually(lambda: executor.follows, what="it follows the events")
        try:
            yield live
        finally:
            task.cancel()
            await asyncio.wait([task])


class Asked:
    """One session's job and what became of it."""

    def __init__(self, live: Live, session: str) -> None:
        self.live = live
        self.session = session
        self.below = f"_rexec/{session}/"

    @classmethod
    async def make(cls, live: Live, **job: object) -> Asked:
        """Write a job and fire its event."""
        made = await live.put("/v1/session/create", {"Behavior": "delete", "TTL": "15s"})
        asked = cls(live, made.text_at("ID"))
        await live.registry.write(KVSet(key=f"{asked.below}job", value=json.dumps(job).encode(), acquire=asked.session))
        await asked.fire()
        return asked

    async def fire(self, **filters: str) -> None:
        payload = json.dumps({"Prefix": "_rexec", "Session": self.session}).encode()
        event = UserEvent(id=str(uuid.uuid4()), name="_rexec", payload=payload, node_filter=filters.get("node", ""),
                          service_filter="", tag_filter="", version=1, l_time=0)  # fmt: skip
        await self.live.registry.write(EventFire(event=event))

    async def entries(self) -> dict[str, KVEntry]:
        reading = await self.live.registry.read(TreeQuery(prefix=f"{self.below}{NODE}/"), ReadOptions())
        return {entry.key.removeprefix(f"{self.below}{NODE}/"): entry for entry in reading.value}

    async def ended(self) -> tuple[bytes, int]:
        """The output and the exit code, once they are there."""
        found: dict[str, KVEntry] = {}

        async def has_exit() -> bool:
            found.update(await self.entries())
            return "exit" in found

        for _ in range(2_000):
            if await has_exit():
                break
            await asyncio.sleep(0.01)
        assert "ack" in found, "it was never taken"
        output = b"".join(entry.value or b"" for name, entry in sorted(found.items()) if name.startswith("out/"))
        return output, int(found["exit"].value or b"")


def _is_there(name: str) -> bool:
    return os.path.lexists(name)


def _lives(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


async def test_a_line_is_run_by_a_shell_and_told_under_the_lock_of_the_session() -> None:
    async with running() as live:
        asked = await Asked.make(live, Command="echo out; echo err >&2; exit 3", Wait=SECOND)
        assert await asked.ended() == (b"out\nerr\n", 3)
        assert {entry.session for entry in (await asked.entries()).values()} == {asked.session}


async def test_words_are_run_without_a_shell() -> None:
    async with running() as live:
        asked = await Asked.make(live, Args=["printf", "%s|", "a b", "$HOME"], Wait=SECOND)
        assert await asked.ended() == (b"a b|$HOME|", 0)


async def test_a_script_is_run_and_its_file_removed() -> None:
    async with running() as live:
        script = base64.b64encode(b"#!/bin/sh\necho $0\n").decode()
        output, code = await (await Asked.make(live, Script=script, Wait=SECOND)).ended()
        assert code == 0
        assert Path(output.decode().strip()).name.startswith("rexec")
        assert not _is_there(output.decode().strip())


async def test_what_cannot_be_started_is_told() -> None:
    async with running() as live:
        asked = await Asked.make(live, Args=["/none/such"], Wait=SECOND)
        assert await asked.ended() == (b"/none/such cannot be started: no such file or directory\n", 255)


async def test_a_signal_is_an_exit_code_as_shells_show_it() -> None:
    async with running() as live:
        asked = await Asked.make(live, Args=["/bin/sh", "-c", "kill -TERM $$"], Wait=SECOND)
        assert await asked.ended() == (b"", 143)


async def test_much_output_arrives_whole_and_in_order() -> None:
    async with running() as live:
        asked = await Asked.make(live, Command="seq 1 200000", Wait=SECOND)
        output, code = await asked.ended()
        assert (output, code) == (b"".join(b"%d\n" % number for number in range(1, 200_001)), 0)


async def test_a_silent_job_gives_signs_of_life() -> None:
    async with running() as live:
        asked = await Asked.make(live, Command="sleep 0.7", Wait=SECOND // 5)
        assert await asked.ended() == (b"", 0)
        signs = [entry.value for name, entry in (await asked.entries()).items() if name.startswith("out/")]
        assert signs
        assert set(signs) == {None}


async def test_an_event_for_others_is_not_taken_and_one_that_is_read_twice_once(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    async with running() as live:
        asked = await Asked.make(live, Command=f"echo x >> {seen}", Wait=SECOND)
        await asked.ended()
        await asked.fire(node="somebody-else")
        other = await Asked.make(live, Command="true", Wait=SECOND)
        await other.ended()
        assert seen.read_text() == "x\n"


async def test_what_was_asked_before_the_agent_came_is_not_for_it(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    async with live_agent() as live:
        await Asked.make(live, Command=f"echo early >> {seen}", Wait=SECOND)
        executor = Executor(live.agent, ENVIRONMENT, SeededRng(1), made_log().logger)
        task = asyncio.ensure_future(executor.run())
        await eventually(lambda: executor.follows, what="it follows the events")
        await (await Asked.make(live, Command=f"echo late >> {seen}", Wait=SECOND)).ended()
        task.cancel()
        assert seen.read_text() == "late\n"


async def test_rubbish_and_jobs_that_are_gone_are_logged_and_no_more() -> None:
    log = made_log()
    async with running(log) as live:
        for payload in (b"rubbish", b'{"Prefix":"_rexec","Session":"00000000-0000-4000-8000-000000000000"}'):
            event = UserEvent(id=str(uuid.uuid4()), name="_rexec", payload=payload, node_filter="", service_filter="",
                              tag_filter="", version=1, l_time=0)  # fmt: skip
            await live.registry.write(EventFire(event=event))
        assert await (await Asked.make(live, Command="echo on", Wait=SECOND)).ended() == (b"on\n", 0)
        assert [entry["event"] for entry in log.entries if entry["log_level"] == "warning"] == [
            "exec.event.refused",
            "exec.job.refused",
        ]


async def test_a_job_goes_on_when_whoever_asked_is_gone(tmp_path: Path) -> None:
    gate, seen, log = tmp_path / "gate", tmp_path / "seen", made_log()
    async with running(log) as live:
        line = f"echo a; while [ ! -e {gate} ]; do sleep 0.02; done; echo b; echo done > {seen}"
        asked = await Asked.make(live, Command=line, Wait=SECOND)
        for _ in range(1_000):
            if "out/00000" in await asked.entries():
                break
            await asyncio.sleep(0.01)
        await live.registry.write(SessionDestroy(id=asked.session))
        gate.touch()
        await eventually(lambda: bool(log.named("exec.job.finished")), what="it has ended")
        assert seen.read_text() == "done\n"
        reading = await live.registry.read(KeysQuery(prefix=asked.below), ReadOptions())
        assert reading.value == []


async def test_the_end_of_the_agent_is_the_end_of_its_jobs(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    async with running() as live:
        await Asked.make(live, Command=f"echo $$ > {seen}; sleep 100", Wait=SECOND)
        await eventually(lambda: seen.exists() and bool(seen.read_text().strip()), what="it runs")
    assert not _lives(int(seen.read_text()))


async def test_more_jobs_than_the_bound_are_not_taken(tmp_path: Path) -> None:
    gate, log = tmp_path / "gate", made_log()
    async with running(log) as live:
        line = f"while [ ! -e {gate} ]; do sleep 0.05; done"
        asked = [await Asked.make(live, Command=line, Wait=60 * SECOND) for _ in range(JOBS_MAX + 1)]
        await eventually(
            lambda: [entry["reason"] for entry in log.named("exec.event.refused")] == [f"{JOBS_MAX} jobs run already"],
            what="the last one is refused",
        )
        gate.touch()
        for one in asked[:-1]:
            assert await one.ended() == (b"", 0)
        assert await asked[-1].entries() == {}
        await live.registry.write(KVDeleteTree(prefix="_rexec/"))
