"""Which service names exist, and the union of the tags of their instances, kept by counting."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.records import Service
from lictor_server.state.indexes import Change

__all__ = ["ServiceNames"]


class ServiceNames:
    """Counts of instances and of tags for each name, as it is written."""

    def __init__(self) -> None:
        self._instances: dict[str, int] = {}
        self._tags: dict[str, dict[str, int]] = {}

    def add(self, service: Service) -> None:
        """Count an instance."""
        self._instances[service.service] = self._instances.get(service.service, 0) + 1
        tags = self._tags.setdefault(service.service, {})
        for tag in service.tags:
            tags[tag] = tags.get(tag, 0) + 1

    def remove(self, service: Service) -> None:
        """Take a counted instance out again."""
        name = service.service
        tags = self._tags[name]
        for tag in service.tags:
            _decrement(tags, tag)
        if _decrement(self._instances, name):
            del self._tags[name]

    def note(self, change: Change, old: Service | None, new: Service | None) -> None:
        """Wake the list of services when replacing `old` by `new`, already counted, changed it."""
        if old is not None and self._lost_something(old):
            change.wake(on.SERVICES)
        if new is not None and self._gained_something(new, old):
            change.wake(on.SERVICES)

    def _lost_something(self, old: Service) -> bool:
        tags = self._tags.get(old.service)
        return tags is None or any(tag not in tags for tag in old.tags)

    def _gained_something(self, new: Service, old: Service | None) -> bool:
        if self._instances[new.service] == 1 and (old is None or old.service != new.service):
            return True
        had = old.tags if old is not None and old.service == new.service else []
        tags = self._tags[new.service]
        return any(tags[tag] <= new.tags.count(tag) and tag not in had for tag in new.tags)

    def with_tags(self) -> dict[str, list[str]]:
        """Every name with its tags, both sorted."""
        return {name: sorted(self._tags[name]) for name in sorted(self._instances)}


def _decrement(counts: dict[str, int], key: str) -> bool:
    """Count one down; True when it was the last."""
    if counts[key] == 1:
        del counts[key]
        return True
    counts[key] -= 1
    return False
