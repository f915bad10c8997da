"""The first moments of a connection to the server port: what is it for, and how is it told no."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final, cast

from lictor_core.errors import LictorError, PeerError
from lictor_server.keyed import KEY_BYTE
from lictor_server.raft.hello import LinkIdentity, Refusal, RefusalCode, answer_bytes
from lictor_server.rpc.peer import refusal_bytes
from lictor_server.tls import AGENT_BYTE

__all__ = [
    "RAFT_BYTE",
    "RPC_BYTE",
    "TLS_BYTE",
    "Switch",
    "check_first_byte",
    "close",
    "first_byte",
    "say_no",
]

TLS_BYTE: Final = 0x16  # RFC 8446, section 5.1: the type of a record with a handshake
RAFT_BYTE: Final = ord("L")
RPC_BYTE: Final = 0x00
_CONSUL_BYTES: Final = range(0x01, 0x0A)
_ACCESS_DENIED: Final = bytes.fromhex("15 03 03 00 02 02 31")
"""RFC 8446, sections 5.1 and 6.2: a fatal alert, `access_denied`."""
_UNREAD_BYTES_MAX: Final = 64 * 1024


async def first_byte(sock: socket.socket, timeout_s: float) -> int | None:
    """The first byte, left where it is; None when the other end closes, or is silent for too long. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _settle, readable)
    try:
        async with asyncio.timeout(timeout_s):
            await readable
    except TimeoutError:
        return None
    finally:
        loop.remove_reader(sock)
    data = sock.recv(1, socket.MSG_PEEK)
    return data[0] if data else None


def check_first_byte(first: int) -> None:
    """Raise `PeerError` for a byte that begins nothing that is spoken here."""
    if first in _CONSUL_BYTES:
        raise PeerError(f"its first byte is 0x{first:02x}, as of an agent of Consul: agents of Lictor alone are served")
    if first not in (TLS_BYTE, RAFT_BYTE, RPC_BYTE, KEY_BYTE, AGENT_BYTE):
        raise PeerError(f"its first byte is 0x{first:02x}, with which neither TLS nor RPC nor Raft begins")


def say_no(sock: socket.socket, first: int, error: LictorError) -> None:
    """Tell a connection why it is not taken, as far as it can be told without waiting, and close it."""
    with contextlib.suppress(OSError):
        if first == RAFT_BYTE:
            nobody = LinkIdentity(datacenter="", id="", name="", address="")
            sock.send(answer_bytes(nobody, Refusal(RefusalCode.CERTIFICATE, str(error))))
        elif first == TLS_BYTE:
            sock.send(_ACCESS_DENIED)
        else:
            sock.send(refusal_bytes(error))
    close(sock)


def close(sock: socket.socket) -> None:
    """Close what nobody reads from. What is left unread would make a reset of it, which may overtake an answer."""
    with contextlib.suppress(OSError):
        sock.recv(_UNREAD_BYTES_MAX)
        sock.shutdown(socket.SHUT_WR)
    sock.close()


class Switch(asyncio.Protocol):
    """Stands in until TLS is done, then gives way to the protocol that `choose` takes."""

    def __init__(self, choose: Callable[[asyncio.Transport], asyncio.Protocol]) -> None:
        self._choose = choose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is done."""
        # Of a stream it is a Transport, whatever the loop; uvloop's is no subclass.
        stream = cast(asyncio.Transport, transport)
        protocol = self._choose(stream)
        stream.set_protocol(protocol)
        protocol.connection_made(stream)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
