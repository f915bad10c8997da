"""The intentions: by id, and by the pair of names that makes each unique."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lictor_core import topics as on
from lictor_core.entries.access import ServiceIntentions
from lictor_core.errors import RequestError
from lictor_core.intentions import WILDCARD, in_deciding_order, precedence
from lictor_core.records import Intention
from lictor_server.state.catalog import fold
from lictor_server.state.copies import in_order
from lictor_server.state.indexes import Change

__all__ = ["Intentions"]


class Intentions:
    """All intentions of the datacenter. Names compare exactly, as certificates carry them."""

    def __init__(self) -> None:
        self._by_id: dict[str, Intention] = {}
        self._id_of: dict[tuple[str, str], str] = {}
        self._by_source: dict[str, dict[str, None]] = {}
        self._by_destination: dict[str, dict[str, None]] = {}

    def all(self) -> list[Intention]:
        """Every intention in deciding order."""
        return in_deciding_order(self._by_id.values())

    def get(self, intention_id: str) -> Intention | None:
        """One intention by id; case does not count."""
        return self._by_id.get(fold(intention_id))

    def between(self, source: str, destination: str) -> Intention | None:
        """The intention that names exactly these two."""
        intention_id = self._id_of.get((source, destination))
        return None if intention_id is None else self._by_id[intention_id]

    def matching(self, by: str, name: str) -> list[Intention]:
        """The intentions that could decide for `name` as `by`, source or destination, in deciding order."""
        table = self._by_source if by == "source" else self._by_destination
        names = dict.fromkeys((name, WILDCARD))
        return in_deciding_order(self._by_id[each] for one in names for each in table.get(one, {}))

    def to(self, destination: str) -> list[Intention]:
        """The intentions that name exactly this destination, in deciding order."""
        return in_deciding_order(self._by_id[one] for one in self._by_destination.get(destination, {}))

    def destinations(self) -> list[str]:
        """Every destination that an intention names."""
        return list(self._by_destination)

    def put(self, change: Change, intention: Intention) -> None:
        """Create or replace by id; that its names are free was settled by the caller."""
        old = self._by_id.get(intention.id)
        stored = msgspec.structs.replace(
            intention,
            precedence=precedence(intention.source_name, intention.destination_name),
            created_at=intention.created_at if old is None else old.created_at,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        if old is not None:
            self._unlink(change, old)
            _wake_entries(change, old.destination_name)
        self._link(stored)
        _wake_entries(change, stored.destination_name)
        change.wake(on.INTENTIONS)
        change.wake(on.intention_source(stored.source_name))
        change.wake(on.intention_destination(stored.destination_name))

    def drop(self, change: Change, intention_id: str) -> bool:
        """Delete by id; whether there was one."""
        old = self.get(intention_id)
        if old is None:
            return False
        self._unlink(change, old)
        _wake_entries(change, old.destination_name)
        if old.destination_name not in self._by_destination:
            change.retire(on.config_entry(ServiceIntentions.kind, old.destination_name))
        change.wake(on.INTENTIONS)
        return True

    def _link(self, intention: Intention) -> None:
        self._by_id[intention.id] = intention
        self._id_of[intention.source_name, intention.destination_name] = intention.id
        self._by_source.setdefault(intention.source_name, {})[intention.id] = None
        self._by_destination.setdefault(intention.destination_name, {})[intention.id] = None

    def _unlink(self, change: Change, intention: Intention) -> None:
        source, destination = intention.source_name, intention.destination_name
        del self._by_id[intention.id]
        del self._id_of[source, destination]
        for table, name, topic in (
            (self._by_source, source, on.intention_source(source)),
            (self._by_destination, destination, on.intention_destination(destination)),
        ):
            del table[name][intention.id]
            if table[name]:
                change.wake(topic)
            else:
                del table[name]
                change.retire(topic)

    def rows(self) -> Iterator[Intention]:
        """Every intention as of this call, by id: for snapshots. For any thread."""
        rows = dict(self._by_id)
        return (rows[intention_id] for intention_id in in_order(list(rows)))

    def restore(self, intentions: Iterable[Intention]) -> None:
        """Take the rows of a snapshot. Raises `RequestError` for what no server held together."""
        for intention in intentions:
            names = intention.source_name, intention.destination_name
            if intention.id in self._by_id or names in self._id_of:
                raise RequestError(f"the snapshot has the id or the names of intention {intention.id} twice")
            self._link(intention)


def _wake_entries(change: Change, destination: str) -> None:
    """The entry of a destination shows its intentions."""
    entry = on.config_entry(ServiceIntentions.kind, destination)
    if entry in change.woken and entry not in change.retired:
        return  # an entry of thousands of sources is woken by the first of them
    change.wake(on.CONFIG)
    change.wake(on.config_kind(ServiceIntentions.kind))
    change.wake(entry)
