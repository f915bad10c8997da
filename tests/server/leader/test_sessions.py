"""The leader ends what was not renewed in time, and only the leader."""

from __future__ import annotations

import dataclasses

import pytest

from lictor_core.commands import Command, Outcome, SessionCreate, SessionDestroy
from lictor_core.errors import NoLeaderError
from lictor_server.leader import SessionKeeper
from lictor_server.leader.sessions import RETRY_S
from lictor_server.state import Store, apply
from tests.server.build import register, session
from tests.server.conftest import Log
from tests.support.clock import ManualClock

A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
B = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


@dataclasses.dataclass
class Leader:
    """A keeper over a store of its own, without a log between them."""

    log: Log
    store: Store = dataclasses.field(default_factory=lambda: Store("dc1"))
    clock: ManualClock = dataclasses.field(default_factory=ManualClock)
    leads: bool = True
    fails: bool = False

    def __post_init__(self) -> None:
        self.keeper = SessionKeeper(
            self.store,
            propose=self.propose,
            leads=lambda: self.leads,
            ttl_factor=2.0,
            clock=self.clock,
            log=self.log.logger,
        )
        self.apply(register())

    def apply(self, command: Command) -> Outcome:
        outcome, change = apply(self.store, self.store.index + 1, command)
        self.keeper.note(change.sessions)
        return outcome

    async def propose(self, command: Command) -> Outcome:
        if self.fails:
            raise NoLeaderError
        return self.apply(command)

    def ids(self) -> list[str]:
        return [one.id for one in self.store.sessions.all()]


@pytest.fixture
def leader(log: Log, clock: ManualClock) -> Leader:
    made = Leader(log, clock=clock)
    made.keeper.begin_anew()
    return made


async def test_a_session_ends_after_twice_its_ttl_and_never_before(leader: Leader, log: Log) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    leader.apply(SessionCreate(session=session(B)))
    leader.clock.advance(19.9)
    await leader.keeper.look()
    assert leader.ids() == [A, B]
    leader.clock.advance(0.1)
    await leader.keeper.look()
    assert leader.ids() == [B], "one without a TTL stays"
    assert [entry["session"] for entry in log.named("session.ttl.expired")] == [A]


async def test_a_renewed_session_stays(leader: Leader) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    for _ in range(5):
        leader.clock.advance(15)
        renewed = leader.keeper.renew(A.upper(), leader.clock.monotonic())
        assert renewed is not None
        await leader.keeper.look()
    assert leader.ids() == [A]
    assert leader.keeper.renew(B, leader.clock.monotonic()) is None


async def test_a_new_leader_gives_everybody_the_full_time_anew(leader: Leader) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    leader.clock.advance(19)
    leader.keeper.begin_anew()
    leader.clock.advance(19)
    await leader.keeper.look()
    assert leader.ids() == [A]
    leader.clock.advance(1)
    await leader.keeper.look()
    assert leader.ids() == []


async def test_who_does_not_lead_ends_nothing(leader: Leader) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    leader.leads = False
    leader.clock.advance(100)
    await leader.keeper.look()
    assert leader.ids() == [A]
    leader.leads = True
    await leader.keeper.look()
    assert leader.ids() == [A], "what it counted before another led means nothing"


async def test_nothing_that_was_counted_before_the_lead_changed_ends_a_session(leader: Leader) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    leader.clock.advance(100)  # for some of which another server led, and renewed
    leader.keeper.forget()
    await leader.keeper.look()
    assert leader.ids() == [A]
    leader.keeper.begin_anew()
    leader.clock.advance(20)
    await leader.keeper.look()
    assert leader.ids() == []


async def test_what_cannot_be_ended_is_tried_again_and_not_renewed_meanwhile(leader: Leader) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    leader.fails = True
    leader.clock.advance(20)
    await leader.keeper.look()
    assert leader.keeper.renew(A, leader.clock.monotonic()) is None
    leader.fails = False
    leader.clock.advance(RETRY_S)
    await leader.keeper.look()
    assert leader.ids() == []


async def test_a_session_that_was_destroyed_is_not_ended_again(leader: Leader, log: Log) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="10s")))
    leader.apply(SessionDestroy(id=A))
    leader.clock.advance(100)
    await leader.keeper.look()
    assert log.named("session.ttl.expired") == []


async def test_a_ttl_that_is_none_ends_nothing_and_harms_nobody(leader: Leader, log: Log) -> None:
    leader.apply(SessionCreate(session=session(A, ttl="soon")))
    leader.clock.advance(100)
    await leader.keeper.look()
    assert leader.ids() == [A]
    assert len(log.named("session.ttl.refused")) == 1
