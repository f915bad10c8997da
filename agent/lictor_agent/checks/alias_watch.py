"""Alias checks of other nodes: what the catalog says of them, kept up to date by blocking queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from lictor_agent.checks.alias import aliased
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError
from lictor_core.limits import WAIT_MAX_S
from lictor_core.queries import NodeChecksQuery, NodeServicesQuery, Query
from lictor_core.records import CRITICAL, Check, NodeServices
from lictor_core.registry import ReadOptions, Registry

__all__ = ["watch_node"]

T = TypeVar("T")

_RETRY_S_MIN: Final = 1.0
_RETRY_S_MAX: Final = 60.0


@dataclass
class _Seen:
    """What the catalog last said; None before it said anything, or when it could not be asked."""

    checks: list[Check] | None = None
    services: NodeServices | None = None
    has_services: bool = False


async def watch_node(
    check_id: str,
    definition: CheckDefinition,
    registry: Registry,
    rng: Rng,
    note: Callable[[Result], None],
    token: Callable[[], str] = str,
) -> None:
    """Call `note` with what the alias comes to, now and after every change, until cancelled. `token` may change."""
    seen = _Seen()

    def judge() -> None:
        if seen.checks is not None and seen.has_services:
            note(_judged(check_id, definition, seen.checks, seen.services))

    def see_checks(checks: list[Check]) -> None:
        seen.checks = checks
        judge()

    def see_services(services: NodeServices | None) -> None:
        seen.services, seen.has_services = services, True
        judge()

    def miss(error: LictorError) -> None:
        note(Result(CRITICAL, f"Failure checking aliased node or service: {error}"))

    # Two queries, since a node or service may come and go without any check on it changing.
    async with asyncio.TaskGroup() as group:
        node = definition.alias_node
        group.create_task(_follow(registry, NodeChecksQuery(node=node), token, rng, see_checks, miss))
        group.create_task(_follow(registry, NodeServicesQuery(node=node), token, rng, see_services, miss))


def _judged(check_id: str, definition: CheckDefinition, checks: list[Check], services: NodeServices | None) -> Result:
    node, service_id = definition.alias_node, definition.alias_service
    if services is None:
        return Result(CRITICAL, f"Node {node} could not be found")
    return aliased(check_id, service_id, node, checks, service_exists=service_id in services.services)


async def _follow(
    registry: Registry,
    query: Query[T],
    token: Callable[[], str],
    rng: Rng,
    see: Callable[[T], None],
    miss: Callable[[LictorError], None],
) -> None:
    """Call `see` with the answer to a query, now and whenever it may have changed, `miss` when there was none.

    As in Consul one failure says nothing yet: a server that is lost, and another found, is no news of the aliased.
    """
    backoff = Backoff(rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
    index = failures = 0
    while True:
        options = ReadOptions(mode=ReadMode.STALE, min_index=index, wait_s=WAIT_MAX_S, token=token())
        try:
            reading = await registry.read(query, options)
        except LictorError as error:
            failures += 1
            if failures > 1:
                miss(error)
            await asyncio.sleep(backoff.next_s())
            index = 0
            continue
        backoff.reset()
        failures = 0
        index = reading.index
        see(reading.value)
