"""The leader's side that carries plans out, against a core that a test holds in its hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from lictor_core.autopilot import NO_CONTACT, AutopilotConfiguration
from lictor_core.commands import AutopilotSet, Command, Outcome
from lictor_core.errors import LictorError, NoLeaderError, NotFoundError, OutcomeUnknownError, RequestError
from lictor_core.membership import agent_member
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.records import Member, MemberStatus
from lictor_server.leader.autopilot import DEAD_LEASES
from lictor_server.leader.membership import BARRED_S, INTERVAL_S, Membership
from lictor_server.poke import Poke
from lictor_server.raft.flow import Progress
from lictor_server.raft.outcome import Done, Reason
from lictor_server.raft.settings import RaftSettings
from lictor_server.state import Store, apply
from tests.server.conftest import Log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

A, B, C, D = IDS = [f"{letter * 8}-0000-0000-0000-000000000000" for letter in "abcd"]
LEASE_S = 10.0
DEAD_S = DEAD_LEASES * LEASE_S


def server(id: str, *, voter: bool = True) -> RaftServer:
    return RaftServer(id=id, name=f"s-{id[0]}", address=f"192.0.2.{ord(id[0])}:8300", voter=voter)


def member(id: str, status: MemberStatus = MemberStatus.ALIVE) -> Member:
    made = agent_member(
        name=f"s-{id[0]}", address=f"192.0.2.{ord(id[0])}", node_id=id, datacenter="dc1", server_port=8300
    )
    return msgspec.structs.replace(made, status=status)


class HandCore:
    """A core that does what it is asked at once, or when the test says so. All others answer."""

    def __init__(self, *ids: str) -> None:
        self.is_leader = True
        self.leader: str | None = A
        self.term = 3
        self.last_index = 100
        self.peer_set = PeerSet(cluster_id="c", servers=tuple(server(id) for id in ids), index=1)
        self.peers_committed = True
        self.silent: dict[str, float] = {}
        self.trailing: dict[str, int] = {}
        self.answer: tuple[object, Reason] | None = (None, Reason.SUCCESS)
        self.asked: list[PeerSet | str | None] = []
        self.waiting: list[Done] = []
        self.kicks = 0

    def progress(self) -> Mapping[str, Progress]:
        others = [one.id for one in self.peer_set.servers if one.id != A]
        return {id: Progress(self.trailing.get(id, 100), self.silent.get(id, 0.01)) for id in others}

    def change_peers(self, peer_set: PeerSet, done: Done) -> None:
        self.asked.append(peer_set)
        if self.answer is None or self.answer[1] is Reason.SUCCESS:
            self.peer_set = msgspec.structs.replace(peer_set, index=self.peer_set.index + 1)
        self._end(done)

    def transfer(self, target: str | None, done: Done) -> None:
        self.asked.append(target)
        self._end(done)

    def _end(self, done: Done) -> None:
        if self.answer is None:
            self.waiting.append(done)
        else:
            done(*self.answer)

    def kick(self) -> None:
        self.kicks += 1


class Stage:
    """A membership, its core, its members and its clock."""

    def __init__(self, log: Log, *ids: str, settings: RaftSettings | None = None) -> None:
        self.core = HandCore(*ids)
        self.clock = ManualClock()
        self.members: list[Member] = [member(id) for id in ids]
        self.vouched: set[str] = set()
        self.forgotten: list[str] = []
        self.store = Store("dc1")
        self.log = log
        self.membership = Membership(
            self.core,
            node_id=A,
            settings=settings or RaftSettings(),
            first=AutopilotConfiguration(min_quorum=1),
            table=self.store.autopilot,
            lease_s=LEASE_S,
            leads=lambda: self.core.is_leader,
            kick=self.core.kick,
            members=self._members,
            vouched=lambda: self.vouched,
            forget=self.forgotten.append,
            propose=self.propose,
            clock=self.clock,
            log=log.logger,
        )

    def _members(self) -> Sequence[Member]:
        return self.members

    async def propose(self, command: Command) -> Outcome:
        """Apply at once."""
        return apply(self.store, self.store.index + 1, command)[0]

    def lead_for_a_while(self) -> None:
        """Let the leases end that the leader granted when it began."""
        self.membership.health()
        self.clock.advance(LEASE_S + 2)

    def mark(self, id: str, status: MemberStatus) -> None:
        """A member is something else now."""
        self.members = [member(id, status) if one.tags["id"] == id else one for one in self.members]

    def said(self) -> list[str]:
        """The events so far."""
        return [str(entry["event"]) for entry in self.log.entries]

    async def settle(self) -> None:
        """Carry out everything that is planned."""
        while await self.membership.step():
            pass


@pytest.fixture
def stage(log: Log) -> Stage:
    return Stage(log, A, B, C)


async def test_a_new_server_comes_in_and_gets_its_vote_in_time(stage: Stage) -> None:
    stage.lead_for_a_while()
    stage.members.append(member(D))
    assert await stage.membership.step()
    assert stage.core.peer_set.server(D) == server(D, voter=False)
    assert not await stage.membership.step()
    stage.clock.advance(9.0)
    assert not await stage.membership.step()
    stage.clock.advance(1.0)
    assert await stage.membership.step()
    assert stage.core.peer_set.server(D) == server(D)
    assert stage.said() == ["raft.peer.added", "raft.peer.promoted"]
    assert stage.core.kicks == 2


async def test_a_server_that_was_heard_of_comes_in_however_young_the_reign_is(stage: Stage) -> None:
    stage.members.append(member(D))
    assert not await stage.membership.step()
    stage.vouched = {D}
    assert await stage.membership.step()
    assert stage.core.peer_set.server(D) == server(D, voter=False)


async def test_a_server_that_never_answered_gets_no_vote(stage: Stage) -> None:
    stage.lead_for_a_while()
    stage.store.autopilot.configuration = AutopilotConfiguration(server_stabilization_time="0s")
    stage.members.append(member(D))
    stage.core.trailing[D] = 0
    await stage.settle()
    assert stage.core.peer_set.server(D) == server(D, voter=False)
    stage.core.trailing[D] = 100
    await stage.settle()
    assert stage.core.peer_set.server(D) == server(D)


async def test_a_dead_server_goes_and_is_no_member_any_more(stage: Stage) -> None:
    stage.mark(C, MemberStatus.FAILED)
    stage.core.silent[C] = DEAD_S
    await stage.settle()
    assert stage.core.peer_set.voters == {A, B}
    assert stage.forgotten == ["s-c"]


async def test_the_heir_of_a_dead_servers_name_stays_a_member(stage: Stage) -> None:
    heir = msgspec.structs.replace(member(C), tags={**member(C).tags, "id": D})
    stage.members = [member(A), member(B), heir]
    stage.core.silent[C] = DEAD_S
    await stage.settle()
    stage.clock.advance(DEAD_S)
    await stage.settle()
    assert stage.core.peer_set.server(C) is None
    assert stage.forgotten == []


async def test_nothing_is_planned_while_a_change_is_in_flight(stage: Stage) -> None:
    stage.lead_for_a_while()
    stage.members.append(member(D))
    stage.core.peers_committed = False
    assert not await stage.membership.step()
    assert stage.core.asked == []


async def test_a_new_reign_counts_from_its_own_beginning(stage: Stage) -> None:
    stage.lead_for_a_while()
    stage.members.append(member(D))
    await stage.settle()
    stage.clock.advance(30.0)
    stage.core.term = 4
    assert not await stage.membership.step()
    stage.clock.advance(10.0)
    assert await stage.membership.step()


async def test_the_loop_looks_when_a_vote_is_due_and_not_only_at_its_pace(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    async def rest(_poke: Poke, wait_s: float) -> None:
        rests.append(wait_s)
        stage.clock.advance(wait_s)
        await asyncio.sleep(0)

    monkeypatch.setattr(Poke, "rest", rest)
    stage.store.autopilot.configuration = AutopilotConfiguration(server_stabilization_time="1500ms")
    stage.lead_for_a_while()
    stage.members.append(member(D))
    task = asyncio.ensure_future(stage.membership.run())
    try:
        await eventually(lambda: "raft.peer.promoted" in stage.said(), what="a vote")
        assert rests[0] == 1.5
        await eventually(lambda: INTERVAL_S in rests, what="a rest with nothing to wait for")
    finally:
        task.cancel()


async def test_the_loop_works_while_this_server_leads_and_goes_on_after_a_refusal(stage: Stage) -> None:
    stage.lead_for_a_while()
    stage.members.append(member(D))
    stage.core.answer = ("the servers cannot be changed just now", Reason.REQUEST_DENIED)
    task = asyncio.ensure_future(stage.membership.run())
    try:
        await eventually(lambda: stage.said() == ["raft.peer.not_changed"], what="a refusal in the log")
        stage.core.answer = (None, Reason.SUCCESS)
        stage.core.is_leader = False
        stage.membership.poke()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(stage.core.asked) == 1
        stage.core.is_leader = True
        stage.membership.poke()
        await eventually(lambda: stage.core.peer_set.server(D) is not None, what="a new server")
    finally:
        task.cancel()
    assert stage.log.entries[0]["reason"] == "the servers cannot be changed just now"


def test_the_pace_is_consuls() -> None:
    assert (INTERVAL_S, BARRED_S) == (2.0, 60.0)


async def test_the_first_leader_stores_the_first_settings_once(stage: Stage) -> None:
    await stage.membership.prepare()
    assert stage.store.autopilot.shown().min_quorum == 1
    await stage.propose(AutopilotSet(config=AutopilotConfiguration(min_quorum=7)))
    await stage.membership.prepare()
    assert stage.store.autopilot.shown().min_quorum == 7


# Operators.


@pytest.mark.parametrize("name", [C, C.upper(), server(C).address])
async def test_a_server_is_removed_by_id_or_address_and_kept_out_for_a_while(stage: Stage, name: str) -> None:
    await stage.membership.remove(name)
    assert stage.core.peer_set.voters == {A, B}
    stage.clock.advance(BARRED_S - 1)
    await stage.settle()
    assert stage.core.peer_set.server(C) is None
    stage.clock.advance(1)
    await stage.settle()
    assert stage.core.peer_set.server(C) == server(C, voter=False)


async def test_an_unknown_server_cannot_be_removed(stage: Stage) -> None:
    with pytest.raises(NotFoundError, match="list-peers"):
        await stage.membership.remove("nobody")


async def test_the_only_voter_cannot_be_removed(log: Log) -> None:
    with pytest.raises(RequestError, match="the only voter"):
        await Stage(log, A).membership.remove(A)


async def test_nobody_is_removed_whose_answer_the_others_need(stage: Stage) -> None:
    stage.core.silent[C] = 5.0
    with pytest.raises(RequestError, match="2 voters, of which 1 answer"):
        await stage.membership.remove(B)
    assert stage.core.asked == []
    await stage.membership.remove(C)
    assert stage.core.peer_set.voters == {A, B}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (("not now", Reason.REQUEST_DENIED), RequestError),
        ((None, Reason.LEADER_CHANGED), OutcomeUnknownError),
        ((None, Reason.NOT_LEADER), NoLeaderError),
    ],
)
async def test_why_a_change_failed_is_told(
    stage: Stage, answer: tuple[object, Reason], kind: type[LictorError]
) -> None:
    stage.core.answer = answer
    with pytest.raises(kind):
        await stage.membership.remove(C)


async def test_a_change_that_is_not_confirmed_is_unknown(log: Log) -> None:
    stage = Stage(log, A, B, C, settings=RaftSettings(write_timeout_s=0.01))
    stage.core.answer = None
    with pytest.raises(OutcomeUnknownError, match="not confirmed within"):
        await stage.membership.remove(C)
    stage.core.waiting[0](None, Reason.SUCCESS)


async def test_changes_wait_for_one_another(stage: Stage) -> None:
    stage.core.answer = None
    first = asyncio.ensure_future(stage.membership.remove(C))
    second = asyncio.ensure_future(stage.membership.transfer())
    await eventually(lambda: len(stage.core.asked) == 1, what="the removal")
    await asyncio.sleep(0)
    stage.core.waiting[0](None, Reason.SUCCESS)
    await first
    await eventually(lambda: len(stage.core.asked) == 2, what="the transfer")
    stage.core.waiting[1](None, Reason.SUCCESS)
    await second


async def test_the_lead_is_handed_to_whom_it_is_asked_for(stage: Stage) -> None:
    for wanted in ("", B, server(C).address, A):
        await stage.membership.transfer(wanted)
    assert stage.core.asked == [None, B, C]


async def test_the_lead_goes_to_no_stranger_and_to_nobody_without_a_vote(stage: Stage) -> None:
    stage.core.peer_set = PeerSet(cluster_id="c", servers=(server(A), server(B), server(D, voter=False)), index=2)
    with pytest.raises(NotFoundError):
        await stage.membership.transfer("nobody")
    with pytest.raises(RequestError, match="has no vote"):
        await stage.membership.transfer(D)


async def test_a_leader_that_goes_hands_over_when_it_can(stage: Stage, log: Log) -> None:
    await stage.membership.hand_over()
    assert stage.core.asked == [None]
    stage.core.answer = ("nobody is ready", Reason.REQUEST_DENIED)
    await stage.membership.hand_over()
    assert stage.said() == ["raft.leader.not_handed_over"]
    stage.core.is_leader = False
    await stage.membership.hand_over()
    alone = Stage(log, A)
    await alone.membership.hand_over()
    assert (len(stage.core.asked), alone.core.asked) == (2, [])


def test_health_tells_since_when(stage: Stage) -> None:
    stage.core.silent[B] = 3.0
    stage.core.trailing[C] = 0
    stage.membership.health()
    stage.clock.advance(60.0)
    shown = {one.name: one for one in stage.membership.health().servers or ()}
    assert [one.healthy for one in shown.values()] == [True, False, False]
    assert {one.stable_since for one in shown.values()} == {"2026-01-01T00:00:00Z"}
    assert (shown["s-b"].last_contact, shown["s-c"].last_contact) == ("3s", NO_CONTACT)


async def test_only_a_leader_does_any_of_it(stage: Stage) -> None:
    stage.core.is_leader = False
    with pytest.raises(NoLeaderError):
        await stage.membership.remove(B)
    with pytest.raises(NoLeaderError):
        await stage.membership.transfer()
    with pytest.raises(NoLeaderError):
        await stage.membership.step()
    with pytest.raises(NoLeaderError):
        stage.membership.health()
    assert stage.membership.servers().leader == A
