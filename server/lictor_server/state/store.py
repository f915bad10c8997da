"""The store: all tables of one server at one index of the log.

Nothing in here waits, so a reader that does not wait either sees one index: never half a command.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lictor_core.topics import Topic
from lictor_server.state.addresses import Addresses
from lictor_server.state.ca import CATable
from lictor_server.state.catalog import Catalog
from lictor_server.state.exchange import exchange
from lictor_server.state.health import HealthRows
from lictor_server.state.indexes import FIRST_INDEX, Change, TopicIndex, TopicIndexes
from lictor_server.state.intentions import Intentions
from lictor_server.state.kv import KVTable
from lictor_server.state.requests import RecentRequests

__all__ = ["Store"]


class Store:
    """The state of `datacenter`: a pure function of the log up to `index`."""

    def __init__(self, datacenter: str) -> None:
        self.datacenter = datacenter
        self.index = 0
        self.catalog_index = FIRST_INDEX
        self.catalog = Catalog()
        self.kv = KVTable()
        self.intentions = Intentions()
        self.ca = CATable()
        self.indexes = TopicIndexes()
        self.requests = RecentRequests()
        self.health = HealthRows(self.catalog)
        self.addresses = Addresses(self.catalog, self.health)

    def note(self, change: Change) -> None:
        """Take over what a command changed: indexes move, cached lists of what changed are dropped."""
        if change.woken or change.stamped:
            self.indexes.note(change)
            self.health.forget(change)
            self.addresses.forget()
            self.catalog_index = change.index

    def become(self, other: Store) -> None:
        """Take over the whole state of `other`, in place: every table that somebody holds shows the new state.

        It takes the same short time whatever the size, for the two stores change places: `other` has the former state
        afterwards, and may be given up at leisure. Waking who watches is the caller's part, since a store knows nobody.
        """
        assert self.datacenter == other.datacenter, "a server keeps its datacenter"
        self.index, other.index = other.index, self.index
        self.catalog_index, other.catalog_index = other.catalog_index, self.catalog_index
        exchange(self.catalog, other.catalog)
        exchange(self.kv, other.kv)
        exchange(self.intentions, other.intentions)
        exchange(self.ca, other.ca)
        exchange(self.indexes, other.indexes)
        exchange(self.requests, other.requests)
        for store in (self, other):
            store.health.forget_all()
            store.addresses.forget()

    def index_of(self, topic: Topic) -> TopicIndex:
        """Where `topic` last changed."""
        if topic.kind == "key":
            index = self.kv.key_index(topic.name)
            return TopicIndex(index, index)
        if topic.kind == "key-prefix":
            index = self.kv.prefix_index(topic.name)
            return TopicIndex(index, index)
        return self.indexes.of(topic)

    def wake_index(self, topics: Iterable[Topic]) -> int:
        """What a blocking query on `topics` compares: the newest change that wakes; at least 1."""
        return max((self.index_of(topic).wake for topic in topics), default=FIRST_INDEX)

    def stamp(self, topics: Sequence[Topic]) -> int:
        """The newest change of any of `topics`, also of the kind that wakes nobody."""
        return max((self.index_of(topic).stamp for topic in topics), default=FIRST_INDEX)
