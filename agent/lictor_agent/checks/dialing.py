"""Words for connections that did not come about, as Consul's checks say them: people and alerts match on these texts.

Pure. What changes from one run to the next, such as a port of our own, is left out: an output that differs each time
would be told to the catalog each time.
"""

from __future__ import annotations

import os
import socket
import ssl
from typing import Final

from lictor_core.limits import PORT_MAX

__all__ = ["DialError", "dial_failure", "read_failure", "split_host_port", "tls_failure"]

_UNKNOWN_ISSUER: Final = frozenset({18, 19, 20, 21})
_OUT_OF_TIME: Final = frozenset({9, 10})
_WRONG_NAME: Final = frozenset({62, 64})
"""Verification errors of OpenSSL (`X509_V_ERR_*`, openssl-verification-options(1))."""


class DialError(Exception):
    """A connection that did not come about; its text is ready to be shown."""


def split_host_port(address: str, network: str = "tcp") -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`; the host may be empty, the port a service's name.

    Raises `ValueError` with the reason.
    """
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        raise ValueError(f"address {address}: missing port in address")
    if port.isascii() and port.isdigit():
        if int(port) > PORT_MAX:
            raise ValueError(f"address {port}: invalid port")
        return host.removeprefix("[").removesuffix("]"), int(port)
    try:
        return host.removeprefix("[").removesuffix("]"), socket.getservbyname(port, network)
    except (OSError, UnicodeError, ValueError):
        raise ValueError(f"address {network}/{port}: unknown port") from None


def dial_failure(address: str, error: OSError | UnicodeError, network: str = "tcp") -> str:
    """Why a connection to `address` failed; a `UnicodeError` is what a text that can be no host name gives."""
    if isinstance(error, socket.gaierror | UnicodeError):
        host = address.rpartition(":")[0]
        return f"dial {network}: lookup {host}: no such host"
    if isinstance(error, TimeoutError):
        return f"dial {network} {address}: i/o timeout"
    return f"dial {network} {address}: connect: {_reason(error)}"


def read_failure(address: str, error: OSError, network: str = "tcp") -> str:
    """Why nothing could be read from a connection that had come about."""
    return f"read {network} {address}: read: {_reason(error)}"


def tls_failure(error: ssl.SSLError, host: str) -> str:
    """Why TLS with `host` did not come about, in the words of Go's library."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _UNKNOWN_ISSUER:
            return "x509: certificate signed by unknown authority"
        if error.verify_code in _OUT_OF_TIME:
            return "x509: certificate has expired or is not yet valid"
        if error.verify_code in _WRONG_NAME:
            return f"x509: certificate is not valid for {host}"
        return f"x509: {error.verify_message}"
    if error.reason in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"):
        return "tls: first record does not look like a TLS handshake"
    return f"tls: {(error.reason or str(error)).replace('_', ' ').lower()}"


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
