"""What only the leader answers, when it is not sure that it leads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import cast

import pytest

from lictor_core.commands import Command, Outcome, SessionCreate
from lictor_core.errors import NoLeaderError
from lictor_server.acl.callers import Everybody
from lictor_server.acl.calling import CallJudge
from lictor_server.leader import LeaderSide, SessionKeeper
from lictor_server.raft import Driver
from lictor_server.state import Store, apply
from tests.server.build import register, session
from tests.server.conftest import Log
from tests.support.clock import ManualClock

A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


class Doubtful:
    """The face of a driver that believes to lead; `confirm` is what asking the others comes to."""

    def __init__(self, confirm: Callable[[], None]) -> None:
        self._confirm = confirm

    async def ready(self) -> None: ...

    async def read_index(self, *, strict: bool) -> int:
        self._confirm()
        return 1


@dataclasses.dataclass
class Leader:
    """A leader's side with one session of 10 seconds, of which only the renewal is asked."""

    log: Log
    confirm: Callable[[], None]
    clock: ManualClock = dataclasses.field(default_factory=ManualClock)
    store: Store = dataclasses.field(default_factory=lambda: Store("dc1"))

    def __post_init__(self) -> None:
        apply(self.store, 1, register())
        apply(self.store, 2, SessionCreate(session=session(A, ttl="10s")))
        self.keeper = SessionKeeper(
            self.store,
            propose=self.propose,
            leads=lambda: True,
            ttl_factor=1.0,
            clock=self.clock,
            log=self.log.logger,
        )
        self.keeper.begin_anew()
        self.side = LeaderSide.__new__(LeaderSide)
        driver = cast(Driver, Doubtful(lambda: self.confirm()))
        permissions = CallJudge(self.store, Everybody())
        vars(self.side).update(
            _driver=driver, _sessions=self.keeper, _permissions=permissions, _clock=self.clock, _figures=None
        )

    async def propose(self, command: Command) -> Outcome:
        return apply(self.store, self.store.index + 1, command)[0]

    async def lives_after(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        await self.keeper.look()
        return len(self.store.sessions) == 1


async def test_a_session_is_renewed_only_by_who_surely_leads(log: Log) -> None:
    """Else its owner would believe in a session that the true leader has ended, or ends sooner."""

    def refuse() -> None:
        raise NoLeaderError

    leader = Leader(log, refuse)
    leader.clock.advance(9)
    with pytest.raises(NoLeaderError):
        await leader.side.renew_session(A)
    assert not await leader.lives_after(1), "the doubtful renewal counted for nothing"


async def test_a_renewal_counts_from_when_it_was_asked_for(log: Log) -> None:
    leader = Leader(log, lambda: None)
    leader.confirm = lambda: leader.clock.advance(3)
    leader.clock.advance(5)
    assert await leader.side.renew_session(A) is not None
    assert await leader.lives_after(6.9)
    assert not await leader.lives_after(0.1)
