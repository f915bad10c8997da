"""The newest events that somebody fired: a ring, so that its memory is bounded whatever is fired."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

import msgspec

from lictor_core import topics as on
from lictor_core.limits import EVENTS_KEPT_MAX
from lictor_core.records import UserEvent
from lictor_server.state.indexes import Change

__all__ = ["FIRST_TIME", "Events"]

FIRST_TIME: Final = 1
"""The `LTime` of the first event."""


class Events:
    """The last `EVENTS_KEPT_MAX` events, oldest first. `last_time` is the `LTime` of the newest that ever was."""

    def __init__(self) -> None:
        self.last_time = FIRST_TIME - 1
        self._ring: deque[UserEvent] = deque()
        self._names: Counter[str] = Counter()

    def all(self, name: str = "") -> list[UserEvent]:
        """The events, oldest first: all, or those of a name."""
        return [event for event in self._ring if not name or event.name == name]

    def fire(self, change: Change, event: UserEvent) -> None:
        """Take an event; the oldest one makes room for it."""
        self.last_time += 1
        self._add(msgspec.structs.replace(event, l_time=self.last_time))
        if len(self._ring) > EVENTS_KEPT_MAX:
            self._drop_oldest(change)
        change.wake(on.EVENTS)
        change.wake(on.events(event.name))

    def _add(self, event: UserEvent) -> None:
        self._ring.append(event)
        self._names[event.name] += 1

    def _drop_oldest(self, change: Change) -> None:
        name = self._ring.popleft().name
        self._names[name] -= 1
        if self._names[name]:
            change.wake(on.events(name))
        else:
            del self._names[name]
            change.retire(on.events(name))

    def rows(self) -> list[UserEvent]:
        """Every event, oldest first: for snapshots."""
        return list(self._ring)

    def restore(self, events: Iterable[UserEvent]) -> None:
        """Take the rows of a snapshot, in that order."""
        for event in events:
            self._add(event)
