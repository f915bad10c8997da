"""Which links a partition cuts. Pure; a link is a pair of nodes and has a direction, from the first to the second."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import TypeAlias

from lictor_jepsen.net import Node

__all__ = ["Links", "alone", "halves", "one_way", "ring"]

Links: TypeAlias = list[tuple[Node, Node]]


def halves(nodes: Sequence[Node], rng: Random) -> Links:
    """Two sides that do not hear each other, one of them the smallest majority."""
    shuffled = rng.sample(list(nodes), len(nodes))
    side = set(shuffled[: len(nodes) // 2 + 1])
    return [(a, b) for a, b in permutations(nodes, 2) if (a in side) != (b in side)]


def alone(nodes: Sequence[Node], hermit: Node) -> Links:
    """One node without all others."""
    return [(a, b) for a, b in permutations(nodes, 2) if hermit in (a, b)]


def one_way(nodes: Sequence[Node], victim: Node, rng: Random) -> Links:
    """A victim that is not heard though it hears all, or that hears nobody though it is heard."""
    mute = rng.random() < 0.5
    others = [node for node in nodes if node != victim]
    return [(victim, other) if mute else (other, victim) for other in others]


def ring(nodes: Sequence[Node], rng: Random) -> Links:
    """Every node hears a majority, and no two hear the same one: of nodes in a ring each hears those next behind it.

    Links are cut in one direction, since three nodes in a ring of two-way links would have no link cut at all.
    """
    order = rng.sample(list(nodes), len(nodes))
    heard = len(nodes) // 2  # and itself: a majority
    links: Links = []
    for place, listener in enumerate(order):
        links += [(order[(place + step) % len(order)], listener) for step in range(heard + 1, len(order))]
    return links
