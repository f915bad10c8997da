"""Locks and semaphores by sessions that end: by their TTL, by hand, or with their node.

A thread lives one life after another: it opens a session, locks with it for some turns, and then destroys it, or
crashes (it just goes on with the next life, so that the session ends by its TTL), or stalls for longer than its TTL and
goes on as if it still had what it had. Some doze for less than their TTL, and must find their session again. Which life
is which follows from its number alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.lives import NODE
from lictor_jepsen.checker.sessions import check_sessions
from lictor_jepsen.clients.session import SessionClient
from lictor_jepsen.op import Invocation, Mode, Op
from lictor_jepsen.workload.base import THREADS_PER_KEY, Client, House, Made, Needs, Place, Turn, Workload

__all__ = ["Sessions"]

LIFE_TURNS: Final = 24
"""How many turns a session has."""
_OPENING: Final = (0, 2, 5)
"""The turns that open the session, unless one before did."""
_CRASHED_FROM: Final = 12
"""From this turn on a life that crashes renews nothing; at it, one that stalls does so."""
_LAST: Final = LIFE_TURNS - 1
TTLS_MS: Final = (2000, 3000)
"""The TTLs of sessions, where they may be so short."""
_LONGER_TTL: Final = 1.5
_DELAYS_MS: Final = (0, 500, 2000)
_STALL_PER_TTL: Final = 2.5
_DOZE_PER_TTL: Final = 0.6
_LIMIT: Final = 2
_ROW: Final = 4
"""How many lives of a thread in a row want the same lock."""
_STEADY, _DOZES, _CRASHES, _STALLS = "steady", "dozes", "crashes", "stalls"
_KEYS: Final = ("release-1", "release-2", "delete-1")
"""The locks of a group of threads, by what becomes of them when a session ends."""


class _Life(NamedTuple):
    """What kind of life a session has."""

    who: int
    ttl_ms: int
    delay_ms: int
    behavior: str
    checks: str
    fate: str
    key: str
    is_semaphore: bool


def _life(turn: Turn, ttls_ms: Sequence[int]) -> _Life:
    """The life that this turn is of. Some lives in a row want the same: the next one what the last one lost."""
    number = turn.number // LIFE_TURNS
    who = number * turn.threads + turn.thread + 1
    row = Random(f"sessions {turn.thread}/{number // _ROW}")
    is_semaphore = row.random() < 0.25
    key = row.choice(_KEYS)
    group = turn.thread % max(1, round(turn.threads / THREADS_PER_KEY))
    rng = Random(f"session {who}")
    return _Life(
        who=who,
        ttl_ms=rng.choice(ttls_ms),
        delay_ms=rng.choice(_DELAYS_MS),
        behavior=key.partition("-")[0],
        checks=NODE if rng.random() < 0.2 else "none",
        fate=rng.choices((_STEADY, _DOZES, _CRASHES, _STALLS), (11, 3, 4, 2))[0],
        key=f"semaphore-{group}" if is_semaphore else f"sessions-{group}-{key}",
        is_semaphore=is_semaphore,
    )


class Sessions(Workload):
    """Sessions with TTLs, lock delays, both behaviours and checks of nodes; locks, and semaphores of two."""

    name = "sessions"
    about = (
        "take locks and semaphores by sessions that end by their TTL, by hand or with their node, and fence by tokens"
    )
    alone = ""
    makes = frozenset({Made.KEYS, Made.SESSIONS})
    needs = Needs(settings={"session_ttl_min": "1s"})
    changes = frozenset({"open", "renew", "destroy", "acquire", "release", "enter", "leave"})

    def __init__(self, ttls_ms: tuple[int, int] = TTLS_MS) -> None:
        self._ttls_ms = ttls_ms

    def as_guest(self, house: House) -> Workload:
        """TTLs are longer where they may not be so short: then a run sees fewer sessions end."""
        least_ms = house.session_ttl_min_ms
        return self if least_ms <= self._ttls_ms[0] else Sessions((least_ms, round(least_ms * _LONGER_TTL)))

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Open, then take, use, renew and give back, and end as this life does."""
        life, step = _life(turn, self._ttls_ms), turn.number % LIFE_TURNS
        if step in _OPENING:
            value = (life.who, life.ttl_ms, life.delay_ms, life.behavior, life.checks)
            return Invocation("open", life.key, value)
        if life.fate in (_STALLS, _DOZES) and step == _CRASHED_FROM:
            share = _STALL_PER_TTL if life.fate == _STALLS else _DOZE_PER_TTL
            return Invocation("stall", life.key, (life.who, round(life.ttl_ms * share)))
        f = _fixed(life, step) or _choice(rng, life, step)
        if f == "read":
            return Invocation(f, life.key, mode=Mode.CONSISTENT)
        return Invocation(f, life.key, (life.who, _LIMIT) if f == "enter" else (life.who,))

    def client(self, place: Place) -> Client:
        """One session at a time."""
        return SessionClient(place.url, prefix=place.cluster.prefix, owner=place.cluster.owner)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Who has the locks."""
        locks = [key for key in keys if key.startswith(self.name)]
        return [Invocation("read", key, mode=Mode.CONSISTENT) for key in locks]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By what is documented of sessions."""
        return check_sessions(history)


def _fixed(life: _Life, step: int) -> str:
    """What this kind of life does at this turn; empty when it is for chance to say."""
    if step in (_CRASHED_FROM - 1, _CRASHED_FROM + 1) and life.fate == _DOZES:
        return "renew"
    if step == _LAST - 1 and life.fate == _STEADY:
        return "enter" if life.is_semaphore else "acquire"  # most end with what they have
    return "destroy" if step == _LAST and life.fate == _STEADY else ""


def _choice(rng: Random, life: _Life, step: int) -> str:
    """What a thread does otherwise. One that will crash or stall gives nothing back before."""
    gives = 15 if life.fate == _STEADY else 0
    renews = 0 if life.fate == _CRASHES and step >= _CRASHED_FROM else 20
    takes = 0 if step >= _CRASHED_FROM and life.fate in (_CRASHES, _STALLS) else 35
    if life.is_semaphore:
        return rng.choices(("enter", "renew", "leave"), (takes, renews + 10, gives))[0]
    return rng.choices(("acquire", "renew", "read", "guard", "release"), (takes, renews, 15, 15, gives))[0]
