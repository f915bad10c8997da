"""The leader's duties with a clock of the test: leases that end, members that return."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.codec import pack
from lictor_core.commands import Command, Deregister, Outcome, Register
from lictor_core.errors import NoLeaderError, RequestError
from lictor_core.frames import FRAME_BYTES_MAX
from lictor_core.membership import SERF_LAN_PORT
from lictor_core.queries import CARootsQuery, NodeChecksQuery, NodesQuery
from lictor_core.records import MemberStatus
from lictor_core.registry import ReadOptions
from lictor_core.version import member_build
from lictor_server import Server
from lictor_server.leader import LeaderLoop, reconcile
from lictor_server.leader.member import MEMBER_BYTES_MAX
from lictor_server.leases import MemberTable
from lictor_server.leases.digest import ROWS_MAX, Row, RowState
from lictor_server.state import Store, apply
from tests.server.build import check, member, node, register, renewal
from tests.server.conftest import SETTINGS, Log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

NOW = ReadOptions()
A = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
async def timed(clock: ManualClock, log: Log) -> AsyncIterator[Server]:
    server = Server(SETTINGS, clock=clock, rng=SeededRng(1), log=log.logger)
    await server.start()
    yield server
    await server.stop()


async def statuses(server: Server) -> dict[str, MemberStatus]:
    return {one.name: one.status for one in await server.members()}


async def health(server: Server, node: str) -> list[str]:
    reading = await server.read(NodeChecksQuery(node=node), NOW)
    return [check.status for check in reading.value]


async def until_health(server: Server, node: str, wanted: list[str]) -> None:
    """Watch the node's checks by blocking queries until they are as wanted."""
    async with asyncio.timeout(30):
        reading = await server.read(NodeChecksQuery(node=node), NOW)
        while [check.status for check in reading.value] != wanted:
            options = ReadOptions(min_index=reading.index, wait_s=5)
            reading = await server.read(NodeChecksQuery(node=node), options)


async def test_first_request_finds_the_server_itself_and_a_root(timed: Server, log: Log) -> None:
    reading = await timed.read(NodesQuery(), NOW)
    assert [node.node for node in reading.value] == ["n1"]
    roots = (await timed.read(CARootsQuery(), NOW)).value
    assert roots.active_root_id == roots.roots[0].id
    assert len(log.named("raft.leader.elected")) == 1


async def test_agent_that_takes_a_lease_appears_and_disappears_when_it_leaves(timed: Server) -> None:
    await timed.renew(renewal(member("a1", id=A)))
    await until_health(timed, "a1", ["passing"])
    await timed.leave("a1")
    await until_health(timed, "a1", [])
    assert await statuses(timed) == {"a1": MemberStatus.LEFT, "n1": MemberStatus.ALIVE}


async def test_silent_agent_turns_critical_and_the_server_itself_does_not(
    timed: Server, clock: ManualClock, log: Log
) -> None:
    await timed.renew(renewal(member("a1", id=A)))
    await until_health(timed, "a1", ["passing"])
    clock.advance(SETTINGS.lease_s + 1)
    await timed.renew(renewal(member("a2", id="22222222-2222-2222-2222-222222222222")))
    await until_health(timed, "a1", ["critical"])
    assert await health(timed, "n1") == ["passing"]
    assert [entry["member"] for entry in log.named("member.lease.expired")] == ["a1"]
    await timed.renew(renewal(member("a1", id=A), 2))
    await until_health(timed, "a1", ["passing"])


async def test_the_agent_in_the_servers_process_is_a_server(timed: Server) -> None:
    await timed.renew(renewal(member("N1", id=SETTINGS.node_id, role="node")))
    assert [(one.name, one.tags["role"]) for one in await timed.members()] == [("n1", "consul")]


async def test_another_agent_cannot_take_the_servers_name(timed: Server) -> None:
    with pytest.raises(RequestError, match=SETTINGS.node_id):
        await timed.renew(renewal(member("N1", id=A)))


