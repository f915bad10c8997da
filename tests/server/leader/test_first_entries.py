"""Entries of the configuration: written where there are none, and only there."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from lictor_core.commands import Command, ConfigSet, Outcome
from lictor_core.errors import NoLeaderError, error_from
from lictor_core.queries import ConfigEntryQuery
from lictor_server.leader import FirstEntries
from lictor_server.state import Store, answer, apply
from tests.server.build import config, unconfig
from tests.server.conftest import Log
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

HTTP = config("service-defaults", "web", {"Protocol": "http"}, cas=0)
ROUTER = config("service-router", "web", cas=0)
ALSO = config("service-defaults", "web", {"Protocol": "grpc"}, cas=0)
ALONE = config("service-splitter", "db", {"Splits": [{"Weight": 100}]}, cas=0)


@dataclasses.dataclass
class Leader:
    """The entries of a configuration over a store of its own, without a log between them."""

    log: Log
    entries: tuple[ConfigSet, ...] = ()
    leads: bool = True
    fails: bool = False
    proposed: int = 0
    store: Store = dataclasses.field(default_factory=lambda: Store("dc1"))

    def __post_init__(self) -> None:
        self.first = FirstEntries(
            self.entries,
            self.store,
            self.propose,
            leads=lambda: self.leads,
            clock=ManualClock(),
            log=self.log.logger,
        )

    async def propose(self, command: Command) -> Outcome:
        self.proposed += 1
        if self.fails:
            raise NoLeaderError
        outcome, _ = apply(self.store, self.store.index + 1, command)
        if outcome.rejection is not None:
            raise error_from(outcome.rejection.code, outcome.rejection.message)
        return outcome

    def protocol(self, name: str) -> object:
        found = answer(self.store, ConfigEntryQuery(kind="service-defaults", name=name))
        return None if found is None else found.body["Protocol"]

    def kinds(self) -> list[str]:
        return [one.kind for one in self.store.entries.all()]


async def test_what_is_missing_is_written_whatever_the_order(log: Log) -> None:
    leader = Leader(log, (ROUTER, HTTP))
    await leader.first.write()
    assert leader.kinds() == ["service-defaults", "service-router"]
    assert len(log.named("leader.entry.written")) == 2
    assert log.named("leader.entry.refused") == []


async def test_what_is_there_stays_and_costs_no_write(log: Log) -> None:
    leader = Leader(log, (HTTP,))
    await leader.propose(ALSO)
    await leader.first.write()
    assert leader.protocol("web") == "grpc"
    assert leader.proposed == 1


async def test_of_two_with_one_name_the_first_is_written(log: Log) -> None:
    leader = Leader(log, (HTTP, ALSO))
    await leader.first.write()
    assert leader.protocol("web") == "http"


async def test_what_is_deleted_comes_back_with_the_next_leader(log: Log) -> None:
    leader = Leader(log, (HTTP,))
    await leader.first.write()
    await leader.propose(unconfig("service-defaults", "web"))
    await leader.first.write()
    assert leader.protocol("web") == "http"


async def test_one_that_cannot_be_written_is_told_and_keeps_nothing_else_back(log: Log) -> None:
    leader = Leader(log, (ALONE, HTTP))
    await leader.first.write()
    assert leader.kinds() == ["service-defaults"]
    (told,) = log.named("leader.entry.refused")
    assert (told["kind"], told["name"]) == ("service-splitter", "db")
    assert "Protocol" in str(told["reason"])


async def test_who_cannot_write_is_no_leader_yet(log: Log) -> None:
    leader = Leader(log, (HTTP,), fails=True)
    with pytest.raises(NoLeaderError):
        await leader.first.write()


@pytest.mark.parametrize("leads", [True, False])
async def test_a_configuration_that_is_read_anew_is_the_leaders_to_write(log: Log, leads: bool) -> None:
    leader = Leader(log, leads=leads)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(leader.first.run())
        leader.first.follow((HTTP,))
        if leads:
            await eventually(lambda: leader.protocol("web") == "http", what="the entry is written")
        else:
            for _ in range(5):
                await asyncio.sleep(0)
            assert leader.proposed == 0
        running.cancel()
