"""Expired tokens go, at the leader, soon after their time."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core.acl.commands import AclTokensDelete, AclTokenSet
from lictor_core.commands import Command, Outcome
from lictor_core.errors import NoLeaderError
from lictor_server.acl import reaping
from lictor_server.acl.reaping import LOOK_S, TokenReaper
from lictor_server.endpoints.writes import timestamp
from tests.server.acl.desks import Desk
from tests.server.build_acl import id_of, token
from tests.support.conditions import eventually


class Reaped:
    """A reaper over a desk's state."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.leads = True
        self.fails = 0
        self.deleted: list[list[str]] = []
        self.reaper = TokenReaper(
            self.desk.store, self.propose, leads=lambda: self.leads, clock=self.desk.clock, log=self.desk.log.logger
        )

    async def propose(self, command: Command) -> Outcome:
        if self.fails:
            self.fails -= 1
            raise NoLeaderError
        assert isinstance(command, AclTokensDelete)
        self.deleted.append(command.accessor_ids)
        return await self.desk.propose(command)

    async def token(self, name: str, lasts_s: float) -> None:
        expires = timestamp(self.desk.clock.now() + lasts_s)
        await self.desk.propose(AclTokenSet(token=token(name, expires=expires)))


async def test_what_has_expired_goes_and_nothing_else() -> None:
    place = Reaped()
    for name, lasts_s in (("a", 5.0), ("b", 10.0), ("c", 10.5)):
        await place.token(name, lasts_s)
    await place.desk.propose(AclTokenSet(token=token("never")))
    place.desk.clock.advance(10.0)
    await place.reaper.reap()
    assert place.deleted == [[id_of("a"), id_of("b")]]
    assert {one.accessor_id for one in place.desk.store.acl.tokens()} == {id_of("c"), id_of("never")}


async def test_many_go_in_several_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaping, "REAPED_AT_ONCE_MAX", 2)
    place = Reaped()
    for number in range(5):
        await place.token(str(number), 1.0)
    place.desk.clock.advance(1.0)
    await place.reaper.reap()
    assert [len(one) for one in place.deleted] == [2, 2, 1]


async def test_the_job_looks_when_the_next_token_ends_and_survives_a_lost_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaping, "LOOK_S", 0.01)
    place = Reaped()
    place.fails = 1
    await place.token("a", 5.0)
    place.desk.clock.advance(5.0)
    running = asyncio.create_task(place.reaper.run())  # noqa: TID251 the test's own
    try:
        await eventually(lambda: place.deleted == [[id_of("a")]], what="the token going")
    finally:
        running.cancel()
    assert [one["code"] for one in place.desk.log.named("leader.duty.failed")] == ["no_leader"]


async def test_who_does_not_lead_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaping, "LOOK_S", 0.01)
    place = Reaped()
    place.leads = False
    looked = 0

    def leads() -> bool:
        nonlocal looked
        looked += 1
        return False

    place.reaper = TokenReaper(
        place.desk.store, place.propose, leads=leads, clock=place.desk.clock, log=place.desk.log.logger
    )
    await place.token("a", 5.0)
    place.desk.clock.advance(5.0)
    running = asyncio.create_task(place.reaper.run())  # noqa: TID251 the test's own
    try:
        await eventually(lambda: looked > 2, what="some looks")
    finally:
        running.cancel()
    assert place.deleted == []


async def test_a_look_is_never_later_than_the_next_end_and_never_without_a_rest() -> None:
    place = Reaped()
    rest = place.reaper._rest_s  # pyright: ignore[reportPrivateUsage]
    assert rest() == LOOK_S
    await place.token("a", 4.0)
    assert rest() == pytest.approx(4.0)
    place.desk.clock.advance(100.0)
    assert 0 < rest() < 1
