"""Aliases of other nodes follow the catalog."""

from __future__ import annotations

import asyncio
from typing import TypeVar, cast

import msgspec
import pytest

from lictor_agent.checks.alias_watch import watch_node
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.clock import SeededRng
from lictor_core.commands import Deregister, Register
from lictor_core.errors import NoLeaderError
from lictor_core.queries import Query
from lictor_core.records import CRITICAL, PASSING, Node
from lictor_core.registry import Reading, ReadOptions, Registry
from tests.agent.builders import check, service
from tests.agent.harness import running_server
from tests.support.conditions import eventually

T = TypeVar("T")
OTHER = Node(
    id="", node="other", address="127.0.0.2", datacenter="dc1", tagged_addresses=None, meta=None,
    create_index=0, modify_index=0,
)  # fmt: skip


async def test_an_alias_follows_another_node_even_before_it_exists() -> None:
    notes: list[Result] = []
    definition = CheckDefinition(alias_node="other", alias_service="web")
    async with running_server() as (server, _, _), asyncio.TaskGroup() as group:
        task = group.create_task(watch_node("alias", definition, server, SeededRng(1), notes.append))

        async def until(status: str, output: str) -> None:
            await eventually(lambda: bool(notes) and notes[-1] == Result(status, output), what=output)

        await until(CRITICAL, "Node other could not be found")
        await server.write(Register(node=OTHER))
        await until(CRITICAL, "Service web could not be found on node other")
        passing = msgspec.structs.replace(check("c", service_id="web", status=PASSING), node="other")
        await server.write(Register(node=OTHER, service=service(), checks=[passing]))
        await until(PASSING, "All checks passing.")
        await server.write(Deregister(node="other"))
        await until(CRITICAL, "Node other could not be found")
        task.cancel()


class _Shaky:
    """A registry of which the first readings of each kind fail."""

    def __init__(self, registry: Registry, failures: int) -> None:
        self._registry = registry
        self._left: dict[object, int] = {}
        self._failures = failures

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        left = self._left.setdefault(type(query), self._failures)
        if left:
            self._left[type(query)] = left - 1
            raise NoLeaderError("nobody leads")
        return await self._registry.read(query, options)


@pytest.mark.parametrize(("failures", "first"), [(1, "Node other could not be found"), (2, "Failure checking")])
async def test_one_failure_to_ask_says_nothing_of_the_aliased_yet(failures: int, first: str) -> None:
    notes: list[Result] = []
    definition = CheckDefinition(alias_node="other")
    async with running_server() as (server, _, _), asyncio.TaskGroup() as group:
        shaky = cast(Registry, _Shaky(server, failures))
        task = group.create_task(watch_node("alias", definition, shaky, SeededRng(1), notes.append))
        await eventually(lambda: bool(notes), what="something is said")
        assert notes[0].output.startswith(first)
        task.cancel()
