"""Who no longer hears whom: the links that a partition cuts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import TypeAlias

from lictor_jepsen.net import Link, Node

__all__ = ["Links", "alone", "apart", "apart_from_some", "bridge", "everyone", "halves", "one_way", "ring"]

Links: TypeAlias = list[Link]


def halves(nodes: Sequence[Node], rng: Random) -> Links:
    """Two sides that do not hear each other, one of them the smallest majority."""
    shuffled = rng.sample(list(nodes), len(nodes))
    side = set(shuffled[: len(nodes) // 2 + 1])
    return [Link(a, b) for a, b in permutations(nodes, 2) if (a in side) != (b in side)]


def alone(nodes: Sequence[Node], hermit: Node) -> Links:
    """One node without all others."""
    return [Link(a, b) for a, b in permutations(nodes, 2) if hermit in (a, b)]


def bridge(nodes: Sequence[Node], rng: Random) -> Links:
    """Two halves that do not hear each other, and one node between them that hears and is heard by both."""
    order = rng.sample(list(nodes), len(nodes))
    half = (len(order) - 1) // 2
    left, right = order[:half], order[half:-1]
    return [link for a in left for b in right for link in (Link(a, b), Link(b, a))]


def everyone(nodes: Sequence[Node]) -> Links:
    """Nobody hears anybody."""
    return [Link(a, b) for a, b in permutations(nodes, 2)]


def apart(some: Sequence[Node], others: Sequence[Node]) -> Links:
    """None of the first hears one of the second, nor the other way round."""
    return [link for a in some for b in others for link in (Link(a, b), Link(b, a))]


def apart_from_some(agents: Sequence[Node], servers: Sequence[Node], rng: Random) -> Links:
    """Each agent does not reach some of the servers, but at least one; each its own choice."""
    links: Links = []
    for agent in agents:
        for server in rng.sample(list(servers), rng.randint(1, max(1, len(servers) - 1))):
            links += [Link(agent, server), Link(server, agent)]
    return links


def one_way(nodes: Sequence[Node], victim: Node, rng: Random) -> Links:
    """A victim that is not heard though it hears all, or that hears nobody though it is heard."""
    mute = rng.random() < 0.5
    others = [node for node in nodes if node != victim]
    return [Link(victim, other) if mute else Link(other, victim) for other in others]


def ring(nodes: Sequence[Node], rng: Random) -> Links:
    """Every node reaches a majority, and no two the same one: in a ring each reaches those next to it.

    Both directions of a link are cut or none, since TCP needs both. Three nodes in a ring would all reach all: there
    one link is cut, so that two nodes reach each other through the third one alone.
    """
    order = rng.sample(list(nodes), len(nodes))
    if len(order) <= 3:
        return alone(order[:2], order[0])
    reach = -(-(len(order) // 2) // 2)
    places = {node: place for place, node in enumerate(order)}
    return [Link(a, b) for a, b in permutations(nodes, 2) if _apart(places[a] - places[b], len(order)) > reach]


def _apart(steps: int, around: int) -> int:
    """How far two places in a ring are from each other."""
    return min(steps % around, -steps % around)
