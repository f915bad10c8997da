"""HTTP/2 ping checks: passing when a PING frame is answered. Source: Consul's documentation of its `h2ping` checks.

With TLS unless `h2ping_use_tls` is false.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from h2.events import PingAckReceived

from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.dialing import DialError, dial_failure, split_host_port, tls_failure
from lictor_agent.checks.http2 import open_http2, tls_of
from lictor_agent.checks.status import Result
from lictor_agent.checks.tls import TlsContexts
from lictor_config.definitions import CheckDefinition
from lictor_core.errors import ConfigurationError
from lictor_core.records import CRITICAL, PASSING

__all__ = ["TIMEOUT_S", "check_h2ping"]

TIMEOUT_S: Final = 10.0
"""How long all of it may take where the definition does not say."""
_OPAQUE: Final = b"lictor??"


async def check_h2ping(definition: CheckDefinition, dialer: Dialer, contexts: TlsContexts) -> Result:
    """Ping `definition.h2ping` once."""
    address = definition.h2ping
    host = address
    connected = False
    try:
        host = split_host_port(address)[0] or "localhost"
        async with asyncio.timeout(definition.timeout_s or TIMEOUT_S):
            tls = tls_of(definition, contexts, host) if definition.h2ping_use_tls else None
            connection = await open_http2(dialer, address, tls)
            connected = True
            try:
                connection.state.ping(_OPAQUE)
                connection.flush()
                while not isinstance(await connection.next_event(), PingAckReceived):
                    pass
            finally:
                connection.close()
    except ssl.SSLError as error:  # before ValueError, which those about certificates are, too
        return _failed(address, tls_failure(error, definition.tls_server_name or host), connected=connected)
    except (DialError, ConfigurationError, ValueError) as error:
        return _failed(address, str(error), connected=connected)
    except TimeoutError as error:
        reason = "context deadline exceeded" if connected else dial_failure(address, error)
        return _failed(address, reason, connected=connected)
    return Result(PASSING, "HTTP2 ping was successful")


def _failed(address: str, reason: str, *, connected: bool) -> Result:
    return Result(CRITICAL, f"HTTP2 ping failed: {reason}" if connected else f"Failed to dial to {address}: {reason}")
