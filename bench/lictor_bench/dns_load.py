"""DNS questions as fast as they are answered, from a process of its own: `python -m lictor_bench.dns_load`.

A closed loop over one socket: as many questions are on their way as `OUTSTANDING`, and each answer sends the next one.
Questions and answers go in batches, so that the generator costs less than what it measures. Prints one JSON object.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import dnslib

from lictor_dns.datagrams import BATCH_MAX, MESSAGE_BYTES_MAX, Datagrams
from lictor_dns.protocol import ID_BYTES
from lictor_dns.udp import bind

__all__ = ["OUTSTANDING", "Load", "main", "run"]

OUTSTANDING: Final = 4 * BATCH_MAX
"""Questions on their way; less than the kernel keeps for a socket with its default buffer."""
_SILENCE_S: Final = 0.2
"""After so long without any answer the questions on their way count as lost and are asked again."""
_CODE_AT: Final = 3
_CODE: Final = 0x0F
_COUNT_AT: Final = 7


class Load(NamedTuple):
    """What a run saw. `wrong` answers have an error code or no records; `lost` questions got none."""

    answers: int
    wrong: int
    lost: int
    seconds: float


def run(address: tuple[str, int], questions: Sequence[bytes], seconds: float) -> Load:
    """Ask `questions` (whole messages) in turn for `seconds`."""
    with bind(address[0], 0) as asking:
        datagrams = Datagrams(asking, ID_BYTES)
        # An answer's slot holds the id and the address of the server, so the next question leaves from there.
        for slot in range(BATCH_MAX):
            datagrams.answer(slot, questions[slot % len(questions)][ID_BYTES:])
        ready = select.poll()
        ready.register(asking, select.POLLIN)
        codes = memoryview(datagrams.messages)[_CODE_AT::MESSAGE_BYTES_MAX]
        counts = memoryview(datagrams.messages)[_COUNT_AT::MESSAGE_BYTES_MAX]
        answers = wrong = lost = 0
        start = time.perf_counter()
        _ask_all(asking, address, questions)
        while (elapsed_s := time.perf_counter() - start) < seconds:
            received = len(datagrams.receive())
            if not received:
                if not ready.poll(_SILENCE_S * 1000):
                    lost += OUTSTANDING
                    _ask_all(asking, address, questions)
                continue
            datagrams.send(0, received)
            answers += received
            wrong += sum(1 for code in codes[:received] if code & _CODE) + sum(not count for count in counts[:received])
        codes.release()
        counts.release()
    return Load(answers, wrong, lost, elapsed_s)


def _ask_all(asking: socket.socket, address: tuple[str, int], questions: Sequence[bytes]) -> None:
    for number in range(OUTSTANDING):
        asking.sendto(number.to_bytes(ID_BYTES, "big") + questions[number % len(questions)][ID_BYTES:], address)


def question(name: str, kind: str, payload: int) -> bytes:
    """A query; with `payload` above 0 it has EDNS."""
    record = dnslib.DNSRecord.question(name, kind)
    if payload:
        record.add_ar(dnslib.EDNS0(udp_len=payload))
    return bytes(record.pack())


def main() -> None:
    """`dns_load HOST PORT SECONDS PAYLOAD NAME/TYPE...`"""
    host, port, seconds, payload, *names = sys.argv[1:]
    pairs = [name.split("/") for name in names]
    questions = [question(name, kind, int(payload)) for name, kind in pairs]
    print(json.dumps(run((host, int(port)), questions, float(seconds))._asdict()))


if __name__ == "__main__":
    main()
