"""UDP checks: critical when the other end says that nobody listens. Source: Consul's documentation of its `udp` checks.

An empty datagram is sent. An answer passes, and so does silence until the time-out: most of what listens on UDP keeps
silent to what it does not understand. Where nobody listens the kernel there refuses (ICMP port unreachable) at once.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.dialing import DialError, dial_failure, read_failure, split_host_port
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING

__all__ = ["TIMEOUT_S", "check_udp"]

TIMEOUT_S: Final = 10.0
"""How long to wait for a refusal where the definition does not say, and at most half the interval then."""
_THIS_MACHINE: Final = "localhost"
_ANSWER_BYTES: Final = 1


async def check_udp(definition: CheckDefinition, dialer: Dialer) -> Result:
    """Send an empty datagram to `definition.udp` and wait for a refusal, an answer or the time-out."""
    address = definition.udp
    timeout_s = definition.timeout_s or min(TIMEOUT_S, definition.interval_s / 2)
    connection: socket.socket | None = None
    passed = Result(PASSING, f"UDP connect {address}: Success")
    try:
        async with asyncio.timeout(timeout_s):
            connection = await _connected(address, dialer)
            connection.send(b"")
            await asyncio.get_running_loop().sock_recv(connection, _ANSWER_BYTES)
    except DialError as error:
        return Result(CRITICAL, str(error))
    except TimeoutError as error:
        return passed if connection is not None else Result(CRITICAL, dial_failure(address, error, "udp"))
    except OSError as error:
        return Result(CRITICAL, read_failure(address, error, "udp"))
    finally:
        if connection is not None:
            connection.close()
    return passed


async def _connected(address: str, dialer: Dialer) -> socket.socket:
    """A socket that sends to `address` and hears what comes back from there, refusals too."""
    try:
        host, port = split_host_port(address, "udp")
    except ValueError as error:
        raise DialError(f"dial udp: {error}") from None
    found = await dialer.look_up(host or _THIS_MACHINE, port, "udp")
    connection = socket.socket(found[0][0], socket.SOCK_DGRAM)
    try:
        connection.setblocking(False)
        connection.connect(found[0][4])
    except OSError as error:
        connection.close()
        raise DialError(dial_failure(address, error, "udp")) from None
    return connection
