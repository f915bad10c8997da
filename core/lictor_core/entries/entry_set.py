"""The entries of a datacenter as one value, to be looked up by kind and name. Names ignore case, as everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from lictor_core.entries.base import Entry
from lictor_core.entries.defaults import GLOBAL, TCP, ProxyDefaults, ServiceDefaults, protocol_in

__all__ = ["EntrySet"]

E = TypeVar("E", bound=Entry)


class EntrySet:
    """Entries by kind and name. It is not changed: `with_entry` and `without` give another one."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._of_kind: dict[str, dict[str, Entry]] = {}
        for entry in entries:
            self._of_kind.setdefault(entry.kind, {})[entry.name.lower()] = entry

    @classmethod
    def over(cls, of_kind: Mapping[str, dict[str, Entry]]) -> EntrySet:
        """A set over tables that somebody keeps: by kind, then by name in lower case."""
        made = cls()
        made._of_kind = dict(of_kind)
        return made

    def with_entry(self, entry: Entry) -> EntrySet:
        """This set, with `entry` added or in place of the one of that name."""
        kind = {**self._of_kind.get(entry.kind, {}), entry.name.lower(): entry}
        return EntrySet.over({**self._of_kind, entry.kind: kind})

    def without(self, kind: str, name: str) -> EntrySet:
        """This set without one entry."""
        left = dict(self._of_kind.get(kind, {}))
        left.pop(name.lower(), None)
        return EntrySet.over({**self._of_kind, kind: left})

    def find(self, form: type[E], name: str) -> E | None:
        """The entry of this type and name."""
        found = self._of_kind.get(form.kind, {}).get(name.lower())
        assert found is None or isinstance(found, form), "entries stand under their own kind"
        return found

    def all(self, form: type[E]) -> Iterator[E]:
        """All entries of this type, by name: what is told of them must be the same on every server."""
        for _, entry in sorted(self._of_kind.get(form.kind, {}).items()):
            assert isinstance(entry, form), "entries stand under their own kind"
            yield entry

    @property
    def proxy_defaults(self) -> ProxyDefaults | None:
        """What holds for all proxies."""
        return self.find(ProxyDefaults, GLOBAL)

    def protocol(self, service: str) -> str:
        """The protocol of a service: its own, else that of all proxies, else tcp."""
        own = self.find(ServiceDefaults, service)
        if own is not None and own.protocol:
            return own.protocol
        defaults = self.proxy_defaults
        return (protocol_in(defaults.config) if defaults is not None else "") or TCP
