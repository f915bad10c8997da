"""One UDP socket: takes what has come, answers it at once, a bounded number in each pass of the loop.

`add_reader` on a plain socket instead of a datagram transport: no object and no callback for each message.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_dns.cache import AnswerCache
from lictor_dns.datagrams import BATCH_MAX, MESSAGE_BYTES_MAX, Datagrams
from lictor_dns.late import LateAnswers
from lictor_dns.protocol import ID_BYTES

__all__ = ["UdpSocket", "bind"]

_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Room asked for questions that wait in the kernel; it gives what it allows."""


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
        self._late = LateAnswers(cache)
        self._datagrams = Datagrams(bound, ID_BYTES)
        self._slots = [
            (slot, slot * MESSAGE_BYTES_MAX + ID_BYTES, slot * MESSAGE_BYTES_MAX, self._datagrams.clients[slot])
            for slot in range(BATCH_MAX)
        ]
        loop.add_reader(bound.fileno(), self._answer)

    def close(self) -> None:
        """Stop answering and give the port back."""
        self._late.close()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _answer_late(self, slot: int, key: bytes) -> None:
        """Answer from a copy of the slot once the answer can be known."""
        send = self._datagrams.later(slot)
        client = str(self._datagrams.clients[slot])
        self._late.wait(key, client, send)

    def _answer(self) -> None:
        datagrams, reply = self._datagrams, self._cache.reply
        messages, answer = datagrams.messages, datagrams.answer
        try:
            lengths = datagrams.receive()
        except OSError as error:
            self._log.warning("dns.socket.failed", reason=error.strerror)
            return
        self._cache.refresh()
        first = lost = 0
        for (slot, key_start, start, client), length in zip(self._slots, lengths, strict=False):
            tail = reply(messages[key_start : start + length], client)
            if tail is not None:
                answer(slot, tail)
            else:
                # Nothing goes back for this one now: the run of answers before it ends here.
                if self._cache.cold is not None:
                    self._answer_late(slot, messages[key_start : start + length])
                lost += datagrams.send(first, slot)
                first = slot + 1
        lost += datagrams.send(first, len(lengths))
        self._cache.passed(len(lengths))
        if lost:
            self._log.debug("dns.answers.lost", count=lost)
