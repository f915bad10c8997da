"""A history: the lines of a run in order, their file, and the calls they make up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, cast

import msgspec

from lictor_jepsen.op import AGENT, NEMESIS, Invocation, Kind, Mode, Op, Value

__all__ = ["Call", "HistoryError", "calls", "read_history", "to_line"]


_OWN_AGENT: Final = re.compile(rf"{AGENT}\d+")
"""Agents that a run started, by their names: histories that do not say `relayed` are of those."""


class HistoryError(ValueError):
    """A file is no history; the message names the line and the reason."""


class _Line(msgspec.Struct, omit_defaults=True):
    """A line as the file has it."""

    time_ms: float
    process: int
    type: Kind
    f: str
    key: str = ""
    value: object = None
    mode: Mode = Mode.NONE
    node: str = ""
    index: int | None = None
    error: str = ""
    relayed: bool = False
    took_ms: int = 0


class Call(NamedTuple):
    """An invocation and how it ended. Positions are line numbers of the history: they order what time might tie."""

    process: int
    asked: Invocation
    node: str
    invoked: int
    """Position of the invocation."""
    returned: int | None
    """Position of the end; None when nobody knows whether it took place, or will."""
    ended: int | None
    """Position of the line that told how it ended, be it `info`; None without one."""
    kind: Kind
    value: Value
    """What came of it, as its end told when it went well; else what was asked for."""
    x_index: int | None
    time_ms: float
    """When it was invoked."""
    relayed: bool = False
    """Whether an agent that is no server was asked."""

    @property
    def has_no_one_server(self) -> bool:
        """Whether it is a stale read by an agent: each may come from another server, and one may be behind."""
        return self.asked.mode is Mode.STALE and (self.relayed or _OWN_AGENT.fullmatch(self.node) is not None)

    @property
    def numbers(self) -> tuple[Value, ...]:
        """What a read of a list or set saw; empty where nothing is."""
        return self.value if isinstance(self.value, tuple) else ()


def calls(history: Iterable[Op]) -> list[Call]:
    """The calls of the clients, by their invocation. One without an end is `info`.

    Raises `HistoryError` when a process begins anew before its end, or ends what it did not begin.
    """
    opened: dict[int, tuple[int, Op]] = {}
    found: list[Call] = []
    for position, op in enumerate(history):
        if op.process == NEMESIS:
            continue
        begun = opened.pop(op.process, None)
        if op.kind is Kind.INVOKE:
            if begun is not None:
                raise HistoryError(f"line {position + 1}: process {op.process} invokes again before its call ended")
            opened[op.process] = (position, op)
        elif begun is None:
            raise HistoryError(f"line {position + 1}: process {op.process} ends a call that it never began")
        else:
            found.append(_call(*begun, position, op))
    found += [_call(position, op, None, None) for position, op in opened.values()]
    return sorted(found, key=lambda call: call.invoked)


def _call(invoked: int, begun: Op, position: int | None, ended: Op | None) -> Call:
    kind = Kind.INFO if ended is None else ended.kind
    value = ended.value if ended is not None and kind is Kind.OK else begun.value
    return Call(
        process=begun.process,
        asked=Invocation(begun.f, begun.key, begun.value, begun.mode),
        node=begun.node,
        invoked=invoked,
        returned=None if kind is Kind.INFO else position,
        ended=position,
        kind=kind,
        value=value,
        x_index=None if ended is None else ended.x_index,
        time_ms=begun.time_ms,
        relayed=begun.relayed,
    )


def to_line(op: Op) -> str:
    """One line of JSON, without a line end; what is empty is left out."""
    line = _Line(
        time_ms=round(op.time_ms, 3),
        process=op.process,
        type=op.kind,
        f=op.f,
        key=op.key,
        value=op.value,
        mode=op.mode,
        node=op.node,
        index=op.x_index,
        error=op.error,
        relayed=op.relayed,
        took_ms=op.took_ms,
    )
    return msgspec.json.encode(line).decode()


def read_history(path: Path) -> list[Op]:
    """The lines of a file. Raises `HistoryError`, and `OSError` when there is no such file."""
    return [_from_line(number, line) for number, line in enumerate(path.read_bytes().splitlines(), 1) if line.strip()]


def _frozen(tree: object) -> Value:
    """What JSON holds, as a value: lists become tuples. Raises `ValueError` for an object: no operation has one."""
    if isinstance(tree, list):
        return tuple(_frozen(item) for item in cast("list[object]", tree))
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise ValueError(f"a value is no {type(tree).__name__}")


def _from_line(number: int, text: bytes) -> Op:
    try:
        line = msgspec.json.decode(text, type=_Line)
        value = _frozen(line.value)
    except (msgspec.DecodeError, ValueError) as error:
        raise HistoryError(f"line {number}: {error}") from error
    return Op(
        time_ms=line.time_ms,
        process=line.process,
        kind=line.type,
        f=line.f,
        key=line.key,
        value=value,
        mode=line.mode,
        node=line.node,
        x_index=line.index,
        error=line.error,
        relayed=line.relayed,
        took_ms=line.took_ms,
    )
