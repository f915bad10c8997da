"""Sets that only grow: nothing lost, nothing made up, and no read from the past. Every number is added once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind, Mode, Value

__all__ = ["grow_set"]


def grow_set(history: Sequence[Call]) -> Finding:
    """Judge the calls (`add`, `read`) to one key, in order of their invocation; stale reads are not judged here.

    A number is there for every read that begins after its `add` was acknowledged, or after another read saw it.
    """
    reads = [call for call in history if call.asked.f == "read" and call.kind is Kind.OK]
    reads = [call for call in reads if call.asked.mode is not Mode.STALE]
    adds = [call for call in history if call.asked.f == "add"]
    problems = [*_doubled(reads), *_phantoms(reads, adds), *_missing(reads, adds)]
    return finding(len(reads) + len(adds), problems, enough=0)


def _numbers(read: Call) -> tuple[Value, ...]:
    return read.value if isinstance(read.value, tuple) else ()


def _doubled(reads: Sequence[Call]) -> Iterator[Problem]:
    for read in reads:
        if len(set(_numbers(read))) < len(_numbers(read)):
            yield told(f"doubled: a number stands twice in {describe(read)}", read)


def _phantoms(reads: Sequence[Call], adds: Sequence[Call]) -> Iterator[Problem]:
    begun = {add.value: add.invoked for add in adds if add.kind is not Kind.FAIL}
    for read in reads:
        assert read.returned is not None, "a read that is ok has ended"
        made_up = [number for number in _numbers(read) if begun.get(number, read.returned) >= read.returned]
        if made_up:
            yield told(f"phantom: {made_up} in {describe(read)}", read)


def _missing(reads: Sequence[Call], adds: Sequence[Call]) -> Iterator[Problem]:
    """Walk the history once; `known` holds what every read that begins now must see, and by which call."""
    events: list[tuple[int, int, Call]] = [(read.invoked, 1, read) for read in reads]
    events += [(call.returned, 0, call) for call in (*reads, *adds) if call.returned is not None]
    known: dict[Value, Call] = {}
    for _, begins, call in sorted(events, key=lambda event: event[:2]):
        if begins:
            missing = known.keys() - set(_numbers(call))
            if missing:
                since = {number: known[number] for number in sorted(missing, key=str)}
                names = ", ".join(f"{one} (known since line {(by.returned or 0) + 1})" for one, by in since.items())
                yield told(f"lost or stale: {names} missing from {describe(call)}", call, *since.values())
        elif call.asked.f == "read":
            for number in _numbers(call):
                known.setdefault(number, call)
        elif call.kind is Kind.OK and isinstance(call.value, int):
            known.setdefault(call.value, call)
