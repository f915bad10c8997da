"""At which index each topic last changed: what blocking queries and caches compare.

Two indexes a topic. The *wake index* is what a blocking query hands out and waits for; the *stamp* is the newest change
of anything in the answer. They differ after a change that should wake nobody (a check's output).

Laws: an index is at least `FIRST_INDEX`, never goes backwards, and is the same on every server, since it follows from
the log alone. A topic keeps its index after its thing is gone, so that a query that waited for the end sees it. Only
`gone_max` such topics are remembered: the oldest ones then share one floor, the largest index forgotten so far.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from lictor_core.topics import Topic
from lictor_server.state.copies import Copies, in_order

if TYPE_CHECKING:
    from lictor_server.state.store import Store

__all__ = ["FIRST_INDEX", "TOPICS_GONE_MAX", "Change", "TopicIndex", "TopicIndexes"]

FIRST_INDEX: Final = 1
"""The index of what never changed: 0 would make clients ask again at once."""
TOPICS_GONE_MAX: Final = 100_000
"""Topics of vanished things that keep an index of their own."""


class TopicIndex(msgspec.Struct, frozen=True, gc=False):
    """The last change that wakes, and the last change at all; `wake` is never above `stamp`."""

    wake: int
    stamp: int


class Change:
    """What one command changed, collected while it is applied at `index`.

    `former` is the store with all that there was before, when the command put another state in its place. `sessions`
    came or ended; `lost_nodes` went; `lost_checks`, each with its node, went or became critical.
    """

    __slots__ = ("former", "index", "keys", "lost_checks", "lost_nodes", "retired", "sessions", "stamped", "woken")

    def __init__(self, index: int) -> None:
        self.index = index
        self.former: Store | None = None
        self.woken: dict[Topic, None] = {}
        self.stamped: dict[Topic, None] = {}
        self.retired: dict[Topic, None] = {}
        self.keys: list[str] = []
        self.sessions: list[str] = []
        self.lost_nodes: list[str] = []
        self.lost_checks: list[tuple[str, str]] = []

    def wake(self, topic: Topic) -> None:
        """The answer for `topic` changed, and whoever waits for it should know."""
        self.woken[topic] = None
        self.retired.pop(topic, None)

    def stamp(self, topic: Topic) -> None:
        """The answer for `topic` changed in a way that should wake nobody."""
        self.stamped[topic] = None

    def retire(self, topic: Topic) -> None:
        """The thing of `topic` is gone, and whoever waits for it should know."""
        self.woken[topic] = None
        self.retired.pop(topic, None)  # what went, came and went again went last
        self.retired[topic] = None

    def bury(self, topic: Topic) -> None:
        """The thing of `topic` is gone, but nobody could see it: the answer is what it was."""
        self.retired[topic] = None

    def __bool__(self) -> bool:
        return bool(self.woken or self.stamped or self.keys or self.former is not None)


class TopicIndexes:
    """The indexes of all topics but those of the KV store, which follow from its entries."""

    def __init__(self, *, gone_max: int = TOPICS_GONE_MAX) -> None:
        self._known: dict[Topic, TopicIndex] = {}
        self._gone: OrderedDict[Topic, None] = OrderedDict()  # in the order in which things went
        self._gone_max = gone_max
        self._floor = FIRST_INDEX
        self._copies: Copies[Topic, TopicIndex] = Copies()

    @property
    def floor(self) -> int:
        """The index of every topic that is not known by name."""
        return self._floor

    def of(self, topic: Topic) -> TopicIndex:
        """The indexes of one topic."""
        known = self._known.get(topic)
        return TopicIndex(self._floor, self._floor) if known is None else known

    def note(self, change: Change) -> None:
        """Take over what `change` collected."""
        index = change.index
        if self._copies.made:
            for topic in (*change.stamped, *change.woken):
                self._copies.keep(topic)
        for topic in change.stamped:
            self._known[topic] = TopicIndex(self.of(topic).wake, index)
        for topic in change.woken:
            self._known[topic] = TopicIndex(index, index)
            self._gone.pop(topic, None)
        for topic in change.retired:
            if topic in self._known:
                self._gone[topic] = None
        while len(self._gone) > self._gone_max:
            self._forget(self._gone.popitem(last=False)[0])

    def _forget(self, topic: Topic) -> None:
        if self._copies.made:
            self._copies.keep(topic)
        self._floor = max(self._floor, self._known.pop(topic).stamp)

    def rows(self) -> Iterator[tuple[str, str, int, int]]:
        """Every topic known as of this call with its indexes, sorted: for snapshots. For any thread."""
        topics = list(self._known)
        copy = self._copies.make(in_order(topics), self._known.get)
        return ((topic.kind, topic.name, index.wake, index.stamp) for topic, index in copy)

    def gone_rows(self) -> list[Topic]:
        """The topics whose things are gone, oldest first: for snapshots."""
        return list(self._gone)

    def dismantle(self) -> Iterator[None]:
        """Give up all topics, one a step: freeing a large table in one go would hold up every other thread."""
        while self._known and not self._copies:
            self._known.popitem()
            yield

    def restore_floor(self, floor: int) -> None:
        """Take the floor of a snapshot."""
        self._floor = floor

    def restore_known(self, rows: Iterable[tuple[str, str, int, int]]) -> None:
        """Take rows that `rows` gave."""
        self._known.update((Topic(kind, name), TopicIndex(wake, stamp)) for kind, name, wake, stamp in rows)

    def restore_gone(self, rows: Iterable[tuple[str, str]]) -> None:
        """Take rows that `gone_rows` gave, in that order."""
        self._gone.update((Topic(kind, name), None) for kind, name in rows)
