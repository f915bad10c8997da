"""Which instance is dialed: the balancer of one target, shared by all connections to it.

Only healthy instances with a weight are known to it. `pick` gives a good one, `pick_ejected` one that stands aside, for
when no good one is left anywhere: health checks may be right after all, and a service with one instance must come back
as soon as the instance does. What an instance did is kept while it is known, whatever else changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from lictor_connect_proxy.layers.outliers import EJECTION_S_FIRST, EJECTION_S_MAX, Ejection, Member
from lictor_connect_proxy.layers.picking import Picking, by_chance, by_client, by_turns, least_busy
from lictor_connect_proxy.snapshot import Endpoint
from lictor_core.clock import Rng

__all__ = ["ATTEMPTS_MAX", "EJECTION_S_FIRST", "EJECTION_S_MAX", "Balancer", "InstanceKey", "key_of"]

ATTEMPTS_MAX: Final = 4
"""Instances that are tried for one connection."""

_PERCENT: Final = 100
InstanceKey = tuple[str, int, str]
"""What an instance is known by, whatever its weight and health: host, port, name."""


class Balancer:
    """The state of one target. `now` is monotonic, in seconds. `rng` says where the first round begins, and draws.

    Each instance that was picked is given back: by `failed`, by `abandoned` when nobody waited to see, or after
    `succeeded` by `released` when the connection ends.
    """

    def __init__(self, rng: Rng, picking: Picking = Picking.ROUND_ROBIN, ejection: Ejection | None = None) -> None:
        self.picking = picking
        self.ejection = ejection or Ejection()
        self._rng = rng
        self._members: dict[InstanceKey, Member] = {}
        self._usable: tuple[Member, ...] = ()
        self._count = 0.0
        self._began = False

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Take a new set of instances; those that stay, or have connections still, keep what they did."""
        before, self._members = self._members, {}
        for endpoint in endpoints:
            key = key_of(endpoint)
            member = before.pop(key, None) or Member(endpoint, self._count)
            member.endpoint = endpoint
            self._members[key] = member
        self._usable = tuple(
            member for member in self._members.values() if member.endpoint.healthy and member.endpoint.weight > 0
        )
        # One that comes back before its connections have ended must not count as idle. They are its bound as well.
        self._members.update({key: member for key, member in before.items() if member.active})

    def __len__(self) -> int:
        """How many instances may be dialed at all, those that stand aside included."""
        return len(self._usable)

    def pick(self, now: float, client: str = "", tried: Collection[InstanceKey] = ()) -> Endpoint | None:
        """The good instance for a connection of `client` that has `tried` others; None when there is none."""
        good = [
            member
            for member in self._usable
            if member.is_good(now) and not (tried and key_of(member.endpoint) in tried)
        ]
        if not good:
            return None
        return self._taken(self._choice(good, now, client), now, keeps_count=not tried)

    def pick_ejected(self, now: float, tried: Collection[InstanceKey] = ()) -> Endpoint | None:
        """Of those that are not good the one that returns first; None when all were tried."""
        rest = [member for member in self._usable if not member.is_good(now) and key_of(member.endpoint) not in tried]
        if not rest:
            return None
        chosen = min(rest, key=lambda member: member.until)
        chosen.active += 1
        return chosen.endpoint

    def is_ejected(self, endpoint: Endpoint, now: float) -> bool:
        """Whether the instance stands aside at this time."""
        member = self._members.get(key_of(endpoint))
        return member is not None and member.is_ejected(now)

    def ejected(self, now: float) -> int:
        """How many stand aside at this time."""
        return sum(member.is_ejected(now) for member in self._usable)

    def active(self, endpoint: Endpoint) -> int:
        """How many connections to the instance are being made or open."""
        member = self._members.get(key_of(endpoint))
        return 0 if member is None else member.active

    def failed(self, endpoint: Endpoint, now: float) -> float:
        """The instance was not reached. Returns for how many seconds it stands aside; 0 when it does not."""
        member = self._given_back(endpoint)
        if member is None:
            return 0.0
        member.on_trial = False
        enforced = self.ejection.enforced_percent
        others = sum(one.was_ejected for one in self._usable if one is not member)
        has_room = others == 0 or (others + 1) * _PERCENT <= self.ejection.percent_max * len(self._usable)
        may_leave = has_room and (enforced >= _PERCENT or self._rng.below(_PERCENT) < enforced)
        return member.failed(now, self.ejection, may_leave=may_leave)

    def abandoned(self, endpoint: Endpoint) -> None:
        """A connection ended before it was seen whether the instance can be reached."""
        member = self._given_back(endpoint)
        if member is not None:
            member.on_trial = False

    def succeeded(self, endpoint: Endpoint, now: float) -> None:
        """The instance was reached and is who it should be."""
        member = self._members.get(key_of(endpoint))
        if member is not None:
            member.succeeded(now)

    def released(self, endpoint: Endpoint) -> None:
        """A connection to the instance has ended."""
        self._given_back(endpoint)

    def _given_back(self, endpoint: Endpoint) -> Member | None:
        member = self._members.get(key_of(endpoint))
        if member is not None:
            member.active = max(0, member.active - 1)
        return member

    def _choice(self, good: list[Member], now: float, client: str) -> Member:
        match self.picking:
            case Picking.RANDOM:
                return by_chance(good, now, self._rng)
            case Picking.LEAST_REQUEST:
                return least_busy(good, now, self._count)
            case Picking.RING_HASH:
                return by_client(good, now, client)
            case Picking.ROUND_ROBIN if not self._began:
                # Proxies that start together must not all begin with the same instance.
                self._began = True
                return by_chance(good, now, self._rng)
            case Picking.ROUND_ROBIN:
                return by_turns(good, self._count)

    def _taken(self, member: Member, now: float, *, keeps_count: bool) -> Endpoint:
        due = max(member.turn, self._count)
        if keeps_count:
            self._count = due
        member.turn = due + 1.0 / member.weight(now)
        member.active += 1
        if member.was_ejected:
            member.on_trial = True
        return member.endpoint


def key_of(endpoint: Endpoint) -> InstanceKey:
    """What the balancer knows the instance by."""
    return endpoint.host, endpoint.port, endpoint.instance
