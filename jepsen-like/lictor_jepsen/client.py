"""A client of one server or agent: carries out invocations over the HTTP API, `/v1/kv`, and says how they ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from lictor_core.errors import TABLE, NoLeaderError
from lictor_jepsen.http import Answer, NotConnected, request
from lictor_jepsen.op import REFUSED, Invocation, Kind, Mode, Outcome, Value

__all__ = ["TIMEOUT_S", "Client", "surely_undone"]

TIMEOUT_S: Final = 2.5
"""How long a client waits for an answer; after that nobody knows what became of the request.

Shorter than most faults, so that clients ask more than once during each.
"""
PREFIX: Final = "jepsen/"
"""Where the keys of a run lie in the KV store."""
_APPEND_TRIES_MAX: Final = 3
"""How often an append reads and sets anew when somebody was faster; then it failed."""
_QUERY: Final[Mapping[Mode, str]] = {
    Mode.DEFAULT: "",
    Mode.CONSISTENT: "consistent",
    Mode.STALE: "stale",
    Mode.NONE: "",
}


_SESSION: Final = '{"Checks": [], "LockDelay": "0s"}'
"""A session that nothing ends, neither a time nor the health of its node: a lock changes hands by `release` alone."""
_Held: TypeAlias = int | tuple[int, ...]
"""What the keys of a run hold, in JSON."""
T = TypeVar("T")


class _Row(msgspec.Struct):
    """An entry as the API tells it."""

    Value: str
    ModifyIndex: int
    Session: str = ""


class _Created(msgspec.Struct):
    """A session as its creation is answered."""

    ID: str


class _Entry(NamedTuple):
    """What a key holds, and the index it was last changed at; 0 when there is no such key."""

    text: str
    modified: int
    x_index: int | None
    is_locked: bool = False


class _Refused(Exception):
    """An answer that is no success; `definite` when it says that nothing was done."""

    def __init__(self, text: str, *, definite: bool) -> None:
        super().__init__(text)
        self.definite = definite


def surely_undone(status: int, text: str) -> bool:
    """Whether an error says that nothing was done.

    By the table of errors: a status that only definite errors have, or the words of the one that is definite among
    those with status 500.
    """
    if text.strip() == str(NoLeaderError()):
        return True
    kinds = [kind for kind in TABLE.values() if kind.http_status == status]
    return bool(kinds) and all(kind.definite for kind in kinds)


class Client:
    """Asks one server or agent. It locks with one session, which it makes when it needs one."""

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._base = base_url
        self._timeout_s = timeout_s
        self._session = ""

    async def invoke(self, asked: Invocation) -> Outcome:
        """Do it. A read that did not come back `fail`s: it changed nothing, whatever became of it."""
        try:
            return await self._do(asked)
        except _Refused as refused:
            definite = refused.definite
            told = str(refused)
        except NotConnected as error:
            definite, told = True, str(error)
        except OSError as error:  # a time-out is one
            definite, told = False, f"{type(error).__name__}: {error}"
        kind = Kind.FAIL if definite or asked.f == "read" else Kind.INFO
        return Outcome(kind, error=told)

    async def leader(self) -> str:
        """The address of the server that this one takes for the leader; empty when it knows none or does not answer."""
        try:
            answer = await self._ask("GET", "/v1/status/leader")
            return _decoded(_checked(answer), str).rpartition(":")[0]
        except (OSError, _Refused):
            return ""

    async def _do(self, asked: Invocation) -> Outcome:
        match asked.f, asked.value:
            case "read", _:
                return await self._read(asked)
            case "write", int():
                await self._put(asked.key, str(asked.value))
                return Outcome(Kind.OK, asked.value)
            case "add", int():
                await self._put(f"{asked.key}/{asked.value}", "")
                return Outcome(Kind.OK, asked.value)
            case "append", int() as number:
                return await self._append(asked.key, number)
            case "cas", (old, int() as new):
                return await self._compare_and_set(asked.key, old, new)
            case "acquire" | "release", int() as who:
                return await self._lock(asked.f, asked.key, who)
            case _:
                raise ValueError(f"no client knows how to do {asked}")

    async def _read(self, asked: Invocation) -> Outcome:
        if asked.key.startswith("set"):
            return await self._read_set(asked)
        entry = await self._get(asked.key, asked.mode)
        if asked.key.startswith("lock"):
            return Outcome(Kind.OK, _parsed(entry) if entry.is_locked else None, entry.x_index)
        return Outcome(Kind.OK, _parsed(entry), entry.x_index)

    async def _read_set(self, asked: Invocation) -> Outcome:
        query = "&".join(filter(None, ("keys", _QUERY[asked.mode])))
        answer = await self._ask("GET", f"/v1/kv/{PREFIX}{quote(asked.key)}/?{query}")
        if answer.status == 404:
            return Outcome(Kind.OK, (), _index(answer))
        names = _decoded(_checked(answer), list[str])
        return Outcome(Kind.OK, tuple(sorted(int(name.rpartition("/")[2]) for name in names)), _index(answer))

    async def _append(self, key: str, number: int) -> Outcome:
        for _ in range(_APPEND_TRIES_MAX):
            try:
                entry = await self._get(key, Mode.DEFAULT)
            except (OSError, _Refused) as error:
                return Outcome(Kind.FAIL, error=f"nothing set: cannot read: {error!r}")
            held = _parsed(entry)
            numbers = held if isinstance(held, tuple) else ()
            if await self._put(key, json.dumps([*numbers, number]), entry.modified):
                return Outcome(Kind.OK, number)
        return Outcome(Kind.FAIL, error=f"somebody else was faster {_APPEND_TRIES_MAX} times")

    async def _compare_and_set(self, key: str, old: int | None, new: int) -> Outcome:
        """Compare the value, then set if the entry is still the one that was compared."""
        try:
            entry = await self._get(key, Mode.DEFAULT)
        except (OSError, _Refused) as error:
            return Outcome(Kind.FAIL, error=f"nothing set: cannot read: {error!r}")
        if _parsed(entry) != old:
            return Outcome(Kind.FAIL, error="another value")
        if await self._put(key, str(new), entry.modified):
            return Outcome(Kind.OK, (old, new))
        return Outcome(Kind.FAIL, error="changed meanwhile")

    async def _lock(self, verb: str, key: str, who: int) -> Outcome:
        """Take a lock or give it back. Who takes it leaves the own number in its value."""
        if not self._session:
            try:
                answer = _checked(await self._ask("PUT", "/v1/session/create", _SESSION))
            except (OSError, _Refused) as error:
                return Outcome(Kind.FAIL, error=f"nothing done: no session: {error!r}")
            self._session = _decoded(answer, _Created).ID
        path = f"/v1/kv/{PREFIX}{quote(key)}?{verb}={self._session}"
        done = _decoded(_checked(await self._ask("PUT", path, str(who))), bool)
        return Outcome(Kind.OK, REFUSED if not done else who if verb == "acquire" else None)

    async def _get(self, key: str, mode: Mode) -> _Entry:
        answer = await self._ask("GET", f"/v1/kv/{PREFIX}{quote(key)}?{_QUERY[mode]}")
        if answer.status == 404:
            return _Entry("", 0, _index(answer))
        [row] = _decoded(_checked(answer), tuple[_Row])
        return _Entry(base64.b64decode(row.Value).decode(), row.ModifyIndex, _index(answer), bool(row.Session))

    async def _put(self, key: str, text: str, modified: int | None = None) -> bool:
        """Whether it was set. With `modified`, only if the key was last changed at that index (0: does not exist)."""
        query = "" if modified is None else f"?cas={modified}"
        answer = _checked(await self._ask("PUT", f"/v1/kv/{PREFIX}{quote(key)}{query}", text))
        done = _decoded(answer, bool)
        if modified is None and not done:
            raise _Refused("a plain write was answered with false", definite=False)
        return done

    async def _ask(self, method: str, path: str, body: str = "") -> Answer:
        return await request(method, self._base + path, body, timeout_s=self._timeout_s)


def _index(answer: Answer) -> int | None:
    text = answer.headers.get("x-consul-index", "")
    return int(text) if text.isdecimal() else None


def _checked(answer: Answer) -> Answer:
    if answer.status != 200:
        text = f"{answer.status} {answer.text.strip()}"
        raise _Refused(text, definite=surely_undone(answer.status, answer.text))
    return answer


def _decoded(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.text, type=kind)
    except msgspec.DecodeError as error:
        raise _Refused(f"an unexpected answer: {answer.text}: {error}", definite=False) from error


def _parsed(entry: _Entry) -> Value:
    """A key's text as a value: a number, a list of numbers, or None when there is no such key."""
    return msgspec.json.decode(entry.text, type=_Held) if entry.text else None