@pytest.mark.parametrize("tag", ["port", "wan_join_port"])
@pytest.mark.parametrize("port", ["", "http", "-1", "9" * 5000])
async def test_member_whose_port_is_none_is_refused(timed: Server, tag: str, port: str) -> None:
    hostile = member("a1", id=A, role="consul")
    hostile.tags[tag] = port
    with pytest.raises(RequestError, match="no port"):
        await timed.renew(renewal(hostile))


async def test_no_agent_says_so_much_of_itself_that_its_server_cannot_tell_it_on(timed: Server) -> None:
    """A digest that fits no frame would never be heard, and all agents of that server would fail."""
    hostile = member("a1", id=A)
    hostile.tags["x"] = "y" * MEMBER_BYTES_MAX
    with pytest.raises(RequestError, match=f"at most {MEMBER_BYTES_MAX} are taken"):
        await timed.renew(renewal(hostile))
    largest = member("a" * (MEMBER_BYTES_MAX // 2), id="1" * (MEMBER_BYTES_MAX // 4))
    await timed.renew(renewal(largest))
    row = Row(largest.name, largest.tags["id"], 2**62, RowState.ALIVE, largest)
    assert len(pack([row] * ROWS_MAX)) * 1.5 < FRAME_BYTES_MAX


async def test_a_name_that_the_catalog_has_for_another_node_is_given_to_whom_the_lease_names(timed: Server) -> None:
    """As after the disk of a node was emptied, or when somebody registered a living node by hand."""
    alive = check("serfHealth", node="a1", status="passing")
    await timed.write(register(node("a1", id="33333333-3333-3333-3333-333333333333"), checks=[alive]))
    await timed.renew(renewal(member("a1", id=A)))
    async with asyncio.timeout(30):
        reading = await timed.read(NodesQuery(), NOW)
        while reading.value[0].id != A:
            reading = await timed.read(NodesQuery(), ReadOptions(min_index=reading.index, wait_s=5))
    assert reading.value[0].node == "a1"
    await until_health(timed, "a1", ["passing"])


async def test_member_that_the_catalog_refuses_keeps_no_other_out_of_it(
    timed: Server, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed = timed._office._loop._propose  # pyright: ignore[reportPrivateUsage]  # where the leader's own commands go

    async def refusing(command: Command) -> Outcome:
        if isinstance(command, Register) and command.node.node == "a1":
            raise RequestError("not this one")
        return await proposed(command)

    monkeypatch.setattr(timed._office._loop, "_propose", refusing)  # pyright: ignore[reportPrivateUsage]
    await timed.renew(renewal(member("a1", id=A)))
    await timed.renew(renewal(member("b1", id="44444444-4444-4444-4444-444444444444")))
    await until_health(timed, "b1", ["passing"])
    assert {entry["member"] for entry in log.named("member.catalog.refused")} == {"a1"}


async def test_stopped_server_has_no_members(timed: Server) -> None:
    await timed.stop()
    with pytest.raises(NoLeaderError):
        await timed.members()


async def test_new_leader_leaves_those_failed_who_had_failed(clock: ManualClock, log: Log) -> None:
    store = Store("dc1")
    failed = register(node("a1", id=A), checks=[check("serfHealth", status="critical")])
    apply(store, 5, failed)
    opened, members = asyncio.Event(), member_table()
    duties = asyncio.ensure_future(loop_over(store, clock, log, opened, members=members).run())
    await asyncio.wait_for(opened.wait(), 30)
    assert status_of(store, "a1") == "critical"
    known = members.member("a1")
    assert known is not None
    assert (known.status, known.port, known.tags["build"]) == (MemberStatus.FAILED, SERF_LAN_PORT, member_build())
    duties.cancel()


async def test_new_leader_gives_those_whom_it_knows_one_whole_lease(clock: ManualClock, log: Log) -> None:
    store = Store("dc1")
    for index, command in enumerate(reconcile([member("a1", id=A)], store.catalog), 5):
        apply(store, index, command)
    opened = asyncio.Event()
    loop = loop_over(store, clock, log, opened)
    duties = asyncio.ensure_future(loop.run())
    await asyncio.wait_for(opened.wait(), 30)
    clock.advance(SETTINGS.lease_s - 1)
    loop.poke()
    await eventually(lambda: store.catalog.node("n1") is not None, what="the leader's own node")
    assert status_of(store, "a1") == "passing"
    clock.advance(1)
    loop.poke()
    await eventually(lambda: status_of(store, "a1") == "critical", what="the end of a1's lease")
    duties.cancel()
    await asyncio.wait([duties])


@pytest.mark.parametrize("name", ["n1", "N1"])
async def test_a_leader_whose_name_another_one_has_in_the_catalog_leads_all_the_same(
    clock: ManualClock, log: Log, name: str
) -> None:
    """Else nobody would be served for as long as it leads: as after the restore of a state of other servers."""
    store = Store("dc1")
    for index, command in enumerate(reconcile([member(name, id=A)], store.catalog), 5):
        apply(store, index, command)
    opened = asyncio.Event()
    duties = asyncio.ensure_future(loop_over(store, clock, log, opened).run())
    await asyncio.wait_for(opened.wait(), 30)
    duties.cancel()
    await asyncio.wait([duties])


def status_of(store: Store, node: str) -> str:
    found = store.catalog.check_on(node, "serfHealth")
    return "" if found is None else found.status


def member_table() -> MemberTable:
    """The table of the leader n1."""
    return MemberTable(
        server="22222222-2222-2222-2222-222222222222",
        server_name="n1",
        lease_s=SETTINGS.lease_s,
        grace_s=SETTINGS.grace_s,
        reap_s=SETTINGS.reap_s,
        members_max=10,
    )


def loop_over(
    store: Store,
    clock: ManualClock,
    log: Log,
    opened: asyncio.Event,
    led_term: Callable[[], int | None] = lambda: 1,
    members: MemberTable | None = None,
    ended: Mapping[str, float] = {},
) -> LeaderLoop:
    """A leader's loop that writes straight into a store."""

    async def propose(command: Command) -> Outcome:
        return apply(store, store.index + 1, command)[0]

    async def prepare() -> None:
        """There is nothing to prepare."""

    return LeaderLoop(
        catalog=store.catalog,
        members=members or member_table(),
        own_member=lambda: member("n1", id="22222222-2222-2222-2222-222222222222", role="consul"),
        ended=lambda: ended,
        propose=propose,
        prepare=prepare,
        open_to_requests=opened.set,
        led_term=led_term,
        reconcile_s=60,
        clock=clock,
        log=log.logger,
    )


async def test_failed_duty_is_logged_and_tried_again(clock: ManualClock, log: Log) -> None:
    store, opened, failures = Store("dc1"), asyncio.Event(), [NoLeaderError(), NoLeaderError()]
    loop = loop_over(store, clock, log, opened)

    async def failing() -> None:
        if failures:
            raise failures.pop()

    loop._prepare = failing  # pyright: ignore[reportPrivateUsage]  # what comes before requests, failing twice
    duties = asyncio.ensure_future(loop.run())
    await asyncio.wait_for(opened.wait(), 30)
    duties.cancel()
    await asyncio.wait([duties])
    assert [entry["code"] for entry in log.named("leader.duty.failed")] == ["no_leader", "no_leader"]


async def test_a_new_leader_whose_first_duties_take_long_grants_the_lease_from_their_end_on(
    clock: ManualClock, log: Log
) -> None:
    """Before that no server could vouch for anybody."""
    store, opened = Store("dc1"), asyncio.Event()
    for index, command in enumerate(reconcile([member("a1", id=A)], store.catalog), 5):
        apply(store, index, command)
    loop = loop_over(store, clock, log, opened)
    proposed = loop._propose  # pyright: ignore[reportPrivateUsage]

    async def slow(command: Command) -> Outcome:
        clock.advance(SETTINGS.lease_s + 1)
        return await proposed(command)

    loop._propose = slow  # pyright: ignore[reportPrivateUsage]
    duties = asyncio.ensure_future(loop.run())
    await asyncio.wait_for(opened.wait(), 30)
    loop._propose = proposed  # pyright: ignore[reportPrivateUsage]
    clock.advance(SETTINGS.lease_s - 1)
    loop.poke()
    await asyncio.sleep(0.1)
    assert status_of(store, "a1") == "passing"
    clock.advance(1)
    loop.poke()
    await eventually(lambda: status_of(store, "a1") == "critical", what="the end of a1's lease")
    duties.cancel()
    await asyncio.wait([duties])


async def test_who_leads_again_before_it_has_looked_begins_again(clock: ManualClock, log: Log) -> None:
    """Requests are let in for one term; a loop that missed its end would let nobody in again."""
    store, opened, term = Store("dc1"), asyncio.Event(), 1
    loop = loop_over(store, clock, log, opened, lambda: term)
    duties = asyncio.ensure_future(loop.run())
    await asyncio.wait_for(opened.wait(), 30)
    opened.clear()
    term = 3
    loop.poke()
    await asyncio.wait_for(opened.wait(), 30)
    duties.cancel()
    await asyncio.wait([duties])


async def test_who_left_under_another_leader_stays_away_when_a_former_one_leads_again(
    clock: ManualClock, log: Log
) -> None:
    """The former one was lost before it had done its first duties."""
    store, opened, lost = Store("dc1"), asyncio.Event(), True
    for index, command in enumerate(reconcile([member("a1", id=A)], store.catalog), 5):
        apply(store, index, command)
    term: int | None = 1
    loop = loop_over(store, clock, log, opened, lambda: term)
    proposed = loop._propose  # pyright: ignore[reportPrivateUsage]

    async def propose(command: Command) -> Outcome:
        if lost:
            raise NoLeaderError
        return await proposed(command)

    loop._propose = propose  # pyright: ignore[reportPrivateUsage]
    duties = asyncio.ensure_future(loop.run())
    await eventually(lambda: log.named("leader.duty.failed") != [], what="the loss of the lead")
    term = None
    loop.poke()
    await asyncio.sleep(0)
    apply(store, store.index + 1, Deregister(node="a1"))
    term, lost = 3, False
    loop.poke()
    await asyncio.wait_for(opened.wait(), 30)
    assert store.catalog.node("a1") is None
    duties.cancel()
    await asyncio.wait([duties])


async def test_own_lease_is_kept_by_the_loop_itself(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, lease_s=0.09)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    await server.renew(renewal(member("a1", id=A)))
    await eventually(lambda: bool(log.named("member.lease.expired")), what="the end of a1's lease")
    assert await health(server, "n1") == ["passing"]
    await server.stop()
    assert {entry["member"] for entry in log.named("member.lease.expired")} == {"a1"}


@pytest.mark.slow
async def test_a_pause_of_the_server_itself_fails_nobody(log: Log) -> None:
    """An agent could not renew while the server stood still, for longer than a lease."""
    lease_s = 3.0
    settings = dataclasses.replace(SETTINGS, lease_s=lease_s)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    await server.renew(renewal(member("a1", id=A)))
    await until_health(server, "a1", ["passing"])
    await asyncio.sleep(0.1)  # the loop has done its round, and rests
    time.sleep(lease_s * 1.5)  # noqa: ASYNC251 the loop shall stand still
    await eventually(lambda: bool(log.named("leader.pause.noticed")), what="the pause")
    await asyncio.sleep(lease_s / 3 + 0.2)  # the next round is over
    assert log.named("member.lease.expired") == []
    assert await health(server, "a1") == ["passing"]
    await eventually(lambda: bool(log.named("member.lease.expired")), what="the end of a1's lease: it stays silent")
    await server.stop()
