"""Which instance is dialed: round robin, those that failed stand aside for a while.

An instance that could not be dialed is ejected for `EJECTION_S_FIRST`, twice as long with every further failure in a
row, at most `EJECTION_S_MAX`. Ejected instances are tried last, never forgotten: health checks may be right after all,
and a service with one instance must come back as soon as the instance does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lictor_connect_proxy.snapshot import Endpoint

__all__ = ["ATTEMPTS_MAX", "EJECTION_S_FIRST", "EJECTION_S_MAX", "Balancer"]

EJECTION_S_FIRST: Final = 1.0
EJECTION_S_MAX: Final = 30.0
ATTEMPTS_MAX: Final = 4
"""Instances that are tried for one connection."""


@dataclass(frozen=True, slots=True)
class _Ejection:
    until: float
    failures: int


class Balancer:
    """The state of one upstream. `now` is monotonic, in seconds; `first` says where the round begins."""

    def __init__(self, first: int = 0) -> None:
        self._endpoints: tuple[Endpoint, ...] = ()
        self._next = first
        self._ejected: dict[Endpoint, _Ejection] = {}

    def update(self, endpoints: Iterable[Endpoint]) -> None:
        """Take a new set of healthy instances; those that stay keep their ejection."""
        self._endpoints = tuple(endpoints)
        self._ejected = {endpoint: self._ejected[endpoint] for endpoint in self._endpoints if endpoint in self._ejected}

    def candidates(self, now: float) -> tuple[Endpoint, ...]:
        """The instances to try for one connection, in order, at most `ATTEMPTS_MAX`."""
        count = len(self._endpoints)
        if count == 0:
            return ()
        start = self._next % count
        self._next = start + 1
        ring = self._endpoints[start:] + self._endpoints[:start]
        if not self._ejected:
            return ring[:ATTEMPTS_MAX]
        ejected = [endpoint for endpoint in ring if self.is_ejected(endpoint, now)]
        good = [endpoint for endpoint in ring if not self.is_ejected(endpoint, now)]
        ejected.sort(key=lambda endpoint: self._ejected[endpoint].until)
        return tuple([*good, *ejected][:ATTEMPTS_MAX])

    def is_ejected(self, endpoint: Endpoint, now: float) -> bool:
        """Whether the instance stands aside at this time."""
        ejection = self._ejected.get(endpoint)
        return ejection is not None and now < ejection.until

    def failed(self, endpoint: Endpoint, now: float) -> float:
        """The instance could not be dialed. Returns for how many seconds it stands aside."""
        before = self._ejected.get(endpoint)
        failures = 1 if before is None else before.failures + 1
        seconds = min(EJECTION_S_MAX, EJECTION_S_FIRST * 2.0 ** min(failures - 1, 16))
        if endpoint in self._endpoints:
            self._ejected[endpoint] = _Ejection(now + seconds, failures)
        return seconds

    def succeeded(self, endpoint: Endpoint) -> None:
        """The instance was dialed; its failures are forgotten."""
        self._ejected.pop(endpoint, None)
