"""Blocking queries: some threads change keys and instances, the others wait for that."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final
from urllib.parse import quote

import msgspec

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.blocking import CHANGES, LATE_MS, blocking, key_name, service_name, wait_ms_max
from lictor_jepsen.clients.base import QUERY, HTTPClient, checked, decoded, index_of
from lictor_jepsen.http import Answer
from lictor_jepsen.instances import catalog_registration, health_rows
from lictor_jepsen.op import Invocation, Kind, Mode, Op, Outcome, Value
from lictor_jepsen.workload.base import THREADS_PER_KEY, Client, Made, Place, Turn, Workload
from lictor_jepsen.workload.kv import read_mode

__all__ = ["Blocking"]

CYCLE: Final = 40
"""After so many operations a thread changes the same sort of things again."""
BURST: Final = 5
"""So many changes in a row, and none for the rest of a cycle: who was not told of the last one waits in vain, and is
not told by the next."""
POLLS: Final = 6
"""How many polls in a row wait for one thing."""
_WAITS_MS: Final = (1_000, 6_000, 6_000)
_LAST_WAIT_MS: Final = 200
_STATES_MAX: Final = 10_000
"""Things that a client remembers an index of; the oldest go."""


class Blocking(Workload):
    """Watch a key, keys with a prefix, a service; change them."""

    name = "blocking"
    about = "wait for changes of keys and services by blocking queries, while others change them"
    alone = ""
    makes = frozenset({Made.KEYS, Made.NODES})
    changes = CHANGES

    def key(self, thread: int, number: int, threads: int) -> str:
        """The same for the whole run: threads that wait must not fall behind those that change."""
        del number
        return f"{self.name}-{thread % _groups(threads)}"

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Half of the threads change things, the others wait for that; all move on to other things after a while."""
        groups = _groups(turn.threads)
        if turn.thread // groups % 2 == 0:
            return _change(rng, turn)
        lasting = Random(f"{turn.thread}/{turn.number // POLLS}/{turn.key}")
        writers = range(turn.thread % groups, turn.threads, 2 * groups)
        one = key_name(turn.key, lasting.choice(writers))
        target = lasting.choice((one, one, f"{turn.key}/", turn.key))
        return Invocation("watch", turn.key, (target, rng.choice(_WAITS_MS)), read_mode(lasting))

    def client(self, place: Place) -> Client:
        """Remembers at which index it saw what."""
        return _Watcher(place.url, place.cluster.prefix)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Look at all of it once more."""
        return [
            Invocation("watch", key, (target, _LAST_WAIT_MS), mode)
            for key in keys
            for target in (f"{key}/", key)
            for mode in (Mode.DEFAULT, Mode.CONSISTENT)
        ]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By `checker.blocking`."""
        return blocking(history)


def _groups(threads: int) -> int:
    """How many groups of threads work on the same things."""
    return max(1, round(threads / THREADS_PER_KEY))


def _change(rng: Random, turn: Turn) -> Invocation:
    """A burst of changes of a key, a rest, a burst of changes of an instance, a rest: writes that concern nobody."""
    removes = rng.random() < 0.2
    moment = (turn.number + turn.thread * CYCLE // 6) % CYCLE
    if moment < BURST:
        verb = "delete" if removes else "write"
    elif CYCLE // 2 <= moment < CYCLE // 2 + BURST:
        verb = "remove" if removes else "put"
    else:
        verb = "write elsewhere"
    return Invocation(verb, turn.key, turn.thread if removes and verb in CHANGES else (turn.thread, turn.fresh))


class _Entry(msgspec.Struct):
    """A key as the API tells it."""

    Key: str
    Value: str


class _Watcher(HTTPClient):
    """Carries out the invocations of one thread."""

    reads = frozenset({"watch"})

    def __init__(self, url: str, prefix: str) -> None:
        super().__init__(url)
        self._prefix = prefix
        self._states: dict[tuple[str, Mode], tuple[int, Value]] = {}

    async def do(self, asked: Invocation) -> Outcome:
        match asked.f, asked.value:
            case "watch", (str() as target, int() as wait_ms):
                return await self._watch(asked, target, wait_ms)
            case "write", (int() as thread, int() as number):
                await self._kv("PUT", key_name(asked.key, thread), str(number))
            case "write elsewhere", (int() as thread, int() as number):
                await self._kv("PUT", f"beside-{key_name(asked.key, thread)}", str(number))
            case "delete", int() as thread:
                await self._kv("DELETE", key_name(asked.key, thread))
            case "put", (int() as thread, int() as number):
                body = catalog_registration(asked.key, f"{asked.key}-{thread}", number)
                checked(await self.ask("PUT", "/v1/catalog/register", body))
            case "remove", int() as thread:
                node, _, id_ = service_name(asked.key, thread).partition("/")
                checked(await self.ask("PUT", "/v1/catalog/deregister", json.dumps({"Node": node, "ServiceID": id_})))
            case _:
                raise ValueError(f"nobody who waits knows how to do {asked}")
        return Outcome(Kind.OK, asked.value)

    async def _kv(self, method: str, name: str, body: str = "") -> None:
        checked(await self.ask(method, f"/v1/kv/{self._prefix}{quote(name)}", body))

    async def _watch(self, asked: Invocation, target: str, wait_ms: int) -> Outcome:
        index, known = self._states.get((target, asked.mode), (0, ()))
        query = "&".join(filter(None, (f"index={index}&wait={wait_ms}ms", QUERY[asked.mode])))
        if "/" in target:
            path = f"/v1/kv/{self._prefix}{quote(target)}?{query}{'&recurse' if target.endswith('/') else ''}"
        else:
            path = f"/v1/health/service/{quote(target)}?{query}"
        timeout_s = (wait_ms_max(wait_ms) + LATE_MS) / 1000 + self._timeout_s
        answer = await self.ask("GET", path, timeout_s=timeout_s)
        shown = self._keys(answer) if "/" in target else health_rows(checked(answer))
        seen = index_of(answer)
        # Consul's document `features/blocking`: an index that went back begins anew.
        self._states[(target, asked.mode)] = (0 if seen is None or seen < index else seen, shown)
        if len(self._states) > _STATES_MAX:
            self._states.pop(next(iter(self._states)))
        return Outcome(Kind.OK, (target, index, wait_ms, known, shown), seen)

    def _keys(self, answer: Answer) -> Value:
        """The keys of an answer and their numbers."""
        if answer.status == 404:
            return ()
        rows = decoded(checked(answer), list[_Entry])
        return tuple((row.Key.removeprefix(self._prefix), int(base64.b64decode(row.Value))) for row in rows)
