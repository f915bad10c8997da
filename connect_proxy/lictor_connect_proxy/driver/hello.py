"""Does a client ask to go on with a session? Read from the first bytes that it sent, before TLS sees them. Pure.

A server that knows can spare the new ticket, a fifth of a resumed handshake's cost: the client has one that goes on
being good. Nothing but that hangs on the answer, so bytes that are no ClientHello, or not a whole one, are a no.

Source: RFC 8446, sections 4.1.2 (ClientHello) and 4.2.11 (`pre_shared_key` is the last extension).
"""

from __future__ import annotations

from typing import Final

__all__ = ["offers_session"]

_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_PRE_SHARED_KEY: Final = 41
_SESSION_ID_AT: Final = 5 + 4 + 2 + 32
"""After the headers of the record and of the message, the version and the random bytes."""
_EXTENSIONS_MAX: Final = 64


def offers_session(received: bytes) -> bool:
    """Whether `received` is a whole ClientHello whose last extension is `pre_shared_key`."""
    if len(received) <= _SESSION_ID_AT or received[0] != _HANDSHAKE or received[5] != _CLIENT_HELLO:
        return False
    end = 5 + _number(received, 3)
    at = _SESSION_ID_AT + 1 + received[_SESSION_ID_AT]
    at += 2 + _number(received, at)  # cipher suites
    at += 1 + _number(received, at, 1)  # compression methods
    at += 2  # the length of all extensions
    last = -1
    for _ in range(_EXTENSIONS_MAX):
        if at >= end:
            break
        last = _number(received, at)
        at += 4 + _number(received, at + 2)
    return last == _PRE_SHARED_KEY and at == end == len(received)


def _number(data: bytes, at: int, size: int = 2) -> int:
    """Of bytes that are missing it is 0, or less than it would be."""
    return int.from_bytes(data[at : at + size], "big")
