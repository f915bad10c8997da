"""What holds even for stale reads: they show some past, and one server never goes back.

For every key and server the `X-Consul-Index` never falls: neither that of stale reads nor that of the others. An agent
asks another server when its own is lost, and that one's past may be an earlier one: there stale reads may go back.
A stale read of a register holds a value that somebody wrote; of a list, a beginning of it; of a set, nothing but what
was added; of a lock, somebody who asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call
from lictor_jepsen.op import ABSENT, Kind, Mode, Value

__all__ = ["index_monotonic", "stale_reads"]


def stale_reads(history: Sequence[Call]) -> Finding:
    """Judge the stale reads of one key, whatever its workload."""
    reads = [call for call in history if call.asked.f == "read" and call.kind is Kind.OK]
    stale = [call for call in reads if call.asked.mode is Mode.STALE]
    longest = max((read.value for read in reads if isinstance(read.value, tuple)), key=len, default=())
    is_list = any(call.asked.f == "append" for call in history)
    begun: dict[Value, int] = {ABSENT: -1}
    for call in history:
        if call.asked.f != "read" and call.kind is not Kind.FAIL:
            value = call.asked.value[1] if isinstance(call.asked.value, tuple) else call.asked.value
            assert not isinstance(value, str), "clients write numbers"
            begun.setdefault(value, call.invoked)
    problems: list[Problem] = []
    for read in stale:
        assert read.returned is not None, "a read that is ok has ended"
        values = read.value if isinstance(read.value, tuple) else () if is_list else (read.value,)
        made_up = [v for v in values if isinstance(v, str) or begun.get(v, read.returned) >= read.returned]
        if made_up:
            problems.append(told(f"phantom: {made_up} in {describe(read)}", read))
        elif is_list and values != longest[: len(values)]:
            problems.append(told(f"no past: no beginning of the longest list: {describe(read)}", read))
    return finding(len(stale), problems, enough=0)


def index_monotonic(history: Sequence[Call]) -> Finding:
    """Judge the `X-Consul-Index` of the reads of one key."""
    reads = [call for call in history if call.asked.f == "read" and call.kind is Kind.OK and call.x_index is not None]
    reads = [read for read in reads if not read.has_no_one_server]
    streams: dict[tuple[str, bool], list[Call]] = {}
    for read in reads:
        streams.setdefault((read.node, read.asked.mode is Mode.STALE), []).append(read)
    problems = [problem for stream in streams.values() for problem in _falling(stream)]
    problems += [
        told(f"index 0 would make a blocking query spin: {describe(read)}", read) for read in reads if read.x_index == 0
    ]
    return finding(len(reads), problems, enough=0)


def _falling(reads: Sequence[Call]) -> Iterator[Problem]:
    events = sorted(
        [(read.invoked, 1, read) for read in reads] + [(read.returned or 0, 0, read) for read in reads],
        key=lambda event: event[:2],
    )
    highest: Call | None = None
    for _, begins, read in events:
        index, before = read.x_index or 0, 0 if highest is None else highest.x_index or 0
        if begins and highest is not None and index < before:
            yield told(f"index {index} after {before}: {describe(read)}", highest, read)
        elif not begins and index > before:
            highest = read
