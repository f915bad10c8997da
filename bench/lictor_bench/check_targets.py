"""What checks ask, in a process of its own: listeners on many loopback addresses, each the target of one check.

`python -m lictor_bench.check_targets <port> <targets>` listens on that port of `target_address(0)` and the following
ones, prints `ready`, and answers every HTTP request with 200. A line on standard input begins a measurement (it prints
`begun`), the next one ends it: it prints how far apart the connections to each target came, as JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import socket
import sys
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Final, cast

import uvloop

__all__ = ["Gaps", "target_address"]

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass(frozen=True)
class Gaps:
    """Seconds between two connections to the same target, of all targets, and how many of these never came twice."""

    seconds: list[float] = field(default_factory=list[float])
    silent: int = 0


def target_address(number: int) -> str:
    """The loopback address of one target."""
    return f"127.77.{number // 200 + 1}.{number % 200 + 1}"


class _Target(asyncio.Protocol):
    def __init__(self, seen: list[float]) -> None:
        self._seen = seen
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not descend from it
        self._seen.append(asyncio.get_running_loop().time())

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(_ANSWER)
        self._transport.close()


async def _serve(port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    seen: list[list[float]] = [[] for _ in range(count)]
    for number in range(count):
        listening = socket.create_server((target_address(number), port))
        await loop.create_server(partial(_Target, seen[number]), sock=listening)
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        for times in seen:
            times.clear()
        print("begun", flush=True)
        if not await loop.run_in_executor(None, sys.stdin.readline):
            return
        gaps = [later - earlier for times in seen for earlier, later in itertools.pairwise(times)]
        silent = sum(1 for times in seen if len(times) < 2)
        print(json.dumps(asdict(Gaps([round(gap, 4) for gap in gaps], silent))), flush=True)


def main(port: int, count: int) -> None:
    """Serve until standard input ends."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(_serve(port, count))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
