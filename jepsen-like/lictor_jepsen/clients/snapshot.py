"""A client that saves all state of the servers and restores it, beside what any client of the KV store does.

The clients of a run share a gate: a restore that closes it has the cluster for itself, so that what it restored can be
read before anybody writes over it.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from lictor_jepsen.clients.base import Refused, checked, decoded, surely_undone
from lictor_jepsen.clients.kv import PREFIX, SESSION, KVClient, SessionID
from lictor_jepsen.http import exchange
from lictor_jepsen.op import Invocation, Kind, Outcome, Value

__all__ = ["HELD", "SNAPSHOT_S_MAX", "Gate", "SnapshotClient"]

SNAPSHOT_S_MAX: Final = 20.0
"""How long a save or a restore may take."""
HELD: Final = "held"
"""The key that is locked while a session is held."""
_TRIES_MAX: Final = 20
"""How often what was restored is read until that goes well; after that nobody knows what it is."""
_RETRY_S: Final = 0.5


class _Row(msgspec.Struct):
    Key: str
    Value: str | None
    Session: str = ""


class Gate:
    """Many may pass at once; who closes it waits until all are through, and holds the others up."""

    def __init__(self) -> None:
        self._inside = 0
        self._changed = asyncio.Condition()
        self._closed = False

    @asynccontextmanager
    async def passed(self) -> AsyncGenerator[None]:
        """Inside, with others."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def closed(self) -> AsyncGenerator[None]:
        """Alone. For one client of all."""
        async with self._changed:
            self._closed = True
            await self._changed.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            async with self._changed:
                self._closed = False
                self._changed.notify_all()


class SnapshotClient(KVClient):
    """Asks one server or agent."""

    def __init__(self, base_url: str, gate: Gate) -> None:
        super().__init__(base_url)
        self._gate = gate
        self._saved: dict[int, bytes] = {}
        self._held = ""

    async def invoke(self, asked: Invocation) -> Outcome:
        """Wait at the gate, then do it; an unknown restore forgets what is held."""
        if asked.f in ("save", "restore", "hold", "drop"):
            return await super().invoke(asked)
        async with self._gate.passed():
            return await super().invoke(asked)

    async def do(self, asked: Invocation) -> Outcome:
        """`save` with a number, `restore` with that and whether alone, `hold` and `drop`; else as the KV store.

        Of a restore that had the cluster for itself the value is (number, keys with their values, whether the session
        that is restored holds its key), else the number alone.
        """
        match asked.f, asked.value:
            case "save", int() as number:
                return await self._save(number)
            case "restore", (int() as number, bool() as alone):
                if number not in self._saved:
                    return Outcome(Kind.FAIL, error=f"there is no snapshot {number}")
                if not alone:
                    await self._restore(number)
                    return Outcome(Kind.OK, (number,))
                async with self._gate.closed():
                    await self._restore(number)
                    return await self._look(number)
            case "hold", _:
                return await self._hold()
            case "drop", _:
                return await self._drop()
            case _:
                return await super().do(asked)

    async def _save(self, number: int) -> Outcome:
        raw = await exchange("GET", f"{self._base}/v1/snapshot", timeout_s=SNAPSHOT_S_MAX)
        if raw.status != 200:
            return Outcome(Kind.FAIL, error=f"{raw.status} {raw.body[:200]!r}")
        self._saved[number] = raw.body
        return Outcome(Kind.OK, number)

    async def _restore(self, number: int) -> None:
        raw = await exchange("PUT", f"{self._base}/v1/snapshot", self._saved[number], timeout_s=SNAPSHOT_S_MAX)
        if raw.status != 200:
            text = raw.body.decode(errors="replace")
            raise Refused(f"{raw.status} {text.strip()}", definite=surely_undone(raw.status, text))

    async def _look(self, number: int) -> Outcome:
        """What was restored, read at one index."""
        for _ in range(_TRIES_MAX):
            try:
                answer = await self.ask("GET", f"/v1/kv/{PREFIX}?recurse&consistent")
                rows = () if answer.status == 404 else decoded(checked(answer), tuple[_Row, ...])
                sessions = decoded(checked(await self.ask("GET", "/v1/session/list?consistent")), tuple[SessionID, ...])
            except (OSError, Refused):
                await asyncio.sleep(_RETRY_S)
                continue
            alive = {session.ID for session in sessions}
            keys = {row.Key.removeprefix(PREFIX): row for row in rows}
            content: list[Value] = [(key, _number(row)) for key, row in sorted(keys.items()) if key != HELD]
            holder = keys[HELD].Session if HELD in keys else ""
            return Outcome(Kind.OK, (number, tuple(content), bool(holder), holder in alive if holder else False))
        raise Refused(f"restored, and not read in {_TRIES_MAX} tries", definite=False)

    async def _hold(self) -> Outcome:
        answer = checked(await self.ask("PUT", "/v1/session/create", json.dumps(SESSION)))
        self._held = decoded(answer, SessionID).ID
        done = decoded(checked(await self.ask("PUT", f"/v1/kv/{PREFIX}{HELD}?acquire={self._held}")), bool)
        return Outcome(Kind.OK, True) if done else Outcome(Kind.INFO, error="somebody else holds the key")

    async def _drop(self) -> Outcome:
        """Whoever holds the key is destroyed, and the key gone."""
        answer = await self.ask("GET", f"/v1/kv/{PREFIX}{HELD}?consistent")
        rows = () if answer.status == 404 else decoded(checked(answer), tuple[_Row, ...])
        for row in rows:
            if row.Session:
                checked(await self.ask("PUT", f"/v1/session/destroy/{row.Session}"))
        checked(await self.ask("DELETE", f"/v1/kv/{PREFIX}{HELD}"))
        return Outcome(Kind.OK, False)


def _number(row: _Row) -> int | None:
    text = base64.b64decode(row.Value or "").decode()
    return int(text) if text.isdecimal() else None
