"""Which events are for this agent: judged once, when an event is first seen here, as Consul's agents do.

Filters are regular expressions of Go's kind, which whoever fires an event writes and every agent evaluates. RE2 takes
time in proportion to the text, whatever the expression; one that needs too much memory matches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from lictor_core.errors import RequestError
from lictor_core.limits import EVENTS_KEPT_MAX
from lictor_core.records import Service, UserEvent

if TYPE_CHECKING:
    import re2  # loaded when the first event with a filter comes: most agents never see one

__all__ = ["EventInbox", "check_filters", "event_index"]

_MEMORY_BYTES_MAX: Final = 1024 * 1024
"""What one expression may take when it is evaluated."""
_COMPILED_MAX: Final = 64


class EventInbox:
    """The events for one agent, its node and its services. Bounded by what the servers keep."""

    def __init__(self, node: str, services: Callable[[], Iterable[Service]]) -> None:
        self._node = node
        self._services = services
        self._judged: dict[str, bool] = {}

    def mine(self, events: list[UserEvent]) -> list[UserEvent]:
        """Those of `events`, the newest that the servers have, that are for this agent."""
        for event in events:
            if event.id not in self._judged:
                self._judged[event.id] = self._is_mine(event)
        while len(self._judged) > 2 * EVENTS_KEPT_MAX:  # readings of one name and of all come in turn
            del self._judged[next(iter(self._judged))]
        return [event for event in events if self._judged.get(event.id, False)]

    def _is_mine(self, event: UserEvent) -> bool:
        if event.node_filter and not _found(event.node_filter, self._node):
            return False
        if not event.service_filter:
            return True
        return any(
            _found(event.service_filter, service.service)
            and (not event.tag_filter or any(_found(event.tag_filter, tag) for tag in service.tags))
            for service in self._services()
        )


def check_filters(filters: Mapping[str, str]) -> None:
    """Raise `RequestError` for the first of the expressions, by what they filter, that is none."""
    import re2

    for what, pattern in filters.items():
        try:
            _compiled(pattern)
        except re2.error as error:
            reason = error.args[0] if error.args else ""
            said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            raise RequestError(f"Invalid {what} filter: error parsing regexp: {said}") from None


def event_index(event_id: str) -> int:
    """What a blocking query for events hands out and compares: both halves of the newest event's id, as in Consul."""
    digits = event_id.replace("-", "")
    return int(digits[:16], 16) ^ int(digits[16:], 16)


def _found(pattern: str, text: str) -> bool:
    import re2

    try:
        return _compiled(pattern).search(text) is not None
    except re2.error:  # it came past the agents that check it: nobody is meant
        return False


@lru_cache(maxsize=_COMPILED_MAX)
def _compiled(pattern: str) -> re2.Pattern:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES_MAX
    return re2.compile(pattern, options)
