"""What a server takes of all its callers together, reads and writes a second: later Consul's `limits.request_limits`.

Counted are requests of agents, of this server's own among them, once each; not what keeps a cluster together: leases,
votes, the log, what servers ask of one another. `permissive` tells what would have been refused, and answers it.
Answers that the HTTP API gives again from memory are no requests to the server.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.buckets import Bucket
from lictor_core.clock import Clock
from lictor_core.errors import RateLimitedError
from lictor_core.metrics import Meter

__all__ = ["OFF", "RequestLimits", "RequestRates"]

DISABLED: Final = "disabled"
_ENFORCING: Final = "enforcing"
_TOLD_EVERY_S: Final = 1.0
"""One event at most in so long."""
_RETRY_S_MAX: Final = 3600.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class RequestRates:
    """`mode` is `disabled`, `permissive` or `enforcing`; rates are requests a second, and as many at once."""

    mode: str = DISABLED
    read_rate: float = math.inf
    write_rate: float = math.inf


OFF: Final = RequestRates()
"""Nothing is limited."""


class RequestLimits:
    """The requests of one server. All methods belong to its event loop."""

    def __init__(self, rates: RequestRates, *, clock: Clock, meter: Meter, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._meter = meter
        self._log = log
        self._over = 0
        self._told_at = -math.inf
        self.follow(rates)

    def follow(self, rates: RequestRates) -> None:
        """Use these from now on."""
        self._rates = rates
        self._reads = _bucket(rates.read_rate)
        self._writes = _bucket(rates.write_rate)
        self._is_on = rates.mode != DISABLED

    def check_read(self) -> None:
        """Count a read. Raises `RateLimitedError` for one too many."""
        if self._is_on:
            self._check(self._reads, "read", self._rates.read_rate)

    def check_write(self) -> None:
        """Count a write. Raises `RateLimitedError` for one too many: it is surely not carried out."""
        if self._is_on:
            self._check(self._writes, "write", self._rates.write_rate)

    def _check(self, bucket: Bucket, kind: str, rate: float) -> None:
        now = self._clock.monotonic()
        if bucket.take(now):
            return
        mode = self._rates.mode
        self._meter.count("rpc.rate_limit.exceeded", (("limit_type", f"global/{kind}"), ("mode", mode)))
        self._over += 1
        if now - self._told_at >= _TOLD_EVERY_S:
            self._log.warning("rpc.requests.limited", kind=kind, mode=mode, over=self._over)
            self._told_at, self._over = now, 0
        if mode == _ENFORCING:
            raise RateLimitedError(
                f"rate limit exceeded: this server takes {rate:g} {kind}s a second "
                f"(limits.request_limits.{kind}_rate): ask again later, or another server",
                max(math.ceil(min(bucket.wait_s, _RETRY_S_MAX)), 1),
            )


def _bucket(rate: float) -> Bucket:
    return Bucket(rate, max(math.ceil(rate), 1) if rate < math.inf else 1)
