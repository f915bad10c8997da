from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from lictor_core.errors import PeerError
from lictor_server.leader.authority_keeper import AuthorityKeeper
from tests.server.conftest import Log
from tests.support.conditions import eventually


class Office:
    """Counts looks; may lead, may fail."""

    def __init__(self) -> None:
        self.looks = 0
        self.leads = True
        self.fails = False

    async def tend(self) -> None:
        self.looks += 1
        if self.fails:
            raise PeerError("Vault is away")


@contextlib.asynccontextmanager
async def running(office: Office, log: Log) -> AsyncGenerator[AuthorityKeeper]:
    keeper = AuthorityKeeper(office.tend, leads=lambda: office.leads, log=log.logger)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keeper.run())
        yield keeper
        task.cancel()


async def test_leader_looks_when_poked(log: Log) -> None:
    office = Office()
    async with running(office, log) as keeper:
        keeper.poke()
        await eventually(lambda: office.looks == 1, what="a look")


async def test_who_does_not_lead_does_not_look(log: Log) -> None:
    office = Office()
    office.leads = False
    async with running(office, log) as keeper:
        keeper.poke()
        for _ in range(10):
            await asyncio.sleep(0)
        office.leads = True
        keeper.poke()
        await eventually(lambda: office.looks > 0, what="a look")
    assert office.looks == 1


async def test_failure_is_told_and_the_next_look_comes(log: Log) -> None:
    office = Office()
    office.fails = True
    async with running(office, log) as keeper:
        keeper.poke()
        await eventually(lambda: bool(log.named("leader.duty.failed")), what="the failure")
        keeper.poke()
        await eventually(lambda: office.looks == 2, what="another look")
