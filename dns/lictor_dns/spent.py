"""How many questions were answered, and what that took: added up by hand, since a question takes only microseconds."""

from __future__ import annotations

from lictor_core.metrics import Aggregate

__all__ = ["Spent"]

_MS_PER_S = 1000.0


class Spent:
    """What was spent on questions since `tell` was called last. The listeners add to it, pass by pass."""

    __slots__ = ("count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def tell(self, told: Aggregate) -> None:
        """Hand over what came together: each question as their mean, in milliseconds."""
        told.add_even(self.count, self.seconds * _MS_PER_S)
        self.count, self.seconds = 0, 0.0
