"""Transactions that read lists and append to them: their micro-operations, and what they show of themselves.

A transaction's value is a tuple of micro-operations: `("append", key, number)`, every number once in a whole history,
and `("r", key, numbers)`, with `None` for numbers that nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from lictor_jepsen.checker.telling import told
from lictor_jepsen.checker.verdict import Problem
from lictor_jepsen.history import Call, HistoryError
from lictor_jepsen.op import Kind, Value

__all__ = ["Numbers", "Txn", "own_problems", "shown", "txn_of"]

Numbers: TypeAlias = tuple[int, ...]
_NUMBERS_SHOWN_MAX: Final = 6


class Read(NamedTuple):
    """A list that was read."""

    key: str
    numbers: Numbers
    expected: Numbers
    """What the transaction itself had seen and appended: all of the list when it had read it, else its end."""
    is_whole: bool
    """Whether `expected` is all of it."""


class Txn(NamedTuple):
    """A transaction, by what others can see of it."""

    number: int
    call: Call
    appends: Mapping[str, Numbers]
    """By key, in order."""
    reads: tuple[Read, ...]
    """Of one that is `ok`; of others nobody knows."""
    begins: Mapping[str, Numbers]
    """By key: what it found before it appended anything, as far as that makes sense."""

    @property
    def may_have_happened(self) -> bool:
        """Whether it did, for all that the client knows."""
        return self.call.kind is not Kind.FAIL


def txn_of(number: int, call: Call) -> Txn:
    """A call as a transaction. Raises `HistoryError` when its value is none of one."""
    appends: dict[str, list[int]] = {}
    seen: dict[str, Numbers] = {}
    reads: list[Read] = []
    begins: dict[str, Numbers] = {}
    for f, key, value in _micro(call):
        if isinstance(value, int):
            appends.setdefault(key, []).append(value)
            if key in seen:
                seen[key] = (*seen[key], value)
        elif f == "r" and value is not None and call.kind is Kind.OK:
            own = tuple(appends.get(key, ()))
            read = Read(key, value, seen.get(key, own), key in seen)
            reads.append(read)
            if key not in seen and _is_sane(read):
                begins[key] = value[: len(value) - len(own)]
            seen[key] = value
    whole = {key: tuple(numbers) for key, numbers in appends.items()}
    return Txn(number, call, whole, tuple(reads), _without_own(begins, whole))


def _without_own(begins: Mapping[str, Numbers], appends: Mapping[str, Numbers]) -> dict[str, Numbers]:
    return {key: numbers for key, numbers in begins.items() if not set(numbers) & set(appends.get(key, ()))}


def _micro(call: Call) -> Iterator[tuple[str, str, int | Numbers | None]]:
    if not isinstance(call.value, tuple):
        raise HistoryError(f"line {call.invoked + 1}: a transaction is a list of micro-operations, not {call.value!r}")
    for one in call.value:
        match one:
            case ("append" as f, str(key), int(number)):
                yield f, key, number
            case ("r" as f, str(key), None):
                yield f, key, None
            case ("r" as f, str(key), tuple(numbers)):
                yield f, key, tuple(_whole(call, number) for number in numbers)
            case _:
                raise HistoryError(f"line {call.invoked + 1}: no micro-operation: {one!r}")


def _whole(call: Call, value: Value) -> int:
    if not isinstance(value, int):
        raise HistoryError(f"line {call.invoked + 1}: lists hold whole numbers, not {value!r}")
    return value


def _is_sane(read: Read) -> bool:
    if read.is_whole:
        return read.numbers == read.expected
    return not read.expected or read.numbers[-len(read.expected) :] == read.expected


def own_problems(txns: Sequence[Txn]) -> Iterator[Problem]:
    """What is wrong with a transaction by itself: it does not see what it did or saw before."""
    for txn in txns:
        for read in txn.reads:
            if not _is_sane(read):
                what = "saw" if read.is_whole else "appended"
                yield told(f"internal: it {what} {read.expected} of {read.key} before: {shown(txn)}", txn.call)
                break
            early = set(read.numbers) & set(txn.appends.get(read.key, ())) - set(read.expected)
            if early:
                yield told(f"internal: it read {sorted(early)} before it appended that: {shown(txn)}", txn.call)
                break


def shown(txn: Txn) -> str:
    """A transaction for people: where it stands in the history, and what it read and appended."""
    call = txn.call
    parts = [_shown_micro(f, key, value) for f, key, value in _micro(call)]
    mode = f" ({call.asked.mode})" if call.asked.mode else ""
    return (
        f"line {call.invoked + 1}, {call.time_ms / 1000:.3f} s, process {call.process} at {call.node or '?'}: "
        f"{call.asked.f}{mode} {call.kind} {', '.join(parts)}"
    )


def _shown_micro(f: str, key: str, value: int | Numbers | None) -> str:
    if isinstance(value, tuple):
        more = "… " if len(value) > _NUMBERS_SHOWN_MAX else ""
        return f"{f} {key} [{more}{' '.join(map(str, value[-_NUMBERS_SHOWN_MAX:]))}]"  # a list's end tells most
    return f"{f} {key} {'?' if value is None else value}"
