"""Instances that fail stand aside, are tried again by one connection, and get their share back little by little.

So many failures in a row (`Ejection.failures_max`) put an instance aside for `first_s` seconds, twice as long each
time that its trial fails, at most `most_s`. When the time is over one connection may try it, and no other until that
one has ended: an instance that swallows connections holds up one of them, not all. After a trial that succeeds its
share grows from `RAMP_SHARE_FIRST` to the whole within `RAMP_S`.

Health checks at the registry come and go independently of this (Consul's document `docs/connect/proxies/envoy`,
`passive_health_check`, has the settings).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lictor_connect_proxy.snapshot import Endpoint, PassiveHealth

__all__ = [
    "EJECTION_S_FIRST",
    "EJECTION_S_MAX",
    "RAMP_S",
    "RAMP_SHARE_FIRST",
    "Ejection",
    "Member",
    "ejection_of",
]

EJECTION_S_FIRST: Final = 1.0
EJECTION_S_MAX: Final = 30.0
RAMP_S: Final = 10.0
"""Until an instance that returned has its whole share again."""
RAMP_SHARE_FIRST: Final = 0.1
_DOUBLINGS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Ejection:
    """When and for how long instances of an upstream stand aside."""

    failures_max: int = 1
    first_s: float = EJECTION_S_FIRST
    most_s: float = EJECTION_S_MAX
    percent_max: int = 100
    """How many instances of a hundred may stand aside at a time; one may always."""
    enforced_percent: int = 100
    """How many of a hundred that have failed so often are put aside; 0 is for nobody."""


def ejection_of(health: PassiveHealth | None) -> Ejection:
    """The settings of a registration; what it leaves out stays as it is without one."""
    if health is None:
        return Ejection()
    first_s = health.ejection_s or health.interval_s or EJECTION_S_FIRST
    return Ejection(
        failures_max=health.failures_max or 1,
        first_s=first_s,
        most_s=max(first_s, EJECTION_S_MAX),
        percent_max=100 if health.ejected_percent_max is None else health.ejected_percent_max,
        enforced_percent=100 if health.enforced_percent is None else health.enforced_percent,
    )


class Member:
    """One instance as a balancer knows it: its endpoint, and how it did. Times are monotonic seconds."""

    __slots__ = ("_ejections", "_failures", "_returned", "_until", "active", "endpoint", "on_trial", "turn")

    def __init__(self, endpoint: Endpoint, turn: float) -> None:
        self.endpoint = endpoint
        self.active = 0
        """Connections that are being made to it or are open."""
        self.turn = turn
        """When it is due in the round of its balancer, in the balancer's own count."""
        self.on_trial = False
        self._failures = 0
        self._ejections = 0
        self._until: float | None = None
        self._returned: float | None = None

    @property
    def was_ejected(self) -> bool:
        """Whether it has not proved itself since it was put aside."""
        return self._until is not None

    @property
    def until(self) -> float:
        """When its time aside is over; 0 when it is not aside."""
        return 0.0 if self._until is None else self._until

    def is_ejected(self, now: float) -> bool:
        """Whether it stands aside at this time."""
        return self._until is not None and now < self._until

    def is_good(self, now: float) -> bool:
        """Whether a connection may be given to it: not aside, and no trial of it under way."""
        return self._until is None or (now >= self._until and not self.on_trial)

    def weight(self, now: float) -> float:
        """Its share at this time, in the measure of registered weights."""
        whole = float(self.endpoint.weight)
        if self._returned is None:
            return whole
        grown = (now - self._returned) / RAMP_S
        if grown >= 1.0:
            self._returned = None
            return whole
        return whole * max(RAMP_SHARE_FIRST, grown)

    def failed(self, now: float, ejection: Ejection, *, may_leave: bool) -> float:
        """It was not reached. Returns for how many seconds it stands aside from now on; 0 when it does not.

        Connections that fail while it is aside already were under way before, or had no other: they add nothing.
        """
        if self.is_ejected(now):
            return self.until - now
        self._failures += 1
        self._returned = None
        if not self.was_ejected and (self._failures < ejection.failures_max or not may_leave):
            return 0.0
        seconds = min(ejection.most_s, ejection.first_s * 2.0 ** min(self._ejections, _DOUBLINGS_MAX))
        self._ejections += 1
        self._until = now + seconds
        return seconds

    def succeeded(self, now: float) -> None:
        """It was reached and proved who it is; its failures are forgotten."""
        self._failures = 0
        self.on_trial = False
        if self._until is not None:
            self._until, self._ejections, self._returned = None, 0, now
