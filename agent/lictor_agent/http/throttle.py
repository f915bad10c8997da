"""Rate limits on requests, for each address and for each token: our own, off unless asked for.

An address of IPv6 counts by its network of 64 bits, which whoever has one has whole. Clients on a Unix socket are not
counted: the mode of the socket says who may come. Tokens are known here by a digest alone.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.buckets import Buckets
from lictor_core.clock import Clock
from lictor_core.errors import RateLimitedError
from lictor_core.metrics import Meter

__all__ = ["NAMES_MAX", "UNLIMITED", "ClientRates", "Throttle", "client_name"]

NAMES_MAX: Final = 10_000
"""Addresses, and tokens, that are remembered; whoever was not heard for longest is forgotten, and may burst again."""
_TOLD_EVERY_S: Final = 1.0
"""One event at most in so long: a flood of requests must not be one of the log."""
_RETRY_S_MAX: Final = 3600.0
_DIGEST_BYTES: Final = 16
_NETWORK_BITS: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientRates:
    """Requests a second, and at once; an infinite rate is none. Consul has no such settings."""

    per_client: float = math.inf
    burst_per_client: int = 1
    per_token: float = math.inf
    burst_per_token: int = 1

    @property
    def is_off(self) -> bool:
        """Whether nothing is limited."""
        return self.per_client == self.per_token == math.inf


UNLIMITED: Final = ClientRates()
"""Nothing is limited."""


class Throttle:
    """Who asked how much lately."""

    def __init__(self, rates: ClientRates, clock: Clock, meter: Meter, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._meter = meter
        self._log = log
        self._refused = 0
        self._told_at = -math.inf
        self.follow(rates)

    def follow(self, rates: ClientRates) -> None:
        """Use these from now on: everybody begins anew."""
        self.is_on = not rates.is_off
        """Whether anything is limited; who asks much looks here first."""
        self.by_token = rates.per_token < math.inf
        """Whether the token of a request matters."""
        self.rates = rates
        """What is allowed."""
        self._clients = Buckets(rates.per_client, rates.burst_per_client, NAMES_MAX)
        self._tokens = Buckets(rates.per_token, rates.burst_per_token, NAMES_MAX)

    def check(self, client: str, token: str) -> None:
        """Count a request of this address with this token, either of which may be empty.

        Raises `RateLimitedError` for one too many, which counts for neither of both again.
        """
        now = self._clock.monotonic()
        if client and self.rates.per_client < math.inf:
            bucket = self._clients.of(client_name(client))
            if not bucket.take(now):
                what = f"your address, {client}, may send {self.rates.per_client:g} requests a second"
                raise self._refusal("address", client, bucket.wait_s, what, "limits.http_rate_per_client")
        if token and self.by_token:
            bucket = self._tokens.of(_digest(token))
            if not bucket.take(now):
                what = f"with this token {self.rates.per_token:g} requests a second may be sent"
                raise self._refusal("token", client, bucket.wait_s, what, "limits.http_rate_per_token")

    def _refusal(self, bound: str, client: str, wait_s: float, what: str, setting: str) -> RateLimitedError:
        self._meter.count("http.limited", (("bound", bound),))
        self._refused += 1
        now = self._clock.monotonic()
        if now - self._told_at >= _TOLD_EVERY_S:
            self._log.warning("http.requests.limited", client=client, bound=bound, refused=self._refused)
            self._told_at, self._refused = now, 0
        after_s = max(math.ceil(min(wait_s, _RETRY_S_MAX)), 1)
        return RateLimitedError(f"{what}: wait {after_s} s, or raise {setting}", after_s)


def client_name(client: str) -> str:
    """The name under which an address is counted; what is no address is its own."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client.partition("%")[0])
    except ValueError:
        return client
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _NETWORK_BITS), strict=False))


def _digest(token: str) -> str:
    return hashlib.blake2b(token.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
