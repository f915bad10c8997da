"""The store: all tables of one server at one index of the log.

Nothing in here waits, so a reader that does not wait either sees one index: never half a command.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from lictor_core import topics as on
from lictor_core.topics import Topic
from lictor_server.state.acl_tables import AclTables
from lictor_server.state.addresses import Addresses
from lictor_server.state.autopilot import AutopilotTable
from lictor_server.state.ca import CATable
from lictor_server.state.catalog import Catalog
from lictor_server.state.config_entries import ConfigEntries
from lictor_server.state.coordinates import CoordinateTable
from lictor_server.state.events import Events
from lictor_server.state.exchange import exchange
from lictor_server.state.gateways import Gateways
from lictor_server.state.health import HealthRows
from lictor_server.state.indexes import FIRST_INDEX, Change, TopicIndex, TopicIndexes
from lictor_server.state.intentions import Intentions
from lictor_server.state.keyring import KeyringTable
from lictor_server.state.kv import KVTable
from lictor_server.state.loading import ROWS_PER_REST, Rest, no_rest
from lictor_server.state.lock_delays import LockDelays
from lictor_server.state.prepared import PreparedQueries
from lictor_server.state.requests import RecentRequests
from lictor_server.state.restoring import Restoring
from lictor_server.state.sessions import Sessions
from lictor_server.state.virtual import VirtualAddresses

__all__ = ["Store"]

_APART: Final = frozenset(
    {
        "acl-auth-methods",
        "acl-binding-rules",
        "acl-policies",
        "acl-roles",
        "acl-tokens",
        "chain",
        "chains",
        "config",
        "config-entry",
        "config-kind",
        "coordinates",
        "distances",
        "events",
        "gateway",
        "keyring",
        "node-sessions",
        "prepared-queries",
        "session",
        "sessions",
        "virtual-addresses",
    }
)
"""Kinds of topics that nothing in the catalog depends on."""
_VIEWED: Final = frozenset((on.COORDINATES, on.PREPARED_QUERIES, on.VIRTUAL_ADDRESSES))
"""Of those apart, what answers of DNS depend on, too."""


class Store:
    """The state of `datacenter`: a pure function of the log up to `index`.

    What answers show as an index is `index_shift` above that of the log: after the restore of a state that was further
    on than this log, indexes still go forward. Nothing shows an index below `index_floor`, that of the newest restore.
    `time_ms` is when the newest `TimedCommand` came.
    """

    def __init__(self, datacenter: str) -> None:
        self.datacenter = datacenter
        self.index = 0
        self.index_shift = 0
        self.index_floor = FIRST_INDEX
        self.catalog_index = FIRST_INDEX
        self.view_index = FIRST_INDEX
        """When anything last changed that names are answered from: the catalog, prepared queries, coordinates, virtual
        addresses. It is in no snapshot, so after a start it may be lower than on another server."""
        self.time_ms = 0
        self.catalog = Catalog()
        self.kv = KVTable()
        self.sessions = Sessions()
        self.lock_delays = LockDelays()
        self.prepared = PreparedQueries()
        self.events = Events()
        self.intentions = Intentions()
        self.acl = AclTables()
        self.ca = CATable()
        self.autopilot = AutopilotTable()
        self.keyring = KeyringTable()
        self.coordinates = CoordinateTable()
        self.indexes = TopicIndexes()
        self.requests = RecentRequests()
        self.restoring = Restoring()
        self.entries = ConfigEntries()
        self.virtual = VirtualAddresses()
        self.gateways = Gateways(self.catalog, self.entries)
        self.health = HealthRows(self.catalog, self.gateways)
        self.addresses = Addresses(self.catalog, self.health)

    def note(self, change: Change) -> None:
        """Take over what a command changed: indexes move, cached lists of what changed are dropped."""
        if change.woken or change.stamped:
            self.indexes.note(change)
            if all(topic.kind in _APART for topics in (change.woken, change.stamped) for topic in topics):
                # Nothing that is kept of the catalog depends on it, and some is written all the time.
                if not _VIEWED.isdisjoint(change.woken):
                    self.view_index = change.index
                return
            self.health.forget(change)
            self.addresses.forget()
            self.catalog_index = self.view_index = change.index

    def become(self, other: Store) -> None:
        """Take over the whole state of `other`, in place: every table that somebody holds shows the new state.

        It takes the same short time whatever the size, for the two stores change places: `other` has the former state
        afterwards, and may be given up at leisure. Waking who watches is the caller's part, since a store knows nobody.
        """
        assert self.datacenter == other.datacenter, "a server keeps its datacenter"
        self.index, other.index = other.index, self.index
        self.index_shift, other.index_shift = other.index_shift, self.index_shift
        self.index_floor, other.index_floor = other.index_floor, self.index_floor
        self.catalog_index, other.catalog_index = other.catalog_index, self.catalog_index
        self.view_index, other.view_index = other.view_index, self.view_index
        self.time_ms, other.time_ms = other.time_ms, self.time_ms
        exchange(self.catalog, other.catalog)
        exchange(self.kv, other.kv)
        exchange(self.sessions, other.sessions)
        exchange(self.lock_delays, other.lock_delays)
        exchange(self.prepared, other.prepared)
        exchange(self.events, other.events)
        exchange(self.intentions, other.intentions)
        exchange(self.entries, other.entries)
        exchange(self.acl, other.acl)
        exchange(self.ca, other.ca)
        exchange(self.autopilot, other.autopilot)
        exchange(self.keyring, other.keyring)
        exchange(self.coordinates, other.coordinates)
        exchange(self.virtual, other.virtual)
        exchange(self.indexes, other.indexes)
        exchange(self.requests, other.requests)
        exchange(self.restoring, other.restoring)
        for store in (self, other):
            store.gateways.forget()
            store.health.forget_all()
            store.addresses.forget()

    def put_back(self, change: Change, saved: Store) -> None:
        """Take over a state that was saved before, as the command of `change`: `saved` has the former one afterwards.

        Records keep their indexes. Everything else goes on from here: whatever is asked for has changed now, serial
        numbers are not given twice, roots of the same mesh stay trusted, events are counted on; requests and lock
        delays from before are of another time.
        """
        log_index = change.index - self.index_shift
        change.index = max(change.index, saved.index + saved.index_shift + 1)
        change.former = saved
        saved.index_shift = change.index - log_index
        saved.index_floor = saved.catalog_index = saved.view_index = change.index
        saved.ca.take_over(self.ca)
        saved.keyring.sealed = self.keyring.sealed  # a key that was removed since must not come back
        saved.events.last_time = max(saved.events.last_time, self.events.last_time)
        saved.time_ms = max(saved.time_ms, self.time_ms)
        saved.lock_delays = LockDelays()
        saved.requests.forget_all(log_index)
        self.become(saved)

    def dismantle(self, rest: Rest = no_rest) -> None:
        """Give up all rows, little by little: freeing a large store in one go would hold up every other thread.

        Nobody may use this store any more. A table that a snapshot is being taken of is left as it is. `rest` is called
        now and then.
        """
        steps = itertools.chain(self.kv.dismantle(), self.catalog.dismantle(), self.indexes.dismantle())
        for number, _ in enumerate(steps):
            if number % ROWS_PER_REST == 0:
                rest()

    def index_of(self, topic: Topic) -> TopicIndex:
        """Where `topic` last changed."""
        if topic.kind == "key":
            index = self.kv.key_index(topic.name)
            found = TopicIndex(index, index)
        elif topic.kind == "key-prefix":
            index = self.kv.prefix_index(topic.name)
            found = TopicIndex(index, index)
        else:
            found = self.indexes.of(topic)
        floor = self.index_floor
        return found if found.wake >= floor else TopicIndex(floor, max(found.stamp, floor))

    def wake_index(self, topics: Iterable[Topic]) -> int:
        """What a blocking query on `topics` compares: the newest change that wakes; at least 1."""
        return max((self.index_of(topic).wake for topic in topics), default=self.index_floor)

    def stamp(self, topics: Sequence[Topic]) -> int:
        """The newest change of any of `topics`, also of the kind that wakes nobody."""
        return max((self.index_of(topic).stamp for topic in topics), default=self.index_floor)
