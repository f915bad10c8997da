"""A client that locks by sessions with a TTL: it opens one at a time, renews it or lets it go, and holds locks by it.

A session has a number, which the workload gives it and which stands in the value of the keys that it locks: whoever
reads such a key learns who has it. Semaphores are made of keys as Consul's guide says: each contender locks a key of
its own, and who is inside stands in one more key, which changes by compare-and-set alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Final, TypeAlias
from urllib.parse import quote

import msgspec

from lictor_jepsen.checker.lives import GONE, GOT, NODE, REFUSED
from lictor_jepsen.clients.base import TIMEOUT_S, HTTPClient, Refused, checked, decoded, index_of
from lictor_jepsen.clients.kv import PREFIX, SessionID
from lictor_jepsen.http import Answer
from lictor_jepsen.op import Invocation, Kind, Outcome

__all__ = ["SessionClient"]

_TRIES_MAX: Final = 3
"""How often a semaphore is looked at anew when somebody else was faster; then the client was refused."""
_NO_SESSION: Final = "invalid session"
_Token: TypeAlias = tuple[int, int]
_NO_TOKEN: Final = (0, 0)


class _Row(msgspec.Struct):
    """An entry as the API tells it."""

    Key: str
    Value: str | None
    CreateIndex: int
    ModifyIndex: int
    LockIndex: int
    Session: str = ""

    @property
    def text(self) -> str:
        return base64.b64decode(self.Value or "").decode()


class _Inside(msgspec.Struct):
    """Who is inside a semaphore, by session."""

    Limit: int
    Holders: dict[str, bool]


class SessionClient(HTTPClient):
    """Asks one server or agent, with one session at a time: that of the last `open`."""

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S, prefix: str = PREFIX, owner: str = "") -> None:
        """All keys stand below `prefix`, which ends in a slash; `owner` is the name of its sessions."""
        super().__init__(base_url, timeout_s=timeout_s)
        self._prefix = prefix
        self._named: dict[str, object] = {"Name": owner} if owner else {}
        self._who = 0
        self._session = ""
        self._opened: Outcome | None = None
        self._tokens: dict[str, _Token] = {}

    async def do(self, asked: Invocation) -> Outcome:
        """`open`, `renew`, `destroy`, `acquire`, `release`, `guard`, `enter`, `leave`, `stall`, `read`."""
        if asked.f == "read":
            return await self._read(asked.key)
        who, *rest = asked.value if isinstance(asked.value, tuple) else (0,)
        assert isinstance(who, int), f"{asked} names no session"
        if who != self._who:
            self._who, self._session, self._opened, self._tokens = who, "", None, {}
        if asked.f == "open":
            return await self._open(asked)
        if not self._session:
            return Outcome(Kind.FAIL, error="nothing done: there is no session")
        match asked.f, rest:
            case "renew", _:
                return await self._renew()
            case "destroy", _:
                checked(await self.ask("PUT", f"/v1/session/destroy/{self._session}"))
                self._tokens.clear()
                return Outcome(Kind.OK, (who,))
            case "acquire", _:
                return await self._acquire(asked.key)
            case "release", _:
                self._tokens.pop(asked.key, None)
                return Outcome(Kind.OK, (who, await self._lock("release", asked.key) == GOT))
            case "guard", _:
                return Outcome(Kind.OK, (who, *self._tokens.get(asked.key, _NO_TOKEN)))
            case "enter", [int() as limit]:
                return Outcome(Kind.OK, (who, await self._enter(asked.key, limit)))
            case "leave", _:
                return Outcome(Kind.OK, (who, await self._leave(asked.key)))
            case "stall", [int() as stall_ms]:
                await asyncio.sleep(stall_ms / 1000)
                return Outcome(Kind.OK, (who, stall_ms))
            case _:
                raise ValueError(f"no client knows how to do {asked}")

    async def _open(self, asked: Invocation) -> Outcome:
        """Make the session, unless it was made."""
        if self._opened is None:
            match asked.value:
                case (int(), int() as ttl_ms, int() as delay_ms, str() as behavior, str() as checks):
                    wanted: dict[str, object] = {"TTL": f"{ttl_ms}ms", "LockDelay": f"{delay_ms}ms"}
                case _:
                    raise ValueError(f"no client knows how to do {asked}")
            wanted |= {**self._named, "Behavior": behavior, **({} if checks == NODE else {"Checks": []})}
            answer = checked(await self.ask("PUT", "/v1/session/create", json.dumps(wanted)))
            self._session = decoded(answer, SessionID).ID
            self._opened = Outcome(Kind.OK, asked.value)
        return self._opened

    async def _renew(self) -> Outcome:
        answer = await self.ask("PUT", f"/v1/session/renew/{self._session}")
        if answer.status != 404:
            checked(answer)
        return Outcome(Kind.OK, (self._who, answer.status != 404))

    async def _acquire(self, key: str) -> Outcome:
        came = await self._lock("acquire", key)
        if came != GOT:
            self._tokens.pop(key, None)
            return Outcome(Kind.OK, (self._who, came, *_NO_TOKEN))
        try:
            row, _ = await self._row(key)
        except (OSError, Refused):  # it has the lock, and does not know by which token
            row = None
        mine = row is not None and row.Session == self._session
        token = (row.CreateIndex, row.LockIndex) if row is not None and mine else _NO_TOKEN
        self._tokens[key] = token
        return Outcome(Kind.OK, (self._who, came, *token))

    async def _lock(self, verb: str, key: str) -> str:
        """`GOT` for true, `REFUSED` for false, `GONE` when the session is over."""
        path = f"/v1/kv/{self._prefix}{quote(key)}?{verb}={self._session}"
        answer = await self.ask("PUT", path, str(self._who))
        if answer.status != 200 and _NO_SESSION in answer.text:
            return GONE
        return GOT if decoded(checked(answer), bool) else REFUSED

    async def _read(self, key: str) -> Outcome:
        """Who has it, with its token; 0 for nobody."""
        row, answer = await self._row(key)
        if row is None:
            return Outcome(Kind.OK, (0, *_NO_TOKEN), index_of(answer))
        who = int(row.text) if row.Session else 0
        return Outcome(Kind.OK, (who, row.CreateIndex, row.LockIndex), index_of(answer))

    async def _row(self, key: str) -> tuple[_Row | None, Answer]:
        answer = await self.ask("GET", f"/v1/kv/{self._prefix}{quote(key)}?consistent")
        if answer.status == 404:
            return None, answer
        return decoded(checked(answer), tuple[_Row])[0], answer

    async def _enter(self, key: str, limit: int) -> str:
        came = await self._lock("acquire", f"{key}/{self._session}")
        if came != GOT:
            return came
        for _ in range(_TRIES_MAX):
            inside, modified = await self._inside(key)
            if self._session in inside:
                return GOT
            if len(inside) >= limit:
                return REFUSED
            if await self._set_inside(key, limit, {*inside, self._session}, modified):
                return GOT
        return REFUSED

    async def _leave(self, key: str) -> bool:
        for _ in range(_TRIES_MAX):
            inside, modified = await self._inside(key)
            if self._session not in inside:
                return False
            if await self._set_inside(key, 0, inside - {self._session}, modified):
                return True
        raise Refused(f"somebody else was faster {_TRIES_MAX} times", definite=True)

    async def _inside(self, key: str) -> tuple[set[str], int]:
        """The sessions inside that live, and when that was last changed."""
        answer = await self.ask("GET", f"/v1/kv/{self._prefix}{quote(key)}/?recurse&consistent")
        rows = [] if answer.status == 404 else decoded(checked(answer), list[_Row])
        living = {row.Session for row in rows if row.Session}
        lock = next((row for row in rows if row.Key.endswith("/.lock")), None)
        if lock is None:
            return set(), 0
        return living & set(msgspec.json.decode(lock.text, type=_Inside).Holders), lock.ModifyIndex

    async def _set_inside(self, key: str, limit: int, sessions: set[str], modified: int) -> bool:
        text = json.dumps({"Limit": limit, "Holders": dict.fromkeys(sorted(sessions), True)})
        return decoded(
            checked(await self.ask("PUT", f"/v1/kv/{self._prefix}{quote(key)}/.lock?cas={modified}", text)), bool
        )
