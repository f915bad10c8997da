"""Configuration entries: by kind and name, and beside it as the typed values that chains and gateways are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lictor_core import topics as on
from lictor_core.codec import pack
from lictor_core.config_records import ConfigEntry
from lictor_core.entries.base import Entry
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.graph import References
from lictor_core.entries.reading import entry_from
from lictor_core.records import JsonObject
from lictor_server.state.indexes import Change

__all__ = ["ENTRIES_BYTES_MAX", "ENTRIES_MAX", "ConfigEntries"]

ENTRIES_MAX: Final = 50_000
"""Configuration entries of all kinds; one more is refused. All of them are in the memory of every server, twice."""
ENTRIES_BYTES_MAX: Final = 64 * 1024 * 1024
"""What all of them may hold together, as msgpack."""


class ConfigEntries:
    """All entries of the datacenter. Names ignore case, kinds do not."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, ConfigEntry]] = {}
        self._forms: dict[str, dict[str, Entry]] = {}
        self._sizes: dict[tuple[str, str], int] = {}
        self._bytes = 0
        self.references = References()
        """Who leads to whom, by the routing of all entries."""

    def refusal(self, kind: str, name: str, body: JsonObject) -> str:
        """Why there is no room for an entry; empty when there is."""
        key = (kind, name.lower())
        if key not in self._sizes and len(self._sizes) >= ENTRIES_MAX:
            return f"there are {len(self._sizes)} configuration entries, and no more are kept: delete some first"
        size = self._bytes - self._sizes.get(key, 0) + len(pack(body))
        if size > ENTRIES_BYTES_MAX:
            return f"all configuration entries would have {size} bytes; at most {ENTRIES_BYTES_MAX} are kept"
        return ""

    def get(self, kind: str, name: str) -> ConfigEntry | None:
        """One entry."""
        return self._rows.get(kind, {}).get(name.lower())

    def all(self, kind: str = "") -> list[ConfigEntry]:
        """The entries of a kind by name, or of all kinds, by kind and name."""
        kinds = [kind] if kind else sorted(self._rows)
        return [rows[name] for one in kinds for rows in (self._rows.get(one, {}),) for name in sorted(rows)]

    def set(self) -> EntrySet:
        """The typed entries, as of this call and only until the next change."""
        return EntrySet.over(self._forms)

    def put(self, change: Change, entry: Entry, body: JsonObject) -> None:
        """Create or replace an entry, kept as `body`. It is written anew also where it says the same, as in Consul."""
        name = entry.name.lower()
        old = self.get(entry.kind, name)
        row = ConfigEntry(
            kind=entry.kind,
            name=entry.name,
            body=body,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        self._keep(row, entry)
        change.wake(on.CONFIG)
        change.wake(on.config_kind(entry.kind))
        change.wake(on.config_entry(entry.kind, name))

    def drop(self, change: Change, kind: str, name: str) -> bool:
        """Delete an entry; whether there was one."""
        rows = self._rows.get(kind, {})
        if rows.pop(name.lower(), None) is None:
            return False
        self.references.replace(self._forms[kind].pop(name.lower()), None)
        self._bytes -= self._sizes.pop((kind, name.lower()))
        change.wake(on.CONFIG)
        change.wake(on.config_kind(kind))
        change.retire(on.config_entry(kind, name))
        return True

    def rows(self) -> Iterator[ConfigEntry]:
        """Every entry as of this call: for snapshots. May be consumed in another thread."""
        return iter(self.all())

    def restore(self, rows: Iterable[ConfigEntry]) -> None:
        """Take rows that `rows` gave. Raises `RequestError` for one that is no entry."""
        for row in rows:
            self._keep(row, entry_from(row.kind, row.name, row.body))

    def _keep(self, row: ConfigEntry, entry: Entry) -> None:
        key = (row.kind, row.name.lower())
        size = len(pack(row.body))
        self._bytes += size - self._sizes.get(key, 0)
        self._sizes[key] = size
        self._rows.setdefault(row.kind, {})[row.name.lower()] = row
        forms = self._forms.setdefault(row.kind, {})
        self.references.replace(forms.get(row.name.lower()), entry)
        forms[row.name.lower()] = entry
