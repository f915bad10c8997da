"""How many requests a client agent may send to servers: `limits.rpc_rate` and `rpc_max_burst`, as Consul's agents.

What keeps an agent a member is not counted, as Consul's gossip is not: an agent that asks much must not fail for it.
Source: Consul's document `docs/agent/options`, 1.8.7, and the agent itself, asked.
"""

from __future__ import annotations

import math
from typing import Final

from lictor_core.buckets import Bucket
from lictor_core.calls import TELL_PROXIES
from lictor_core.clock import Clock
from lictor_core.errors import RateLimitedError

__all__ = ["Allowance"]

_UNCOUNTED: Final = frozenset({"force_leave", "leave", "members", "renew", TELL_PROXIES})
_WAIT_S_MAX: Final = 60.0


class Allowance:
    """The requests of one agent; an infinite `rate` bounds nothing."""

    def __init__(self, rate: float, burst_max: int, clock: Clock) -> None:
        self._bucket = Bucket(rate, burst_max)
        self._clock = clock
        self.exceeded = 0
        """Requests that were one too many."""

    def follow(self, rate: float, burst_max: int) -> None:
        """Use these from now on."""
        self._bucket.rate, self._bucket.burst = rate, burst_max

    def allows(self, method: str) -> bool:
        """Count a request; whether it may be sent."""
        if method in _UNCOUNTED or self._bucket.take(self._clock.monotonic()):
            return True
        self.exceeded += 1
        return False

    def check(self, method: str) -> None:
        """Count a request. Raises `RateLimitedError` when it is one too many."""
        if not self.allows(method):
            raise RateLimitedError(
                "RPC rate limit exceeded: this agent asks servers more than limits.rpc_rate and rpc_max_burst allow",
                math.ceil(min(max(self._bucket.wait_s, 1.0), _WAIT_S_MAX)),
            )
