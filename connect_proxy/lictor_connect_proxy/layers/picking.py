"""Who of several good instances gets a connection: by turns, by chance, the least busy, or by who connects.

By turns: each instance is due once every 1/weight of the balancer's count, the one that is due first is taken
(earliest deadline first). By who connects: each client gives every instance a number, and takes the highest (weighted
rendezvous hashing). That keeps the promise of a ring hash, to move few clients when instances come and go, with exact
weights and without a ring: the clients of an instance that goes are spread, all others stay.
"""

from __future__ import annotations

import enum
import hashlib
import math
from collections.abc import Sequence
from typing import Final

from lictor_connect_proxy.layers.outliers import Member
from lictor_core.clock import Rng

__all__ = ["Picking", "by_chance", "by_client", "by_turns", "least_busy"]

_HASH_BYTES: Final = 8
_HASH_WHOLE: Final = float(1 << (8 * _HASH_BYTES))


class Picking(enum.StrEnum):
    """The ways to pick, by their names in a service-resolver's `LoadBalancer.Policy`."""

    ROUND_ROBIN = "round_robin"
    RANDOM = "random"
    LEAST_REQUEST = "least_request"
    RING_HASH = "ring_hash"


def by_turns(members: Sequence[Member], count: float) -> Member:
    """The one that is due first. `count` is where the round stands: turns that passed without somebody are gone."""
    return min(members, key=lambda member: member.turn if member.turn > count else count)


def by_chance(members: Sequence[Member], now: float, rng: Rng) -> Member:
    """One of them, in the proportion of their weights."""
    weights = [member.weight(now) for member in members]
    drawn = rng.uniform(0.0, sum(weights))
    for member, weight in zip(members, weights, strict=True):
        drawn -= weight
        if drawn < 0.0:
            return member
    return members[-1]


def least_busy(members: Sequence[Member], now: float, count: float) -> Member:
    """The one with the fewest connections for its weight; among equals the one that is due first."""
    return min(members, key=lambda member: ((member.active + 1) / member.weight(now), max(member.turn, count)))


def by_client(members: Sequence[Member], now: float, client: str) -> Member:
    """The one that this client always gets, as long as it is among them."""
    return max(members, key=lambda member: _claim(member, now, client))


def _claim(member: Member, now: float, client: str) -> float:
    host, port = member.endpoint.host, member.endpoint.port
    digest = hashlib.blake2b(f"{client}\0{host}\0{port}".encode(), digest_size=_HASH_BYTES).digest()
    # In (0, 1): the logarithm must exist and must not be 0.
    share = (int.from_bytes(digest, "big") + 0.5) / _HASH_WHOLE
    return -member.weight(now) / math.log(share) if share < 1.0 else math.inf
