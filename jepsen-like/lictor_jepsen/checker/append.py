"""Lists that are only appended to: nothing lost, doubled, reordered or made up, and no read from the past.

Every number is appended once, so all reads must be beginnings of one order, and fit the times of the calls. What two
calls show is told first, and what takes more of them only when there is nothing of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.transactions import transactions
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call
from lictor_jepsen.op import Kind, Mode, Value

__all__ = ["append_list"]


def append_list(history: Sequence[Call]) -> Finding:
    """Judge the calls (`append`, `read`) to one key, in order of their invocation; stale reads are not judged here."""
    reads = [call for call in history if call.asked.f == "read" and call.kind is Kind.OK]
    reads = [call for call in reads if call.asked.mode is not Mode.STALE]
    appends = [call for call in history if call.asked.f == "append"]
    longest = max(reads, key=lambda read: len(read.numbers), default=None)
    order = () if longest is None else longest.numbers
    problems = [
        *_doubled(reads),
        *_phantoms(reads, appends),
        *_diverging(reads, longest),
        *_lost(reads, appends),
        *_reordered(order, appends),
        *_backwards(reads),
    ]
    return finding(len(reads) + len(appends), problems or _circles(reads, appends), enough=0)


def _circles(reads: Sequence[Call], appends: Sequence[Call]) -> Sequence[Problem]:
    """What no two calls show: every call as a transaction of one operation."""
    single = [call._replace(value=(("r", call.asked.key, call.numbers),)) for call in reads]
    single += [call._replace(value=(("append", call.asked.key, call.asked.value),)) for call in appends]
    return transactions(sorted(single, key=lambda call: call.invoked), lambda _: True).problems


def _doubled(reads: Sequence[Call]) -> Iterator[Problem]:
    """Each number once, with the first read that has it twice."""
    known: set[Value] = set()
    for read in reads:
        numbers = Counter(read.numbers)
        twice = sorted({number for number, count in numbers.items() if count > 1} - known, key=str)
        known |= set(twice)
        if twice:
            yield told(f"doubled: {twice} in {describe(read)}", read)


def _phantoms(reads: Sequence[Call], appends: Sequence[Call]) -> Iterator[Problem]:
    """Numbers that nobody appended: never tried, tried only later, or surely failed. Each once."""
    begun = {append.value: append.invoked for append in appends if append.kind is not Kind.FAIL}
    failed = {append.value: append for append in appends if append.kind is Kind.FAIL}
    known: set[Value] = set()
    for read in reads:
        assert read.returned is not None, "a read that is ok has ended"
        made_up = {number for number in read.numbers if begun.get(number, read.returned) >= read.returned} - known
        known |= made_up
        if made_up:
            told_by = [failed[number] for number in made_up if number in failed]
            yield told(f"phantom: {sorted(made_up, key=str)} in {describe(read)}", read, *told_by)


def _diverging(reads: Sequence[Call], longest: Call | None) -> Iterator[Problem]:
    """The first read of each server that does not fit, and how many there are."""
    unlike: dict[str, list[Call]] = {}
    for read in reads:
        if longest is not None and read.numbers != longest.numbers[: len(read.numbers)]:
            unlike.setdefault(read.node, []).append(read)
    for first, *others in unlike.values():
        other = next(read for read in reads if _fork(read.numbers, first.numbers))
        text = f"reordered: no beginning of the list of line {other.invoked + 1}, nor that of it: {describe(first)}"
        more = f" (and {len(others)} more there)" if others else ""
        yield told(text + more, first, other)


def _fork(one: Sequence[Value], other: Sequence[Value]) -> bool:
    """Whether neither is a beginning of the other."""
    shared = min(len(one), len(other))
    return one[:shared] != other[:shared]


def _lost(reads: Sequence[Call], appends: Sequence[Call]) -> Iterator[Problem]:
    """Acknowledged before a read began, and not in it: lost for good, or read from the past. Each once."""
    finished = [append for append in appends if append.kind is Kind.OK]
    for read in reads:
        held = set(read.numbers)
        missing = [one for one in finished if (one.returned or 0) < read.invoked and one.value not in held]
        for append in missing:
            text = f"lost or stale: {append.value}, appended before, is missing from {describe(read)}"
            yield told(text, append, read)
        finished = [append for append in finished if append not in missing]


def _reordered(order: tuple[Value, ...], appends: Sequence[Call]) -> Iterator[Problem]:
    """One append ended before another began, but the list has them the other way round."""
    calls = {append.value: append for append in appends if append.kind is not Kind.FAIL}
    latest_begin: Call | None = None
    for number in order:
        append = calls.get(number)
        if append is None:
            continue
        if append.returned is not None and latest_begin is not None and append.returned < latest_begin.invoked:
            text = f"reordered: {latest_begin.value} stands before {number}, which was appended before it was begun"
            yield told(text, append, latest_begin)
        if latest_begin is None or append.invoked > latest_begin.invoked:
            latest_begin = append


def _backwards(reads: Sequence[Call]) -> Iterator[Problem]:
    """A read that began after another one ended sees less."""
    events = sorted(
        [(read.invoked, 1, read) for read in reads] + [(read.returned or 0, 0, read) for read in reads],
        key=lambda event: event[:2],
    )
    longest: Call | None = None
    for _, begins, read in events:
        if not begins:
            if longest is None or len(read.numbers) > len(longest.numbers):
                longest = read
        elif longest is not None and len(read.numbers) < len(longest.numbers):
            text = f"stale: shorter than what was read before at line {longest.invoked + 1}: {describe(read)}"
            yield told(text, longest, read)
