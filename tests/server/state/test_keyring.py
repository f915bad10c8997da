"""The ring of keys in the state."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.commands import KeyringSet, KVSet
from lictor_core.sealed_ring import SealedRing
from lictor_server.state import Store
from lictor_server.state.apply import apply
from lictor_server.state.snapshot import restore, take
from tests.server.state.restores import restore_commands


def done(store: Store, index: int, command: KeyringSet) -> object:
    outcome, _ = apply(store, index, command)
    return outcome.value


def test_a_ring_is_changed_only_over_the_one_that_was_seen() -> None:
    store = Store("dc1")
    assert store.keyring.shown() == SealedRing(boxes={})
    assert done(store, 11, KeyringSet(boxes={"a": b"1"}, cas=1)) is False
    assert done(store, 12, KeyringSet(boxes={"a": b"1"}, cas=0)) is True
    assert done(store, 13, KeyringSet(boxes={"a": b"2"}, cas=0)) is False
    assert store.keyring.shown() == SealedRing(boxes={"a": b"1"}, modify_index=12)
    assert store.wake_index([on.KEYRING]) == 12
    assert done(store, 14, KeyringSet(boxes={"b": b"2"}, cas=12)) is True
    assert store.keyring.shown() == SealedRing(boxes={"b": b"2"}, modify_index=14)


def test_servers_hand_the_ring_on_in_snapshots_and_operators_get_none() -> None:
    store = Store("dc1")
    apply(store, 11, KeyringSet(boxes={"a": b"sealed"}, cas=0))
    assert restore(take(store)).keyring.shown() == store.keyring.shown()
    assert b"sealed" not in b"".join(take(store, with_restore=False))


def test_a_restore_brings_no_former_ring_back() -> None:
    """A key that was removed since would be taken for good again."""
    former, store = Store("dc1"), Store("dc1")
    apply(former, 11, KeyringSet(boxes={"old": b"1"}, cas=0))
    apply(former, 12, KVSet(key="k", value=b"1"))
    apply(store, 11, KeyringSet(boxes={"new": b"2"}, cas=0))
    for index, command in enumerate(restore_commands(former, piece_bytes=1000), 20):
        apply(store, index, command)
    assert store.kv.get("k") is not None
    assert store.keyring.shown() == SealedRing(boxes={"new": b"2"}, modify_index=11)
