"""Locks and semaphores as entries of the key-value store: pure decisions, in the layout that Consul's clients use.

A lock is one key, held by a session. A semaphore is a prefix: each contender holds a key named by its session, and
`.lock` lists the holders, changed by compare-and-set. Flags mark both, so that nothing else is taken for one.
Source: Consul's `docs/guides/semaphore`, and what Consul 1.8.7's `consul lock` writes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from lictor_core.codec import from_json, to_json
from lictor_core.errors import RequestError
from lictor_core.records import KVEntry

__all__ = [
    "LOCK_FLAGS",
    "LOCK_NAME",
    "SEMAPHORE_FLAGS",
    "Holders",
    "LockConflictError",
    "SemaphoreTurn",
    "Turn",
    "lock_turn",
    "semaphore_turn",
    "without",
]

LOCK_FLAGS: Final = 0x2DDCCBC058A50C18
SEMAPHORE_FLAGS: Final = 0xE0F69A2BAA414DE0
LOCK_NAME: Final = ".lock"
"""The name of a semaphore's list of holders, below its prefix; and of the key that `lictor lock` locks."""


class LockConflictError(RequestError):
    """The key or prefix is used for something else, or by others with another limit."""

    code = "lock_conflict"


class Turn(enum.Enum):
    """Whose turn it is: mine already, mine if I take it now, or somebody else's."""

    MINE = "mine"
    FREE = "free"
    TAKEN = "taken"


class Holders(msgspec.Struct, frozen=True, rename="pascal"):
    """What `.lock` of a semaphore holds: how many may hold it, and the sessions that do."""

    limit: int
    holders: dict[str, bool]


@dataclass(frozen=True, slots=True)
class SemaphoreTurn:
    """Whose turn it is at a semaphore; `body` is what to write to `.lock`, if it still is as at index `cas`."""

    turn: Turn
    body: bytes = b""
    cas: int = 0


def lock_turn(entry: KVEntry | None, session: str) -> Turn:
    """Whose turn it is at a lock, as its key is now. Raises `LockConflictError`."""
    if entry is None:
        return Turn.FREE
    if entry.flags != LOCK_FLAGS:
        raise LockConflictError(
            f"key {entry.key!r} is there and is no lock (its flags are {entry.flags}): choose another key"
        )
    if not entry.session:
        return Turn.FREE
    return Turn.MINE if entry.session == session else Turn.TAKEN


def semaphore_turn(entries: Iterable[KVEntry], prefix: str, session: str, limit: int) -> SemaphoreTurn:
    """Whose turn it is at a semaphore, as the keys below its prefix are now. Raises `LockConflictError`."""
    by_key = {entry.key: entry for entry in entries}
    lock = by_key.get(f"{prefix}/{LOCK_NAME}")
    found = Holders(limit, {}) if lock is None else _holders(lock)
    if found.limit != limit:
        raise LockConflictError(
            f"the semaphore {prefix!r} has room for {found.limit}, not for {limit}: give the same number everywhere"
        )
    alive = {one: True for one in found.holders if _contends(by_key.get(f"{prefix}/{one}"), one)}
    if session in alive:
        return SemaphoreTurn(Turn.MINE)
    if len(alive) >= limit:
        return SemaphoreTurn(Turn.TAKEN)
    body = to_json(Holders(limit, {**alive, session: True}))
    return SemaphoreTurn(Turn.FREE, body, 0 if lock is None else lock.modify_index)


def without(lock: KVEntry, session: str) -> bytes | None:
    """What `.lock` holds once `session` is no holder any more; None when it was none."""
    found = _holders(lock)
    if session not in found.holders:
        return None
    return to_json(Holders(found.limit, {one: True for one in found.holders if one != session}))


def _holders(lock: KVEntry) -> Holders:
    try:
        if lock.flags != SEMAPHORE_FLAGS:
            raise RequestError("its flags are others")
        return from_json(lock.value or b"", Holders)
    except RequestError as error:
        raise LockConflictError(f"key {lock.key!r} is there and is no semaphore's ({error}): choose another") from error


def _contends(entry: KVEntry | None, session: str) -> bool:
    return entry is not None and entry.session == session
