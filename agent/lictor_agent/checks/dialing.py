"""Words for connections that did not come about, as Consul's checks say them: people and alerts match on these texts.

Pure.
"""

from __future__ import annotations

import os
import socket
from typing import Final

__all__ = ["dial_failure", "split_host_port"]

_PORT_MAX: Final = 65_535


def split_host_port(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`; the host may be empty. Raises `ValueError` with the reason."""
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        raise ValueError(f"address {address}: missing port in address")
    if not port.isascii() or not port.isdigit() or int(port) > _PORT_MAX:
        raise ValueError(f"address {port}: invalid port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def dial_failure(address: str, error: OSError | UnicodeError) -> str:
    """Why a TCP connection to `address` failed; a `UnicodeError` is what a text that can be no host name gives."""
    if isinstance(error, socket.gaierror | UnicodeError):
        host = address.rpartition(":")[0]
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(error, TimeoutError):
        return f"dial tcp {address}: i/o timeout"
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"dial tcp {address}: connect: {reason}"
