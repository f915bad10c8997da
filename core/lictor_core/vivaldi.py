"""How a node finds its network coordinate: from round trips to others and where those stand. Pure but for `Rng`.

Three published pieces. Vivaldi with heights (Dabek, Cox, Kaashoek, Morris: "Vivaldi: A Decentralized Network Coordinate
System", SIGCOMM 2004, sections 3.5 and 5.4): each sample pulls the node along the line to the other one, the more so
the less sure it is of itself and the surer the other is. An adjustment for what no such space can express (Lee et al.:
"On Suitability of Euclidean Embedding for Host-Based Network Coordinate Systems", 2010, section VI): the mean of what
the last samples lacked, halved since both ends add theirs. A median of the last samples of a node, and a slight pull to
the origin against drift (Ledlie, Gardner, Seltzer: "Network Coordinates in the Wild", NSDI 2007). The parameters are
those that Serf documents for its agents, so that estimates behave alike.
"""

from __future__ import annotations

import math
import statistics
from collections import OrderedDict, deque
from typing import Final

from lictor_core.clock import Rng
from lictor_core.coordinates import DIMENSIONS, Coordinate, check_coordinate, distance_s
from lictor_core.errors import RequestError

__all__ = ["ORIGIN", "PEERS_MAX", "ROUND_TRIP_S_MAX", "Locator"]

ERROR_MAX: Final = 1.5
ERROR_WEIGHT: Final = 0.25
"""How much one sample counts for the error: the paper's c_e."""
FORCE_WEIGHT: Final = 0.25
"""How much one sample counts for the position: the paper's c_c."""
HEIGHT_S_MIN: Final = 1e-5
ADJUSTMENT_SAMPLES: Final = 20
FILTER_SAMPLES: Final = 3
"""A peer's round trip is the median of so many."""
GRAVITY_S: Final = 150.0
"""At this distance from the origin the pull is a second for each sample: next to nothing where nodes really are."""
ROUND_TRIP_S_MAX: Final = 10.0
"""A longer round trip says more about a pause than about the network, and is not used."""
PEERS_MAX: Final = 256
"""Peers whose last samples are remembered; the one that was not heard for longest is forgotten."""
_TINY: Final = 1e-6

ORIGIN: Final = Coordinate(vec=[0.0] * DIMENSIONS, error=ERROR_MAX, adjustment=0.0, height=HEIGHT_S_MIN)
"""Where a node stands that knows no distances."""


class Locator:
    """One node's coordinate, moved by samples."""

    def __init__(self, rng: Rng) -> None:
        self.coordinate = ORIGIN
        self._rng = rng
        self._recent: OrderedDict[str, deque[float]] = OrderedDict()
        self._lacks: deque[float] = deque([0.0] * ADJUSTMENT_SAMPLES, maxlen=ADJUSTMENT_SAMPLES)

    def observe(self, peer: str, other: Coordinate, round_trip_s: float) -> Coordinate:
        """Take a sample: the way to `peer`, which stands at `other`, took `round_trip_s`. Where this node stands now.

        Raises `RequestError` for a sample that cannot be; nothing moved then.
        """
        check_coordinate(other)
        if not 0.0 <= round_trip_s <= ROUND_TRIP_S_MAX:
            raise RequestError(f"a round trip of {round_trip_s:.3f} s to {peer} is none that a network has")
        filtered_s = max(self._filtered(peer, round_trip_s), _TINY)
        moved = _pulled(self.coordinate, other, filtered_s, self._rng)
        moved = self._adjusted(moved, other, filtered_s)
        moved = _with_gravity(moved, self._rng)
        self.coordinate = moved if _is_sound(moved) else ORIGIN
        return self.coordinate

    def forget(self, peer: str) -> None:
        """A peer is gone: its samples say nothing about another one of its name."""
        self._recent.pop(peer, None)

    def _filtered(self, peer: str, round_trip_s: float) -> float:
        samples = self._recent.setdefault(peer, deque(maxlen=FILTER_SAMPLES))
        self._recent.move_to_end(peer)
        samples.append(round_trip_s)
        if len(self._recent) > PEERS_MAX:
            self._recent.popitem(last=False)
        return statistics.median(samples)

    def _adjusted(self, own: Coordinate, other: Coordinate, round_trip_s: float) -> Coordinate:
        plain_s = math.dist(own.vec, other.vec) + own.height + other.height
        self._lacks.append(round_trip_s - plain_s)
        return _changed(own, adjustment=sum(self._lacks) / (2.0 * ADJUSTMENT_SAMPLES))


def _pulled(own: Coordinate, other: Coordinate, round_trip_s: float, rng: Rng) -> Coordinate:
    """Vivaldi's update: the node moves by a part of what the estimate was wrong by."""
    estimate_s = distance_s(own, other)
    wrong = abs(estimate_s - round_trip_s) / round_trip_s
    weight = own.error / max(own.error + other.error, _TINY)
    error = min(wrong * ERROR_WEIGHT * weight + own.error * (1.0 - ERROR_WEIGHT * weight), ERROR_MAX)
    force_s = FORCE_WEIGHT * weight * (round_trip_s - estimate_s)
    return _changed(_forced(own, other, force_s, rng), error=error)


def _forced(own: Coordinate, other: Coordinate, force_s: float, rng: Rng) -> Coordinate:
    """`own`, moved away from `other` by `force_s` (towards it when negative), its height in proportion."""
    apart = [mine - theirs for mine, theirs in zip(own.vec, other.vec, strict=True)]
    length = math.hypot(*apart)
    height = own.height
    if length > _TINY:
        height = max((own.height + other.height) * force_s / length + own.height, HEIGHT_S_MIN)
    else:
        # Two nodes in one place are pushed apart somewhere: the paper's random direction.
        apart = [rng.uniform(-0.5, 0.5) for _ in own.vec]
        length = max(math.hypot(*apart), _TINY)
    vec = [mine + force_s * part / length for mine, part in zip(own.vec, apart, strict=True)]
    return _changed(own, vec=vec, height=height)


def _with_gravity(own: Coordinate, rng: Rng) -> Coordinate:
    from_origin_s = distance_s(own, ORIGIN)
    return _forced(own, ORIGIN, -((from_origin_s / GRAVITY_S) ** 2), rng)


def _changed(
    own: Coordinate,
    *,
    vec: list[float] | None = None,
    error: float | None = None,
    adjustment: float | None = None,
    height: float | None = None,
) -> Coordinate:
    return Coordinate(
        vec=own.vec if vec is None else vec,
        error=own.error if error is None else error,
        adjustment=own.adjustment if adjustment is None else adjustment,
        height=own.height if height is None else height,
    )


def _is_sound(one: Coordinate) -> bool:
    return all(math.isfinite(number) for number in (*one.vec, one.error, one.adjustment, one.height))
