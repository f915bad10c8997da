"""How a process ends: signals and exit codes. The whole is tested as a process in `test_main`."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from lictor_agent import ending as ending_module
from lictor_agent.agent import Agent
from lictor_agent.ending import Ending, leaves_on
from lictor_config.tree import Configuration, Origin
from tests.agent.builders import NODE
from tests.agent.harness import quiet_log, running_agent
from tests.support.conditions import eventually

STAYS = Configuration(node_name=NODE, skip_leave_on_interrupt=True)
LEAVES = Configuration(node_name=NODE, leave_on_terminate=True)


@pytest.fixture(autouse=True)
def _no_hard_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hard end of a process that hangs would end the tests."""
    monkeypatch.setattr(ending_module, "STOP_S_MAX", 3600.0)


async def _never() -> None:
    await asyncio.Event().wait()


def test_each_signal_leaves_as_configured() -> None:
    assert leaves_on(signal.SIGINT, Configuration())
    assert not leaves_on(signal.SIGINT, STAYS)
    assert not leaves_on(signal.SIGTERM, STAYS)
    assert leaves_on(signal.SIGTERM, LEAVES)


@pytest.mark.parametrize(
    ("configuration", "number", "code"),
    [(STAYS, signal.SIGINT, 1), (STAYS, signal.SIGTERM, 1), (LEAVES, signal.SIGTERM, 0)],
)
async def test_a_signal_ends_with_consuls_exit_code(
    configuration: Configuration, number: signal.Signals, code: int
) -> None:
    async with running_agent(configuration=configuration) as running:
        await eventually(lambda: bool(running.events("agent.lease.granted")), what="it is a member")
        log, _ = quiet_log()
        ending = Ending(running.agent, log)
        with ending.watching():
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(ending.wait(_never))
                await asyncio.sleep(0)
                os.kill(os.getpid(), number)
                os.kill(os.getpid(), number)  # impatience changes nothing
        assert waiting.result() == code
        assert len(running.events("agent.member.left")) == (1 if code == 0 else 0)


async def test_a_server_that_cannot_go_on_ends_the_process() -> None:
    async def failed() -> None:
        raise RuntimeError("the log is broken")

    async with running_agent() as running:
        ending = Ending(running.agent, quiet_log()[0])
        with pytest.raises(BaseExceptionGroup) as caught:
            await ending.wait(failed)
    assert caught.group_contains(RuntimeError, match="the log is broken")


async def _survives_a_reload(agent: Agent, *, told: str) -> None:
    """A SIGHUP is told by this event alone, and the agent goes on until it is ended."""
    log, logged = quiet_log()
    ending = Ending(agent, log)
    with ending.watching():
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ending.wait(_never))
            os.kill(os.getpid(), signal.SIGHUP)
            await eventually(lambda: [one["event"] for one in logged.entries] == [told], what="it is told")
            assert not waiting.done()
            os.kill(os.getpid(), signal.SIGTERM)


async def test_a_failed_reload_is_told_and_ends_nothing() -> None:
    async with running_agent(configuration=STAYS) as running:
        await _survives_a_reload(running.agent, told="agent.reload.failed")


async def test_a_reload_that_crashes_costs_that_reload_and_not_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise RuntimeError("a mistake of ours")

    async with running_agent(configuration=STAYS) as running:
        monkeypatch.setattr(running.agent, "reload", broken)
        await _survives_a_reload(running.agent, told="agent.reload.crashed")


async def test_an_agent_that_left_by_its_api_ends() -> None:
    async with running_agent() as running:
        await eventually(lambda: bool(running.events("agent.lease.granted")), what="it is a member")
        ending = Ending(running.agent, quiet_log()[0])
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ending.wait(_never))
            await running.agent.leave()
        assert waiting.result() == 0
        assert len(running.events("agent.member.left")) == 1


async def test_changed_files_are_reloaded_where_that_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending_module, "LOOK_EVERY_S", 0.02)
    file = tmp_path / "a.hcl"
    file.write_text("")
    log, captured = quiet_log()
    for wanted in (False, True):
        configuration = replace(STAYS, auto_reload_config=wanted, origin=Origin(files=(str(file),)))
        async with running_agent(configuration=configuration) as running:
            ending = Ending(running.agent, log)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(ending.wait(_never))
                await asyncio.sleep(0.1 if wanted else 0.3)  # for the first look, or for what must not come
                file.write_text(file.read_text() + "x")
                if wanted:
                    await eventually(
                        lambda: any(one["event"] == "agent.reload.failed" for one in captured.entries),
                        what="the reload, which finds nothing to load here",
                    )
                waiting.cancel()
    assert [one["event"] for one in captured.entries] == ["agent.files.changed", "agent.reload.failed"]
