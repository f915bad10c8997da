"""The key-value table: entries in byte order of their keys, and where deleted keys last changed.

Semantics as Consul 1.8's `/v1/kv`: writing what is there already changes nothing, `CreateIndex` stays while a key
lives, a compare-and-set compares `ModifyIndex`. Indexes of keys and prefixes follow from the entries and tombstones:
that of a prefix is the newest change under it, deletions included.

A key may be held by a session. `LockIndex` counts how often it was taken while it lives, and unlike in Consul a plain
write leaves that as it is, so that it can serve as a fencing token.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from sortedcontainers import SortedList

from lictor_core.records import KVEntry
from lictor_server.state.copies import Copies
from lictor_server.state.gone import GoneKeys
from lictor_server.state.indexes import FIRST_INDEX, Change
from lictor_server.state.prefixes import PrefixMap, end_of

__all__ = ["KEYS_GONE_MAX", "PREFIXES_CACHED_MAX", "KVTable"]

KEYS_GONE_MAX: Final = 100_000
"""Deleted keys that keep an index of their own."""
PREFIXES_CACHED_MAX: Final = 10_000
"""Prefixes whose index is kept up to date instead of computed anew."""

_MANY_KEYS: Final = 256
"""So many keys are deleted together rather than one by one."""
_ONE_BY_ONE_SHARE: Final = 40
"""A sorted list is put together anew in the time that it takes to find a fortieth of what it holds, about."""
_INDEX: Final = attrgetter("modify_index")


class KVTable:
    """All keys. Code point order of `str` is the byte order of its UTF-8, which Consul sorts by."""

    def __init__(self, *, gone_max: int = KEYS_GONE_MAX) -> None:
        self._entries: dict[str, KVEntry] = {}
        self._sorted: SortedList[str] = SortedList()
        self._held: dict[str, dict[str, None]] = {}
        self._gone = GoneKeys()
        self._copies: Copies[str, KVEntry] = Copies()
        self._gone_max = gone_max
        self._floor = FIRST_INDEX
        self._prefix_index: PrefixMap[int] = PrefixMap()

    def get(self, key: str) -> KVEntry | None:
        """The entry of exactly this key."""
        return self._entries.get(key)

    def under(self, prefix: str) -> list[KVEntry]:
        """The entries whose keys start with `prefix`, in order."""
        return list(map(self._entries.__getitem__, self._keys_under(prefix)))

    def _keys_under(self, prefix: str) -> Iterator[str]:
        # What a sorted list gives of a range costs a tenth of looking at each key, and trees are large.
        return self._sorted.irange(prefix, end_of(prefix), (True, False))

    def names(self, prefix: str, separator: str) -> list[str]:
        """The keys under `prefix`; with a separator, each only up to and including its next one, once."""
        keys = list(self._keys_under(prefix))
        if not separator:
            return keys
        found: list[str] = []
        at, last = 0, len(keys)
        while at < last:
            key = keys[at]
            end = key.find(separator, len(prefix))
            if end < 0:
                found.append(key)
                at += 1
                continue
            name = key[: end + len(separator)]
            found.append(name)
            after = end_of(name)
            at = last if after is None else bisect_left(keys, after, at + 1)
        return found

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
        if old is None:
            self._sorted.add(key)
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
        self._sorted.remove(key)
        self._gone.add(key, change.index)
        while len(self._gone) > self._gone_max:
            self._floor = max(self._floor, self._gone.drop_oldest())
        self._note(change, key)

    def drop_under(self, change: Change, prefix: str) -> None:
        """Delete every key that starts with `prefix`."""
        keys = list(self._keys_under(prefix))
        if len(keys) < _MANY_KEYS:
            for key in keys:
                self.drop(change, key)
        else:
            self._drop_many(change, keys)

    def _drop_many(self, change: Change, keys: list[str]) -> None:
        """Delete `keys`, which follow one another in the order: as `drop` of each, in a tenth of the time."""
        if self._copies:
            for key in keys:
                self._copies.keep(key)
        dropped = list(map(self._entries.pop, keys))
        for entry in dropped:
            if entry.session:
                self._hold(entry.key, entry.session, "")
        self._cut(keys)
        forgotten = self._gone.add_many(keys, change.index, self._gone_max)
        self._floor = max(self._floor, forgotten)
        change.keys += keys
        for cached in self._prefix_index.touched_by(keys):
            self._prefix_index.set(cached, change.index)

    def _cut(self, keys: list[str]) -> None:
        """Take `keys`, which follow one another, out of the order."""
        first = self._sorted.bisect_left(keys[0])
        if len(keys) * _ONE_BY_ONE_SHARE < len(self._sorted):
            del self._sorted[first : first + len(keys)]
            return
        left = list(self._sorted)
        del left[first : first + len(keys)]
        self._sorted.clear()
        self._sorted.update(left)

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
        newest = max(map(_INDEX, self.under(prefix)), default=FIRST_INDEX)
        return self._gone.newest_under(prefix, newest)

    @property
    def floor(self) -> int:
        """The index of keys that nobody remembers."""
        return self._floor

    def entries(self) -> Iterator[KVEntry]:
        """Every entry as of this call, in order: for snapshots. May be consumed in another thread."""
        copy = self._copies.make(list(self._sorted), self._entries.get)
        return (entry for _, entry in copy)

    def gone_rows(self) -> Iterator[tuple[str, int]]:
        """Every deleted key still remembered as of this call, oldest first: for snapshots."""
        return self._gone.rows()

    def dismantle(self) -> Iterator[None]:
        """Give up all entries, one a step: freeing a large table in one go would hold up every other thread."""
        while self._entries and not self._copies:
            self._entries.popitem()
            yield

    def restore_entry(self, entry: KVEntry) -> None:
        """Take an entry of a snapshot."""
        if entry.key not in self._entries:
            self._sorted.add(entry.key)
        self._entries[entry.key] = entry
        self._hold(entry.key, "", entry.session)

    def restore_entries(self, entries: dict[str, KVEntry]) -> None:
        """Take many entries, by their keys, into an empty table."""
        assert not self._entries, "they come first"
        self._entries.update(entries)
        self._sorted.update(entries)
        for entry in entries.values():
            if entry.session:
                self._hold(entry.key, "", entry.session)

    def restore_gone(self, key: str, index: int) -> None:
        """Take a deleted key of a snapshot; call in the order of `gone_rows`."""
        self._gone.add(key, index)

    def restore_floor(self, floor: int) -> None:
        """Take the floor of a snapshot."""
        self._floor = floor
