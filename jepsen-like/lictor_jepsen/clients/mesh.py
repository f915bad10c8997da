"""A client of the mesh: it talks through the proxies, on live connections and new ones, and writes intentions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from lictor_jepsen.clients.base import TIMEOUT_S, HTTPClient, checked, decoded
from lictor_jepsen.db import Cluster
from lictor_jepsen.mesh import SOURCE, Broken, Line, way_in
from lictor_jepsen.op import Invocation, Kind, Outcome

__all__ = ["LIVE", "NEW", "SETTLE_S_MAX", "MeshClient"]

NEW: Final = "new"
"""Bytes passed on a connection that was opened for them."""
LIVE: Final = "live"
"""Bytes passed on a connection that had been open."""
SETTLE_S_MAX: Final = 30.0
"""How long bytes may not pass once all faults have ended and everything is allowed: every retry's longest wait."""
_ENFORCED_S: Final = 2.0
"""How long the agent waits for proxies before it answers that not all judge by a change."""
_TALK_S: Final = 1.5
_RETRY_S: Final = 0.25


class _Proxy(msgspec.Struct):
    """A proxy that judges by a change."""

    ProxyID: str


class _Enforced(msgspec.Struct):
    """What came of waiting for proxies."""

    Index: int
    Complete: bool
    Enforced: list[_Proxy]


class _Intention(msgspec.Struct):
    """An intention as the API tells it."""

    Action: str
    ModifyIndex: int


class MeshClient(HTTPClient):
    """Talks to each destination on one connection at a time. Keys are names of destinations."""

    reads = frozenset({"look", "connect", "send", "settle", "rest", "leaf", "roots", "known"})

    def __init__(self, base_url: str, cluster: Cluster, *, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(base_url, timeout_s=timeout_s)
        self._cluster = cluster
        self._lines: dict[str, Line] = {}

    async def do(self, asked: Invocation) -> Outcome:
        """`allow`, `deny`, `look`, `connect`, `send`, `settle`, `rest`."""
        match asked.f, asked.value:
            case "allow" | "deny", _:
                return await self._intend(asked)
            case "look", _:
                return await self._look(asked.key)
            case "connect", _:
                self._drop(asked.key)
                return await self._talk(asked.key)
            case "send", _:
                return await self._talk(asked.key)
            case "settle", _:
                return await self._settle(asked.key)
            case "rest", int() as rest_ms:
                await asyncio.sleep(rest_ms / 1000)
                return Outcome(Kind.OK, rest_ms)
            case _:
                raise ValueError(f"no client knows how to do {asked}")

    async def close(self) -> None:
        """Close what is open."""
        for key in list(self._lines):
            self._drop(key)

    async def _intend(self, asked: Invocation) -> Outcome:
        """The index that proxies came to, whether all did that should, and which of them did."""
        path = _exact(asked.key, {"wait-enforced": f"{_ENFORCED_S:g}s"})
        body = json.dumps({"Action": asked.f})
        answer = await self.ask("PUT", path, body, timeout_s=_ENFORCED_S + TIMEOUT_S)
        found = decoded(checked(answer), _Enforced)
        return Outcome(Kind.OK, (found.Index, found.Complete, tuple(one.ProxyID for one in found.Enforced)))

    async def _look(self, key: str) -> Outcome:
        """What is written, and when it was: empty and 0 for nothing."""
        answer = await self.ask("GET", _exact(key, {"consistent": ""}))
        if answer.status == 404:
            return Outcome(Kind.OK, ("", 0))
        found = decoded(checked(answer), _Intention)
        return Outcome(Kind.OK, (found.Action, found.ModifyIndex))

    async def _talk(self, key: str) -> Outcome:
        """Who answered, and whether the connection was there before. Without an answer it is given up."""
        line = self._lines.get(key)
        how = NEW if line is None else LIVE
        try:
            if line is None:
                self._lines[key] = line = await Line.open(way_in(self._cluster, key))
            return Outcome(Kind.OK, (await line.talk(_TALK_S), how))
        except TimeoutError:
            self._drop(key)
            return Outcome(Kind.FAIL, error=f"nothing came within {_TALK_S} s")
        except Broken as error:
            self._drop(key)
            return Outcome(Kind.FAIL, error=f"broken {how}: {error}")

    async def _settle(self, key: str) -> Outcome:
        """Try until bytes pass on a new connection; who answered, and how many milliseconds that took."""
        began = time.monotonic()
        while True:
            self._drop(key)
            outcome = await self._talk(key)
            took_s = time.monotonic() - began
            if outcome.kind is Kind.OK and isinstance(outcome.value, tuple):
                return Outcome(Kind.OK, (outcome.value[0], round(took_s * 1000)))
            if took_s > SETTLE_S_MAX:
                return Outcome(Kind.FAIL, error=f"nothing passed for {SETTLE_S_MAX:.0f} s: {outcome.error}")
            await asyncio.sleep(_RETRY_S)

    def _drop(self, key: str) -> None:
        line = self._lines.pop(key, None)
        if line is not None:
            line.close()


def _exact(destination: str, query: Mapping[str, str]) -> str:
    """The intention of the mesh's source and a destination."""
    return "/v1/connect/intentions/exact?" + urlencode({"source": SOURCE, "destination": destination, **query})
