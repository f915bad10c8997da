"""A client that carries out transactions over lists by `PUT /v1/txn`.

What the API promises, and no more, is asked of it: all operations of a transaction take place, at one moment, or none
does (an answer 409), and one without changes reads like a single read of its mode. What is read beforehand with
`GET /v1/kv` is no part of it: a transaction says itself that nothing of that has changed, with `cas`, `check-index` and
`check-not-exists`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from lictor_jepsen.clients.base import QUERY, TIMEOUT_S, HTTPClient, Refused, checked, decoded
from lictor_jepsen.clients.kv import PREFIX
from lictor_jepsen.http import Answer
from lictor_jepsen.op import Invocation, Kind, Mode, Outcome, Value

__all__ = ["TxnClient"]

_TRIES_MAX: Final = 3
"""How often a transaction is tried anew when what it started from has changed meanwhile; then it failed."""
_ROLLED_BACK: Final = 409


class _Entry(msgspec.Struct):
    """What is told of a key. A change tells no value."""

    Key: str
    ModifyIndex: int
    Value: str | None = None


class _Result(msgspec.Struct):
    KV: _Entry


class _Answer(msgspec.Struct):
    Results: list[_Result] | None = None


class _Held(NamedTuple):
    """A list as it was read beforehand: with the index it was last changed at; 0 when there is no such key."""

    numbers: tuple[int, ...]
    modified: int


class _Asked(NamedTuple):
    """One operation of a transaction."""

    verb: str
    key: str
    operation: dict[str, object]
    fills: int | None
    """Which micro-operation it reads for."""


class TxnClient(HTTPClient):
    """Asks one server or agent."""

    reads = frozenset({"look"})

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S, prefix: str = PREFIX) -> None:
        """All keys stand below `prefix`, which ends in a slash."""
        super().__init__(base_url, timeout_s=timeout_s)
        self._prefix = prefix
        self._there: set[str] = set()
        """Keys that were there once; nothing deletes them."""

    async def do(self, asked: Invocation) -> Outcome:
        """`look`, `guarded` or `whole`, with its micro-operations as the value."""
        micro = _micro_of(asked)
        for _ in range(_TRIES_MAX):
            try:
                held = await self._held(asked, micro)
            except (OSError, Refused) as error:
                return Outcome(Kind.FAIL, error=f"nothing done: cannot read: {error!r}")
            told = await self._try(asked, micro, held)
            if told is not None:
                return Outcome(Kind.OK, told)
        return Outcome(Kind.FAIL, error=f"somebody else was faster {_TRIES_MAX} times")

    async def _held(self, asked: Invocation, micro: Sequence[tuple[str, str, int]]) -> dict[str, _Held]:
        """The lists that must be known beforehand: those that are appended to, or guarded."""
        wanted = {key: None for f, key, _ in micro if f == "append" or asked.f == "guarded"}
        return {key: await self._get(self._path(asked, key)) for key in wanted}

    def _path(self, asked: Invocation, key: str) -> str:
        return f"{self._prefix}{asked.key}/{key}"

    async def _get(self, path: str) -> _Held:
        answer = await self.ask("GET", f"/v1/kv/{quote(path)}")
        if answer.status == 404:
            return _Held((), 0)
        [entry] = decoded(checked(answer), tuple[_Entry])
        self._there.add(path)
        return _Held(_numbers(entry), entry.ModifyIndex)

    async def _try(self, asked: Invocation, micro: Sequence[tuple[str, str, int]], held: dict[str, _Held]) -> Value:
        """What came of it, with what was read; None when it was rolled back and may be tried anew."""
        operations = list(self._operations(asked, micro, held))
        query = QUERY[asked.mode] if asked.mode is not Mode.NONE else ""
        body = json.dumps([{"KV": {"Verb": one.verb, "Key": one.key, **one.operation}} for one in operations])
        answer = await self.ask("PUT", f"/v1/txn?{query}", body)
        if answer.status == _ROLLED_BACK:
            self._there -= {one.key for one in operations if one.verb == "get"}  # ask more cautiously the next time
            if asked.f == "look":
                raise Refused(f"409 {answer.text.strip()}", definite=True)
            return None
        read = _read(operations, checked(answer))
        self._there |= {one.key for one in operations if one.verb in ("cas", "set")}
        return tuple(_filled(number, one, read, held) for number, one in enumerate(micro))

    def _operations(
        self, asked: Invocation, micro: Sequence[tuple[str, str, int]], held: dict[str, _Held]
    ) -> Iterator[_Asked]:
        appended = {key for f, key, _ in micro if f == "append"}
        for key in held.keys() - appended:
            path = self._path(asked, key)
            if held[key].modified:
                yield _Asked("check-index", path, {"Index": held[key].modified}, None)
            else:
                yield _Asked("check-not-exists", path, {}, None)
        lists: dict[str, tuple[int, ...]] = {}
        for number, (f, key, fresh) in enumerate(micro):
            path = self._path(asked, key)
            if f == "append":
                how: dict[str, object] = {} if key in lists else {"Index": held[key].modified}
                lists[key] = (*lists.get(key, held[key].numbers), fresh)
                value = base64.b64encode(json.dumps(lists[key]).encode()).decode()
                yield _Asked("cas" if how else "set", path, {"Value": value, **how}, None)
            elif asked.f != "guarded" or key in lists:
                verb = "get" if key in lists or path in self._there else "get-tree"
                yield _Asked(verb, path, {}, number)


def _micro_of(asked: Invocation) -> list[tuple[str, str, int]]:
    """The micro-operations; a read has no number. Raises `ValueError` for what is none."""
    found: list[tuple[str, str, int]] = []
    for one in asked.value if isinstance(asked.value, tuple) else ():
        match one:
            case ("append", str(key), int(number)):
                found.append(("append", key, number))
            case ("r", str(key), None):
                found.append(("r", key, 0))
            case _:
                raise ValueError(f"no client knows how to do {one}")
    return found


def _read(operations: Sequence[_Asked], answer: Answer) -> dict[int, tuple[int, ...]]:
    """The lists that were read, by their micro-operations.

    Every operation has one result, in order, but `check-not-exists` has none, and `get-tree` none without a key.
    """
    results = [result.KV for result in decoded(answer, _Answer).Results or ()]
    read: dict[int, tuple[int, ...]] = {}
    for one in operations:
        if one.verb == "check-not-exists":
            continue
        is_there = bool(results) and results[0].Key == one.key and (one.fills is None or results[0].Value is not None)
        if not is_there and one.verb != "get-tree":
            raise Refused(f"no result of {one.verb} {one.key}: {answer.text}", definite=False)
        if one.fills is not None:
            read[one.fills] = _numbers(results[0]) if is_there else ()
        if is_there:
            del results[0]
    if results:
        raise Refused(f"more results than operations: {answer.text}", definite=False)
    return read


def _filled(
    number: int, one: tuple[str, str, int], read: dict[int, tuple[int, ...]], held: dict[str, _Held]
) -> tuple[Value, ...]:
    """A micro-operation with what was read for it, in the transaction or beforehand."""
    f, key, fresh = one
    if f == "append":
        return f, key, fresh
    return f, key, read[number] if number in read else held[key].numbers


def _numbers(entry: _Entry) -> tuple[int, ...]:
    try:
        return msgspec.json.decode(base64.b64decode(entry.Value or ""), type=tuple[int, ...])
    except (ValueError, msgspec.DecodeError) as error:
        raise Refused(f"no list under {entry.Key}: {entry.Value!r}", definite=False) from error
