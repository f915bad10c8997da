"""The order in which instances are given, since most clients take the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from lictor_core.clock import Rng

__all__ = ["shuffled"]

T = TypeVar("T")


def shuffled(items: Sequence[T], rng: Rng, turn: int) -> list[T]:
    """`items` in a random order in which number `turn` (modulo their count) stands first.

    Taking turns shares load evenly also over few answers, where chance alone would favour some instance; what
    follows the first is random, so that when it fails its clients spread over all others.
    """
    if not items:
        return []
    first = turn % len(items)
    rest = [*items[:first], *items[first + 1 :]]
    rng.shuffle(rest)
    return [items[first], *rest]
