"""A client of the KV store: carries out the invocations of the KV workloads over `/v1/kv`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote

import msgspec

from lictor_jepsen.clients.base import QUERY, TIMEOUT_S, HTTPClient, Refused, checked, decoded, index_of
from lictor_jepsen.op import REFUSED, Invocation, Kind, Mode, Outcome, Value

__all__ = ["PREFIX", "SESSION", "KVClient", "SessionID"]

PREFIX: Final = "jepsen/"
"""Where the keys of a run lie in the KV store."""
_APPEND_TRIES_MAX: Final = 3
"""How often an append reads and sets anew when somebody was faster; then it failed."""
SESSION: Final[Mapping[str, object]] = {"Checks": [], "LockDelay": "0s"}
"""A session that nothing ends, neither a time nor the health of its node: a lock changes hands by `release` alone."""
GUEST_TTL: Final = "24h"
"""How long one in somebody else's cluster stays when nobody ends it, as after SIGKILL: the longest that there is."""
_Held: TypeAlias = int | tuple[int, ...]
"""What the keys of a run hold, in JSON."""


class _Row(msgspec.Struct):
    """An entry as the API tells it."""

    Value: str
    ModifyIndex: int
    Session: str = ""


class SessionID(msgspec.Struct):
    """What is read of a session: of the answer to its creation, or of a list."""

    ID: str


class _Entry(NamedTuple):
    """What a key holds, and the index it was last changed at; 0 when there is no such key."""

    text: str
    modified: int
    x_index: int | None
    is_locked: bool = False


class KVClient(HTTPClient):
    """Asks one server or agent. It locks with one session, which it makes when it needs one."""

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S, prefix: str = PREFIX, owner: str = "") -> None:
        """All keys stand below `prefix`, which ends in a slash; `owner` is the name of the session."""
        super().__init__(base_url, timeout_s=timeout_s)
        self._prefix = prefix
        self._wanted = {**SESSION, "Name": owner, "TTL": GUEST_TTL} if owner else SESSION
        self._session = ""

    async def close(self) -> None:
        """Destroy the session, if one was made: nothing else ends it."""
        if self._session:
            with suppress(OSError):
                await self.ask("PUT", f"/v1/session/destroy/{self._session}")

    async def do(self, asked: Invocation) -> Outcome:
        """`read`, `write`, `cas`, `append`, `add`, `acquire` or `release`."""
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
            case "cas", (int() | None as old, int() as new):
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
        query = "&".join(filter(None, ("keys", QUERY[asked.mode])))
        answer = await self.ask("GET", f"/v1/kv/{self._prefix}{quote(asked.key)}/?{query}")
        if answer.status == 404:
            return Outcome(Kind.OK, (), index_of(answer))
        names = decoded(checked(answer), list[str])
        return Outcome(Kind.OK, tuple(sorted(int(name.rpartition("/")[2]) for name in names)), index_of(answer))

    async def _append(self, key: str, number: int) -> Outcome:
        for _ in range(_APPEND_TRIES_MAX):
            try:
                entry = await self._get(key, Mode.DEFAULT)
            except (OSError, Refused) as error:
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
        except (OSError, Refused) as error:
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
                answer = checked(await self.ask("PUT", "/v1/session/create", json.dumps(self._wanted)))
            except (OSError, Refused) as error:
                return Outcome(Kind.FAIL, error=f"nothing done: no session: {error!r}")
            self._session = decoded(answer, SessionID).ID
        path = f"/v1/kv/{self._prefix}{quote(key)}?{verb}={self._session}"
        done = decoded(checked(await self.ask("PUT", path, str(who))), bool)
        return Outcome(Kind.OK, REFUSED if not done else who if verb == "acquire" else None)

    async def _get(self, key: str, mode: Mode) -> _Entry:
        answer = await self.ask("GET", f"/v1/kv/{self._prefix}{quote(key)}?{QUERY[mode]}")
        if answer.status == 404:
            return _Entry("", 0, index_of(answer))
        [row] = decoded(checked(answer), tuple[_Row])
        return _Entry(base64.b64decode(row.Value).decode(), row.ModifyIndex, index_of(answer), bool(row.Session))

    async def _put(self, key: str, text: str, modified: int | None = None) -> bool:
        """Whether it was set. With `modified`, only if the key was last changed at that index (0: does not exist)."""
        query = "" if modified is None else f"?cas={modified}"
        answer = checked(await self.ask("PUT", f"/v1/kv/{self._prefix}{quote(key)}{query}", text))
        done = decoded(answer, bool)
        if modified is None and not done:
            raise Refused("a plain write was answered with false", definite=False)
        return done


def _parsed(entry: _Entry) -> Value:
    """A key's text as a value: a number, a list of numbers, or None when there is no such key."""
    return msgspec.json.decode(entry.text, type=_Held) if entry.text else None
