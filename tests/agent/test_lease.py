"""The agent's lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.typing import EventDict

from lictor_agent.lease import LeaseKeeper
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import LictorError, NoLeaderError, PermissionDeniedError, RequestError
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.records import MemberStatus
from tests.agent.builders import identity
from tests.agent.harness import quiet_log, running_server
from tests.support.conditions import eventually


class Lessor:
    """Grants leases of no length, and fails when told to."""

    def __init__(self) -> None:
        self.renewals = 0
        self.left: list[str] = []
        self.away = False
        self.attempts = 0
        self.reason: LictorError = NoLeaderError()
        self.renew_s = 0.01

    async def renew(self, renewal: Renewal) -> LeaseGrant:
        self.attempts += 1
        if self.away:
            raise self.reason
        self.renewals += 1
        return LeaseGrant(renew_s=self.renew_s, server="s1")

    async def leave(self, name: str) -> None:
        if self.away:
            await asyncio.sleep(60)
        self.left.append(name)


async def test_an_agent_is_a_living_member_while_it_runs_and_leaves_on_purpose() -> None:
    async with running_server() as (server, _, _), asyncio.TaskGroup() as group:
        log, captured = quiet_log()
        keeper = LeaseKeeper(server, identity().member, SystemClock(), SeededRng(1), log)
        task = group.create_task(keeper.run())
        await eventually(lambda: "agent.lease.granted" in _names(captured.entries), what="it has its lease")
        assert [one.status for one in await server.members()] == [MemberStatus.ALIVE]
        await keeper.leave()
        assert [one.status for one in await server.members()] == [MemberStatus.LEFT]
        task.cancel()


async def test_a_lease_is_taken_again_after_the_servers_were_away() -> None:
    lessor = Lessor()
    granted: list[int] = []
    log, captured = quiet_log()
    keeper = LeaseKeeper(lessor, identity().member, SystemClock(), SeededRng(1), log, granted=lambda: granted.append(1))  # type: ignore[arg-type]  # all it uses
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keeper.run())
        await eventually(lambda: lessor.renewals > 2, what="it renews")
        lessor.away = True
        await eventually(lambda: "agent.lease.lost" in _names(captured.entries), what="the loss is told")
        lessor.away = False
        renewals = lessor.renewals
        await eventually(lambda: lessor.renewals > renewals, what="it renews again")
        task.cancel()
    assert _names(captured.entries).count("agent.lease.lost") == 1
    assert len(granted) == 2, "whoever must act on a new lease hears of each, and not of renewals"


async def test_another_connection_is_a_reason_to_renew_at_once() -> None:
    lessor = Lessor()
    lessor.renew_s = 60.0
    log, _ = quiet_log()
    keeper = LeaseKeeper(lessor, identity().member, SystemClock(), SeededRng(1), log)  # type: ignore[arg-type]  # all it uses
    task = asyncio.ensure_future(keeper.run())
    await eventually(lambda: lessor.renewals == 1, what="the first renewal")
    keeper.reconnected()
    await eventually(lambda: lessor.renewals == 2, what="another one")
    task.cancel()


async def test_an_agent_whose_name_is_taken_says_so_once() -> None:
    lessor = Lessor()
    lessor.away, lessor.reason = True, RequestError("the name 'a' belongs to the living agent x at 192.0.2.1")
    log, captured = quiet_log()
    keeper = LeaseKeeper(lessor, identity().member, SystemClock(), SeededRng(1), log)  # type: ignore[arg-type]  # all it uses
    task = asyncio.ensure_future(keeper.run())
    await eventually(lambda: lessor.attempts > 1, what="two attempts")
    task.cancel()
    assert _names(captured.entries) == ["agent.lease.refused"]


async def test_leaving_does_not_wait_for_ever_for_servers_that_are_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictor_agent.lease.LEAVE_S_MAX", 0.05)
    lessor = Lessor()
    lessor.away = True
    log, captured = quiet_log()
    keeper = LeaseKeeper(lessor, identity().member, SystemClock(), SeededRng(1), log)  # type: ignore[arg-type]  # all it uses
    async with asyncio.timeout(30):
        await keeper.leave()
    assert _names(captured.entries) == ["agent.leave.failed"]


async def test_who_has_just_come_to_a_server_takes_its_lease_there_before_it_leaves() -> None:
    """With certificates a server hears of a leaving only from who holds the lease at it."""
    lessor = Lessor()
    left = lessor.leave

    async def leave(name: str) -> None:
        if not lessor.renewals:
            raise PermissionDeniedError("only who holds the lease may say that it leaves")
        await left(name)

    lessor.leave = leave  # type: ignore[method-assign]  # a stricter one
    log, captured = quiet_log()
    keeper = LeaseKeeper(lessor, identity().member, SystemClock(), SeededRng(1), log)  # type: ignore[arg-type]  # all it uses
    await keeper.leave()
    assert (lessor.renewals, lessor.left) == (1, [identity().member().name])
    assert _names(captured.entries) == ["agent.member.left"]


async def test_a_renewal_that_waits_for_the_servers_does_not_outlive_the_leaving() -> None:
    lessor = Lessor()
    log, captured = quiet_log()
    keeper = LeaseKeeper(lessor, identity().member, SystemClock(), SeededRng(1), log)  # type: ignore[arg-type]  # all it uses
    waits, may_go_on = asyncio.Event(), asyncio.Event()
    renewed = lessor.renew

    async def slow(renewal: Renewal) -> LeaseGrant:
        waits.set()
        await may_go_on.wait()
        return await renewed(renewal)

    lessor.renew = slow  # type: ignore[method-assign]  # there is no leader for a while
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(keeper.run())
        await waits.wait()
        await keeper.leave()
        may_go_on.set()
    assert (lessor.renewals, lessor.left) == (0, [identity().member().name])
    assert _names(captured.entries) == ["agent.member.left"]


def _names(entries: Sequence[EventDict]) -> list[object]:
    return [entry["event"] for entry in entries]
