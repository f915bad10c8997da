"""What the servers will not have of what is registered here, and why: told once, and shown until they do. No I/O."""

from __future__ import annotations

from lictor_agent.batches import Batch, subjects

__all__ = ["Refusals"]


class Refusals:
    """Reasons by instance, check and node. There are no more than things that are registered here."""

    def __init__(self) -> None:
        self.services: dict[str, str] = {}
        """Why the catalog does not have an instance as it is here, by id."""
        self.checks: dict[str, str] = {}
        """The same of checks."""
        self.node = ""
        """The same of the node's own record; empty where nothing is refused."""

    def refused(self, batch: Batch, reason: str) -> bool:
        """The servers will not have a batch. Whether that is news."""
        is_news = False
        for item in batch.items:
            if item.node:
                is_news |= self.node != reason
                self.node = reason
            for known, ids in zip((self.services, self.checks), subjects(item), strict=True):
                for id in ids:
                    is_news |= known.get(id) != reason
                    known[id] = reason
        return is_news

    def taken(self, batch: Batch) -> None:
        """The servers took a batch after all."""
        if not (self.node or self.services or self.checks):
            return
        for item in batch.items:
            if item.node:
                self.node = ""
            for known, ids in zip((self.services, self.checks), subjects(item), strict=True):
                for id in ids:
                    known.pop(id, None)

    def forget_service(self, service_id: str) -> None:
        """An instance is not here any more."""
        self.services.pop(service_id, None)

    def forget_check(self, check_id: str) -> None:
        """A check is not here any more."""
        self.checks.pop(check_id, None)
