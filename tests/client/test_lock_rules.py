"""Whose turn it is at a lock or a semaphore."""

from __future__ import annotations

import json

import pytest

from lictor.api.lock_rules import (
    LOCK_FLAGS,
    SEMAPHORE_FLAGS,
    LockConflictError,
    Turn,
    lock_turn,
    semaphore_turn,
    without,
)
from lictor_core.records import KVEntry

A, B, C = "session-a", "session-b", "session-c"


def entry(key: str, session: str = "", *, flags: int = LOCK_FLAGS, value: bytes | None = None) -> KVEntry:
    return KVEntry(lock_index=1, key=key, flags=flags, value=value, session=session, create_index=5, modify_index=7)


def contender(session: str, *, holds: bool = True) -> KVEntry:
    return entry(f"p/{session}", session if holds else "", flags=SEMAPHORE_FLAGS)


def listing(*holders: str, limit: int = 2, flags: int = SEMAPHORE_FLAGS) -> KVEntry:
    body = json.dumps({"Limit": limit, "Holders": dict.fromkeys(holders, True)}).encode()
    return entry("p/.lock", flags=flags, value=body)


def test_a_lock_is_free_when_there_is_no_key_or_nobody_holds_it() -> None:
    assert lock_turn(None, A) is Turn.FREE
    assert lock_turn(entry("k"), A) is Turn.FREE
    assert lock_turn(entry("k", A), A) is Turn.MINE
    assert lock_turn(entry("k", B), A) is Turn.TAKEN


def test_a_key_of_other_use_is_no_lock() -> None:
    with pytest.raises(LockConflictError, match="is no lock"):
        lock_turn(entry("k", flags=0), A)


def test_the_first_at_a_semaphore_makes_its_list() -> None:
    found = semaphore_turn([contender(A)], "p", A, 2)
    assert (found.turn, found.cas) == (Turn.FREE, 0)
    assert json.loads(found.body) == {"Limit": 2, "Holders": {A: True}}


def test_a_semaphore_has_room_for_its_limit_and_no_more() -> None:
    one = semaphore_turn([listing(B), contender(A), contender(B)], "p", A, 2)
    assert (one.turn, one.cas) == (Turn.FREE, 7)
    assert json.loads(one.body)["Holders"] == {B: True, A: True}
    assert semaphore_turn([listing(B, C), contender(B), contender(C)], "p", A, 2).turn is Turn.TAKEN
    assert semaphore_turn([listing(A, B), contender(A), contender(B)], "p", A, 2).turn is Turn.MINE


def test_a_holder_whose_session_ended_makes_room() -> None:
    found = semaphore_turn([listing(B, C), contender(B), contender(C, holds=False)], "p", A, 2)
    assert json.loads(found.body)["Holders"] == {B: True, A: True}
    assert semaphore_turn([listing(A), contender(A, holds=False)], "p", A, 2).turn is Turn.FREE, "so did mine"


def test_another_limit_and_another_use_are_conflicts() -> None:
    with pytest.raises(LockConflictError, match="room for 3, not for 2"):
        semaphore_turn([listing(limit=3)], "p", A, 2)
    for broken in (listing(flags=LOCK_FLAGS), entry("p/.lock", flags=SEMAPHORE_FLAGS, value=b"{")):
        with pytest.raises(LockConflictError, match="no semaphore"):
            semaphore_turn([broken], "p", A, 2)


def test_who_leaves_is_taken_off_the_list_and_nobody_else() -> None:
    left = without(listing(A, B), A)
    assert left is not None
    assert json.loads(left) == {"Limit": 2, "Holders": {B: True}}
    assert without(listing(B), A) is None
