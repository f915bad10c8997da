"""TCP checks: passing when a connection comes about. Source: Consul's document `docs/discovery/checks`."""

from __future__ import annotations

import asyncio
from typing import Final

from lictor_agent.checks.dialing import dial_failure, split_host_port
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING

__all__ = ["TIMEOUT_S", "check_tcp"]

TIMEOUT_S: Final = 10.0
"""How long a connection may take where the definition does not say."""
_THIS_MACHINE: Final = "localhost"


async def check_tcp(definition: CheckDefinition) -> Result:
    """Connect to `definition.tcp` and hang up. A name with several addresses passes when one of them answers."""
    address = definition.tcp
    try:
        host, port = split_host_port(address)
    except ValueError as error:
        return Result(CRITICAL, f"dial tcp: {error}")
    try:
        async with asyncio.timeout(definition.timeout_s or TIMEOUT_S):
            _, writer = await asyncio.open_connection(host or _THIS_MACHINE, port)
    except (OSError, UnicodeError) as error:  # also a time-out, and a name that cannot be resolved or is none
        return Result(CRITICAL, dial_failure(address, error))
    writer.transport.abort()
    return Result(PASSING, f"TCP connect {address}: Success")
