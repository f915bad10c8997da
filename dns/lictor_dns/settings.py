"""What the DNS room is told: names, times to live, limits. Frozen; the agent's configuration fills it.

Defaults are Consul's (its document `docs/agent/options`, `dns_config`); the bounds below them are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from lictor_core.addresses import split_ip_port
from lictor_core.errors import ConfigurationError, RequestError
from lictor_dns.names import Zone, parse_domain

__all__ = ["DnsSettings", "SoaSettings"]

_TTL_S_MAX: Final = 2**31 - 1  # RFC 2181, section 8
_FRESH_S: Final = 2.5
"""A picture that was known to be current so lately counts as current: servers tell that about once a second."""
_PORT: Final = 53
_FEW_MAX: Final = 8


class SoaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the zone's SOA record, seconds. `min_ttl_s` is also how long a negative answer may be kept."""

    refresh_s: int = 3600
    retry_s: int = 600
    expire_s: int = 86400
    min_ttl_s: int = 0


class DnsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings of a DNS server. `check` raises `ConfigurationError` for values that cannot be served.

    Names: `domain` and `alt_domain` (empty: none) are answered for, with or without a final dot; answers that name
    things use `domain`. `datacenter` is this agent's own, the only one whose names are found here, and `node_name` its
    node's. With `translate_wan_addrs` what is in another datacenter is given with its WAN addresses.

    Times to live: `node_ttl_s` for nodes; `service_ttls_s` by service name, where `web*` and `*` stand for what
    starts so, an exact name wins, then the longest start.

    Choice: `only_passing` leaves out instances in the warning state too. `node_meta_txt` adds a node's metadata as
    TXT to the additional section.

    Age: a picture of the catalog older than `max_stale_s` is not answered from; without `allow_stale` none that is not
    current. With `use_cache` an older one than `cache_max_age_s` is not, either (0: no such bound), whatever
    `allow_stale` says. `enable_age_txt` adds to each answer how old the picture is, as TXT.

    Size: `udp_answer_limit` instances for clients without EDNS or with no more than 512 bytes (at most 8; 0: none,
    only TC, so that they ask again over TCP); `a_record_limit` (0:
    none) address records in any answer; `enable_truncate` sets TC when answers were left out; `disable_compression`
    writes all names in full.

    Others' names: `recursors`, IP addresses with or without a port, are asked for them one after the other, each for
    `recursor_timeout_s`; without any, they are refused.

    Bounds: `cache_entries_max` questions whose answers are kept, for each transport; `tcp_connections_max` at once, of
    one address `tcp_connections_per_client_max`; `tcp_idle_s` until a silent connection is closed.
    """

    domain: str = "consul."
    alt_domain: str = ""
    datacenter: str = "dc1"
    node_name: str = ""
    translate_wan_addrs: bool = False
    node_ttl_s: int = 0
    service_ttls_s: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    only_passing: bool = False
    node_meta_txt: bool = True
    allow_stale: bool = True
    max_stale_s: float = 87600 * 3600.0
    use_cache: bool = False
    cache_max_age_s: float = 0.0
    enable_age_txt: bool = False
    udp_answer_limit: int = 3
    a_record_limit: int = 0
    enable_truncate: bool = False
    disable_compression: bool = False
    soa: SoaSettings = SoaSettings()
    recursors: tuple[str, ...] = ()
    recursor_timeout_s: float = 2.0
    cache_entries_max: int = 8192
    tcp_connections_max: int = 1024
    tcp_connections_per_client_max: int = 256
    tcp_idle_s: float = 10.0

    def check(self) -> None:
        """Raise `ConfigurationError` naming the first value that cannot be used."""
        self.zone()
        for name, seconds in {"node_ttl": self.node_ttl_s, **self.service_ttls_s}.items():
            if not 0 <= seconds <= _TTL_S_MAX:
                raise ConfigurationError(f"dns_config: ttl {seconds} s of {name!r} is not in 0..{_TTL_S_MAX}")
        for name, seconds in zip(SoaSettings.__struct_fields__, msgspec.structs.astuple(self.soa), strict=True):
            if not 0 <= seconds <= _TTL_S_MAX:
                raise ConfigurationError(f"dns_config.soa: {name} {seconds} is not in 0..{_TTL_S_MAX}")
        for name, count, least in (
            ("udp_answer_limit", self.udp_answer_limit, 0),
            ("a_record_limit", self.a_record_limit, 0),
            ("cache_entries_max", self.cache_entries_max, 1),
            ("tcp_connections_max", self.tcp_connections_max, 1),
            ("tcp_connections_per_client_max", self.tcp_connections_per_client_max, 1),
        ):
            if count < least:
                raise ConfigurationError(f"dns_config: {name} is {count}; use at least {least}")
        if self.tcp_idle_s <= 0:
            raise ConfigurationError(f"dns_config: tcp_idle_timeout is {self.tcp_idle_s:g} s; use more than 0")
        if self.recursor_timeout_s <= 0:
            raise ConfigurationError(
                f"dns_config: recursor_timeout is {self.recursor_timeout_s:g} s; use more than 0, such as 2s"
            )
        self.recursor_addresses()

    @property
    def age_s_max(self) -> float:
        """The greatest age of a picture that is answered from. What is current is answered from always, also where a
        bound is 0 or, as Consul takes it, below."""
        if self.use_cache:
            bound_s = min(self.max_stale_s, self.cache_max_age_s or self.max_stale_s)
        else:
            bound_s = self.max_stale_s if self.allow_stale else 0.0
        return max(bound_s, _FRESH_S)

    @property
    def few_max(self) -> int:
        """Instances for clients that take no more than 512 bytes: never above 8, as in Consul."""
        return min(self.udp_answer_limit, _FEW_MAX)

    def zone(self) -> Zone:
        """The names that are answered for. Raises `ConfigurationError` for a domain that is no name."""
        alternative = parse_domain(self.alt_domain) if self.alt_domain else None
        return Zone(parse_domain(self.domain), alternative, self.datacenter.lower())

    def recursor_addresses(self) -> tuple[tuple[str, int], ...]:
        """Where the recursors are, each once. Raises `ConfigurationError` for what is no IP address."""
        try:
            return tuple(dict.fromkeys(split_ip_port(text, _PORT) for text in self.recursors))
        except RequestError as error:
            raise ConfigurationError(f"recursors: {error}") from error

    def service_ttl_s(self, service: str) -> int:
        """Time to live of answers about `service`, whose case does not count."""
        name = service.lower()
        best, found = -1, 0
        for pattern, seconds in self.service_ttls_s.items():
            pattern = pattern.lower()
            if pattern == name:
                return seconds
            start = pattern[:-1]
            if pattern.endswith("*") and name.startswith(start) and len(start) > best:
                best, found = len(start), seconds
        return found
