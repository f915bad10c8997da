"""DNS questions over TCP as fast as they are answered: `python -m lictor_bench.dns_stream_load`, a process of its own.

One question at a time on each of some connections; dnsperf takes no answers above 16 KiB. Prints one JSON object.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from typing import Final, NamedTuple

from lictor_bench.dns_load import question

__all__ = ["StreamLoad", "main", "run"]

_BUFFER_BYTES: Final = 256 * 1024
_SILENCE_S_MAX: Final = 20.0
_LENGTH_BYTES: Final = 2
_CODE_AT: Final = 3
_CODE: Final = 0x0F
_COUNT_AT: Final = 6


class StreamLoad(NamedTuple):
    """What a run saw. `records_min` is how many answer records the shortest answer had; errors have none."""

    answers: int
    records_min: int
    bytes_each: int
    seconds: float


class _Connection:
    """One connection with one question on its way."""

    def __init__(self, address: tuple[str, int], message: bytes) -> None:
        self.socket = socket.create_connection(address, timeout=_SILENCE_S_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._message = len(message).to_bytes(_LENGTH_BYTES, "big") + message
        self._received = bytearray()

    def ask(self) -> None:
        self.socket.sendall(self._message)

    def answer(self, room: bytearray) -> bytes | None:
        """The whole answer once it is there. Raises `RuntimeError` when the other side has closed."""
        count = self.socket.recv_into(room)
        if not count:
            raise RuntimeError("the server closed a connection")
        self._received += memoryview(room)[:count]
        whole = _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES], "big")
        if len(self._received) < max(whole, _LENGTH_BYTES + 1):
            return None
        answer, self._received = bytes(self._received[_LENGTH_BYTES:]), bytearray()
        return answer


def run(address: tuple[str, int], message: bytes, connections: int, seconds: float) -> StreamLoad:
    """Ask `message` for `seconds`. Raises `RuntimeError` when nothing comes for long."""
    asking = [_Connection(address, message) for _ in range(connections)]
    by_file = {connection.socket.fileno(): connection for connection in asking}
    room = bytearray(_BUFFER_BYTES)
    ready = select.poll()
    for connection in asking:
        ready.register(connection.socket, select.POLLIN)
    answers = size = 0
    records_min = 2**16
    start = time.perf_counter()
    for connection in asking:
        connection.ask()
    while (elapsed_s := time.perf_counter() - start) < seconds:
        files = ready.poll(_SILENCE_S_MAX * 1000)
        if not files:
            raise RuntimeError(f"no answer in {_SILENCE_S_MAX} s")
        for file, _ in files:
            answer = by_file[file].answer(room)
            if answer is None:
                continue
            answers += 1
            size += len(answer)
            is_error = answer[_CODE_AT] & _CODE
            records = 0 if is_error else int.from_bytes(answer[_COUNT_AT : _COUNT_AT + 2], "big")
            records_min = min(records_min, records)
            by_file[file].ask()
    for connection in asking:
        connection.socket.close()
    return StreamLoad(answers, records_min, size // max(answers, 1), elapsed_s)


def main() -> None:
    """`dns_stream_load HOST PORT SECONDS CONNECTIONS NAME/TYPE`"""
    host, port, seconds, connections, asked = sys.argv[1:]
    name, kind = asked.split("/")
    message = question(name, kind, 0)
    print(json.dumps(run((host, int(port)), message, int(connections), float(seconds))._asdict()))


if __name__ == "__main__":
    main()
