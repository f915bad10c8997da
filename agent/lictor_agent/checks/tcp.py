"""TCP checks: passing when a connection comes about. Source: Consul's document `docs/discovery/checks`."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.dialing import DialError, dial_failure
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING

__all__ = ["TIMEOUT_S", "check_tcp"]

TIMEOUT_S: Final = 10.0
"""How long a connection may take where the definition does not say."""


async def check_tcp(definition: CheckDefinition, dialer: Dialer) -> Result:
    """Connect to `definition.tcp` and hang up. A name with several addresses passes when one of them answers."""
    address = definition.tcp
    try:
        async with asyncio.timeout(definition.timeout_s or TIMEOUT_S):
            connection = await dialer.dial(address, _Connection)
    except DialError as error:
        return Result(CRITICAL, str(error))
    except TimeoutError as error:
        return Result(CRITICAL, dial_failure(address, error))
    connection.hang_up()
    return Result(PASSING, f"TCP connect {address}: Success")


class _Connection(asyncio.Protocol):
    """A connection that nothing is wanted of."""

    _transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def hang_up(self) -> None:
        """End it at once."""
        if self._transport is not None:
            cast("asyncio.Transport", self._transport).abort()
