"""The key-value table: entries in byte order of their keys, and where deleted keys last changed.

Semantics as Consul 1.8's `/v1/kv`: writing what is there already changes nothing, `CreateIndex` stays while a key
lives, a compare-and-set compares `ModifyIndex`. Indexes of keys and prefixes follow from the entries and tombstones:
that of a prefix is the newest change under it, deletions included.

A key may be held by a session. `LockIndex` counts how often it was taken while it lives, and unlike in Consul a plain
write leaves that as it is, so that it can serve as a fencing token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from sortedcontainers import SortedDict

from lictor_core.records import KVEntry
from lictor_server.state.copies import Copies
from lictor_server.state.gone import GoneKeys
from lictor_server.state.indexes import FIRST_INDEX, Change
from lictor_server.state.prefixes import PrefixMap

__all__ = ["KEYS_GONE_MAX", "PREFIXES_CACHED_MAX", "KVTable"]

KEYS_GONE_MAX: Final = 100_000
"""Deleted keys that keep an index of their own."""
PREFIXES_CACHED_MAX: Final = 10_000
"""Prefixes whose index is kept up to date instead of computed anew."""

_Entries = dict[str, KVEntry]


class KVTable:
    """All keys. Code point order of `str` is the byte order of its UTF-8, which Consul sorts by."""

    def __init__(self, *, gone_max: int = KEYS_GONE_MAX) -> None:
        self._entries: SortedDict[str, KVEntry] = SortedDict()
        self._held: dict[str, dict[str, None]] = {}
        self._gone = GoneKeys()
        self._copies: Copies[str, KVEntry] = Copies()
        self._gone_max = gone_max
        self._floor = FIRST_INDEX
        self._prefix_index: PrefixMap[int] = PrefixMap()

    def get(self, key: str) -> KVEntry | None:
        """The entry of exactly this key."""
        return self._entries.get(key)

    def under(self, prefix: str) -> Iterator[KVEntry]:
        """The entries whose keys start with `prefix`, in order."""
        for key in self._entries.irange(prefix):
            if not key.startswith(prefix):
                return
            yield self._entries[key]

    def names(self, prefix: str, separator: str) -> Iterator[str]:
        """The keys under `prefix`; with a separator, each only up to and including its next one, once."""
        last = None
        for key in self._entries.irange(prefix):
            if not key.startswith(prefix):
                return
            end = key.find(separator, len(prefix)) if separator else -1
            name = key if end < 0 else key[: end + len(separator)]
            if name != last:
                yield name
            last = name

    def held_by(self, session: str) -> list[str]:
        """The keys that a session holds, in order."""
        return sorted(self._held.get(session, {}))

    def put(self, change: Change, key: str, value: bytes, flags: int, *, session: str | None = None) -> None:
        """Write a key. Nothing changes when it already holds just this.

        `session` is who holds it from now on, empty for nobody; by default it stays as it is.
        """
        old = self._entries.get(key)
        before = "" if old is None else old.session
        after = before if session is None else session
        stored = value or None  # an empty value is null in Consul's JSON
        if old is not None and (old.value, old.flags, old.session) == (stored, flags, after):
            return
        taken = 0 if old is None else old.lock_index
        if self._copies.made:
            self._copies.keep(key)
        self._entries[key] = KVEntry(
            lock_index=taken + 1 if after not in ("", before) else taken,
            key=key,
            flags=flags,
            value=stored,
            session=after,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        self._hold(key, before, after)
        self._gone.discard(key)
        self._note(change, key)

    def free(self, change: Change, key: str) -> None:
        """Nobody holds `key` any more."""
        entry = self._entries[key]
        self.put(change, key, entry.value or b"", entry.flags, session="")

    def _hold(self, key: str, before: str, after: str) -> None:
        if before == after:
            return
        if before:
            keys = self._held[before]
            del keys[key]
            if not keys:
                del self._held[before]
        if after:
            self._held.setdefault(after, {})[key] = None

    def drop(self, change: Change, key: str) -> None:
        """Delete a key; a missing one is no change."""
        if key not in self._entries:
            return
        if self._copies.made:
            self._copies.keep(key)
        self._hold(key, self._entries[key].session, "")
        del self._entries[key]
        self._gone.add(key, change.index)
        while len(self._gone) > self._gone_max:
            self._floor = max(self._floor, self._gone.drop_oldest())
        self._note(change, key)

    def drop_under(self, change: Change, prefix: str) -> None:
        """Delete every key that starts with `prefix`."""
        for key in [entry.key for entry in self.under(prefix)]:
            self.drop(change, key)

    def _note(self, change: Change, key: str) -> None:
        change.keys.append(key)
        for prefix in self._prefix_index.prefixes_of(key):
            self._prefix_index.set(prefix, change.index)

    def key_index(self, key: str) -> int:
        """Where `key` last changed, also when it is gone."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry.modify_index
        return max(self._floor, self._gone.get(key, FIRST_INDEX))

    def prefix_index(self, prefix: str) -> int:
        """Where anything under `prefix` last changed."""
        cached = self._prefix_index.get(prefix)
        if cached is None:
            cached = self._newest_under(prefix)
            if len(self._prefix_index) >= PREFIXES_CACHED_MAX:
                self._prefix_index.drop_oldest()
            self._prefix_index.set(prefix, cached)
        return max(cached, self._floor)

    def _newest_under(self, prefix: str) -> int:
        newest = max((entry.modify_index for entry in self.under(prefix)), default=FIRST_INDEX)
        return self._gone.newest_under(prefix, newest)

    @property
    def floor(self) -> int:
        """The index of keys that nobody remembers."""
        return self._floor

    def entries(self) -> Iterator[KVEntry]:
        """Every entry as of this call, in order: for snapshots. May be consumed in another thread."""
        copy = self._copies.make(list(self._entries), self._entries.get)
        return (entry for _, entry in copy)

    def gone_rows(self) -> Iterator[tuple[str, int]]:
        """Every deleted key still remembered as of this call, oldest first: for snapshots."""
        return self._gone.rows()

    def dismantle(self) -> Iterator[None]:
        """Give up all entries, one a step: freeing a large table in one go would hold up every other thread."""
        entries = cast(_Entries, self._entries)
        while entries and not self._copies:
            _Entries.popitem(entries)
            yield

    def restore_entry(self, entry: KVEntry) -> None:
        """Take an entry of a snapshot."""
        self._entries[entry.key] = entry
        self._hold(entry.key, "", entry.session)

    def restore_gone(self, key: str, index: int) -> None:
        """Take a deleted key of a snapshot; call in the order of `gone_rows`."""
        self._gone.add(key, index)

    def restore_floor(self, floor: int) -> None:
        """Take the floor of a snapshot."""
        self._floor = floor
