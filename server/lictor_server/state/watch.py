"""Who waits for what: callbacks per topic, called once when it changes.

The registry knows nothing of event loops: a callback does as little as setting a future. Matching costs what concerns
the change, not how many watch other things: ten thousand watchers of A are not looked at when B changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lictor_core.topics import Topic
from lictor_server.state.indexes import Change
from lictor_server.state.prefixes import PrefixMap

__all__ = ["Watch", "Watches"]


class Watch:
    """One waiting party; after it was called or removed it is done."""

    __slots__ = ("callback", "topics", "with_stamps")

    def __init__(self, topics: Sequence[Topic], callback: Callable[[], None], with_stamps: bool) -> None:
        self.topics = topics
        self.callback = callback
        self.with_stamps = with_stamps


class Watches:
    """All watches of one server. Callbacks must not raise."""

    def __init__(self) -> None:
        self._exact: dict[Topic, dict[Watch, None]] = {}
        self._stamped: dict[Topic, dict[Watch, None]] = {}
        self._prefixes: PrefixMap[dict[Watch, None]] = PrefixMap()
        self._count = 0

    def __len__(self) -> int:
        """How many wait for what wakes."""
        return self._count

    def add(self, topics: Sequence[Topic], callback: Callable[[], None], *, with_stamps: bool = False) -> Watch:
        """Call `callback` once, at the next change of any of `topics`; `with_stamps` also of one that wakes nobody."""
        watch = Watch(topics, callback, with_stamps)
        if with_stamps:
            for topic in topics:
                self._stamped.setdefault(topic, {})[watch] = None
        else:
            self._count += 1
        for topic in topics:
            if topic.kind == "key-prefix":
                waiting = self._prefixes.get(topic.name)
                if waiting is None:
                    waiting = dict[Watch, None]()
                    self._prefixes.set(topic.name, waiting)
            else:
                waiting = self._exact.setdefault(topic, {})
            waiting[watch] = None
        return watch

    def remove(self, watch: Watch) -> None:
        """Forget a watch; one that was called or removed already is ignored."""
        known = False
        for topic in watch.topics:
            if topic.kind == "key-prefix":
                waiting = self._prefixes.get(topic.name)
            else:
                waiting = self._exact.get(topic)
            if waiting is None or watch not in waiting:
                continue
            known = True
            del waiting[watch]
            if not waiting:
                self._drop(topic)
        if watch.with_stamps:
            self._remove_stamped(watch)
        else:
            self._count -= known

    def _remove_stamped(self, watch: Watch) -> None:
        for topic in watch.topics:
            waiting = self._stamped.get(topic)
            if waiting is None or watch not in waiting:
                continue
            del waiting[watch]
            if not waiting:
                del self._stamped[topic]

    def _drop(self, topic: Topic) -> None:
        if topic.kind == "key-prefix":
            self._prefixes.drop(topic.name)
        else:
            del self._exact[topic]

    def fire(self, change: Change) -> int:
        """Call everybody whom `change` concerns; how many."""
        if change.former is not None:
            return self.fire_all()
        concerned: dict[Watch, None] = {}
        for topic in change.woken:
            if topic in self._exact:
                concerned.update(self._exact[topic])
        for topic in change.stamped:
            if topic in self._stamped:
                concerned.update(self._stamped[topic])
        if len(change.keys) > len(self._exact) + len(self._prefixes):
            self._find_among(change.keys, concerned)
            return self._call(concerned)
        for key in change.keys:
            exact = self._exact.get(Topic("key", key))
            if exact is not None:
                concerned.update(exact)
            for prefix in self._prefixes.prefixes_of(key):
                concerned.update(self._prefixes.get(prefix) or {})
        return self._call(concerned)

    def _find_among(self, keys: list[str], concerned: dict[Watch, None]) -> None:
        """Whom any of `keys`, more than there are watches, concerns: each watch is looked at rather than each key."""
        if any(topic.kind == "key" for topic in self._exact):
            changed = set(keys)
            for topic, waiting in self._exact.items():
                if topic.kind == "key" and topic.name in changed:
                    concerned.update(waiting)
        if len(self._prefixes) > 0:
            for prefix in self._prefixes.touched_by(sorted(keys)):
                concerned.update(self._prefixes.get(prefix) or {})

    def fire_all(self) -> int:
        """Call everybody: all has changed, or this server can no longer tell them what changes."""
        concerned: dict[Watch, None] = {}
        for waiting in self._exact.values():
            concerned.update(waiting)
        for prefix in self._prefixes:
            concerned.update(self._prefixes.get(prefix) or {})
        return self._call(concerned)

    def _call(self, concerned: dict[Watch, None]) -> int:
        for watch in concerned:
            self.remove(watch)
        for watch in concerned:
            watch.callback()
        return len(concerned)
