"""One UDP socket: reads what is there, answers at once, a bounded number in each pass of the loop.

A plain socket and `add_reader` instead of a datagram transport: no object and no callback for each message.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_dns.cache import AnswerCache

__all__ = ["UdpSocket", "bind"]

_MESSAGE_BYTES_MAX: Final = 4096
"""Longest query read; what is longer loses its end and is refused."""
_BATCH_MAX: Final = 128
"""Messages answered in one pass of the loop before others get their turn."""
_BUFFER_BYTES: Final = 4 * 1024 * 1024
_PACKET_INFO: Final = struct.Struct("@I4s4s")  # struct in_pktinfo: interface, local address, header's destination
_PACKET_INFO_6: Final = struct.Struct("@16sI")  # struct in6_pktinfo (RFC 3542, section 6.1)
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(max(_PACKET_INFO.size, _PACKET_INFO_6.size))

_Ancillary = list[tuple[int, int, bytes]]


def bind(host: str, port: int) -> socket.socket:
    """A UDP socket on `host`, an IP address. Raises `OSError` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


class UdpSocket:
    """Answers on `bound` from `cache` until closed. Every failure stays with the message that caused it."""

    def __init__(
        self, bound: socket.socket, cache: AnswerCache, loop: asyncio.AbstractEventLoop, log: FilteringBoundLogger
    ) -> None:
        self._socket = bound
        self._cache = cache
        self._loop = loop
        self._log = log
        if _is_wildcard(bound):
            _ask_for_destination(bound)
            loop.add_reader(bound.fileno(), self._answer_from_destination)
        else:
            loop.add_reader(bound.fileno(), self._answer)

    def close(self) -> None:
        """Stop answering and give the port back."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _answer(self) -> None:
        receive, send, reply = self._socket.recvfrom, self._socket.sendto, self._cache.reply
        self._cache.refresh()
        for _ in range(_BATCH_MAX):
            try:
                message, client = receive(_MESSAGE_BYTES_MAX)
                answer = reply(message, client)
                if answer is not None:
                    send(answer, client)
            except BlockingIOError:
                # Nothing more to read, or no room to send: UDP may lose what it cannot send.
                return
            except OSError as error:
                self._log.debug("dns.answer.lost", reason=str(error))

    def _answer_from_destination(self) -> None:
        """On a wildcard address an answer must leave from the address that was asked, or the client ignores it."""
        reply = self._cache.reply
        self._cache.refresh()
        for _ in range(_BATCH_MAX):
            try:
                message, ancillary, _, client = self._socket.recvmsg(_MESSAGE_BYTES_MAX, _ANCILLARY_BYTES)
                answer = reply(message, client)
                if answer is not None:
                    self._socket.sendmsg((answer,), _from_destination(ancillary), 0, client)
            except BlockingIOError:
                return
            except OSError as error:
                self._log.debug("dns.answer.lost", reason=str(error))


def _is_wildcard(bound: socket.socket) -> bool:
    host: object = bound.getsockname()[0]
    return host in ("0.0.0.0", "::")


def _ask_for_destination(bound: socket.socket) -> None:
    if bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _from_destination(ancillary: _Ancillary) -> _Ancillary:
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) >= _PACKET_INFO.size:
            _, local, _ = _PACKET_INFO.unpack_from(data)
            return [(level, kind, _PACKET_INFO.pack(0, local, bytes(4)))]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) >= _PACKET_INFO_6.size:
            # The interface is kept: a link-local address means nothing without it.
            return [(level, kind, data[: _PACKET_INFO_6.size])]
    return []


_IP_PKTINFO: Final = 8  # linux/in.h; the socket module has no name for it in Python 3.11
