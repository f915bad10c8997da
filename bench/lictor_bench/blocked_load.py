"""Blocked queries, one connection each, from a process of its own: `python -m lictor_bench.blocked_load`.

Opens the connections, sends each one its question, and says `waiting` when all are sent. From then on it notes when
answers come; a line on its standard input makes it print what came since, as one JSON object, and the end of the input
ends it. Sockets alone, so that the generator is small beside what it measures.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["PER_ADDRESS", "Waiters", "main"]

PER_ADDRESS: Final = 20_000
"""Connections from one address of this host: the system has some 28,000 ports for each."""
_BYTES: Final = 64 * 1024
_AT_ONCE: Final = 256
"""Connections that are being opened: no listener's queue overflows, and none has to be tried again."""


class Report(NamedTuple):
    """What came: how many answers, when each (by `time.monotonic`), and how many connections were lost."""

    answers: int
    came_s: list[float]
    lost: int


class Waiters:
    """All connections of this process, each with one question that is not answered yet."""

    def __init__(self, host: str, port: int, questions: Sequence[bytes]) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for start in range(0, len(questions), _AT_ONCE):
            for number in range(start, min(start + _AT_ONCE, len(questions))):
                self._open(host, port, number, questions[number])

    def _open(self, host: str, port: int, number: int, question: bytes) -> None:
        one = socket.socket()
        # The port is chosen when the other end is known: so each address has all of them for each listener.
        one.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        one.bind((f"127.0.0.{2 + number // PER_ADDRESS}", 0))
        one.connect((host, port))
        one.sendall(question)
        one.setblocking(False)
        self._sockets[one.fileno()] = one
        self._poll.register(one, select.EPOLLIN)

    def watch(self, also: int) -> Report:
        """Note answers until the file descriptor `also` has something to read."""
        self._poll.register(also, select.EPOLLIN)
        came: list[float] = []
        lost = 0
        try:
            while True:
                ready = self._poll.poll()
                now = time.monotonic()
                for descriptor, _ in ready:
                    if descriptor == also:
                        continue
                    data = self._sockets[descriptor].recv(_BYTES)
                    if data.startswith(b"HTTP/1.1 200"):
                        came.append(now)
                    elif not data:
                        lost += 1
                        self._poll.unregister(descriptor)
                        self._sockets.pop(descriptor).close()
                if any(descriptor == also for descriptor, _ in ready):
                    return Report(len(came), came, lost)
        finally:
            self._poll.unregister(also)


def main() -> None:
    """`blocked_load HOST PORT COUNT SERVICES INDEX WAIT`"""
    host, port, count, services, index, wait = sys.argv[1:]
    questions = [
        f"GET /v1/health/service/web-{number % int(services)}?index={index}&wait={wait} HTTP/1.1\r\n"
        f"Host: bench\r\nUser-Agent: bench/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        for number in range(int(count))
    ]
    waiters = Waiters(host, int(port), questions)
    print("waiting", flush=True)
    while True:
        report = waiters.watch(sys.stdin.fileno())
        if not sys.stdin.readline():
            return
        print(json.dumps(report._asdict()), flush=True)


if __name__ == "__main__":
    main()
