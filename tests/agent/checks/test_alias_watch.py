"""Aliases of other nodes follow the catalog."""

from __future__ import annotations

import asyncio

import msgspec

from lictor_agent.checks.alias_watch import watch_node
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.clock import SeededRng
from lictor_core.commands import Deregister, Register
from lictor_core.records import CRITICAL, PASSING, Node
from tests.agent.builders import check, service
from tests.agent.harness import running_server
from tests.support.conditions import eventually

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
