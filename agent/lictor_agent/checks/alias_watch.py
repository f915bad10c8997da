"""Alias checks of other nodes: what the catalog says of them, kept up to date by blocking queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from lictor_agent.checks.alias import aliased
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.clock import Rng
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError
from lictor_core.limits import WAIT_MAX_S
from lictor_core.queries import NodeChecksQuery, NodeServicesQuery
from lictor_core.records import CRITICAL
from lictor_core.registry import ReadOptions, Registry

__all__ = ["watch_node"]

_RETRY_S_MIN: Final = 1.0
_RETRY_S_MAX: Final = 60.0


async def watch_node(
    check_id: str, definition: CheckDefinition, registry: Registry, rng: Rng, note: Callable[[Result], None]
) -> None:
    """Call `note` with what the alias comes to, now and after every change, until cancelled."""
    retry_s = _RETRY_S_MIN
    index = 0
    while True:
        try:
            index, result = await _look(check_id, definition, registry, index)
        except LictorError as error:
            note(Result(CRITICAL, f"Failure checking aliased node or service: {error}"))
            await asyncio.sleep(rng.uniform(retry_s / 2, retry_s))
            retry_s = min(retry_s * 2, _RETRY_S_MAX)
            index = 0
            continue
        retry_s = _RETRY_S_MIN
        note(result)


async def _look(check_id: str, definition: CheckDefinition, registry: Registry, index: int) -> tuple[int, Result]:
    node, service_id = definition.alias_node, definition.alias_service
    options = ReadOptions(mode=ReadMode.STALE, min_index=index, wait_s=WAIT_MAX_S, token=definition.token)
    checks = await registry.read(NodeChecksQuery(node=node), options)
    now = ReadOptions(mode=ReadMode.STALE, token=definition.token)
    services = await registry.read(NodeServicesQuery(node=node), now)
    if services.value is None:
        return checks.index, Result(CRITICAL, f"Node {node} could not be found")
    exists = service_id in services.value.services
    return checks.index, aliased(check_id, service_id, node, checks.value, service_exists=exists)
