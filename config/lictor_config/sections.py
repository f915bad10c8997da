"""Sections of the configuration that belong to one feature each. Names, units and defaults as in `tree`.

Defaults are those of Consul 1.8.7, from its document `docs/agent/options` and from what `/v1/agent/self` shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "GOSSIP_WAN",
    "STATSD_PORT",
    "Cache",
    "Coordinates",
    "Encrypt",
    "Gossip",
    "Http",
    "Limits",
    "Log",
    "Telemetry",
    "Tokens",
    "UnixSockets",
]


@dataclass(frozen=True, kw_only=True)
class Log:
    """Where log events go. `level` is one of trace, debug, info, warn, err.

    `file` is a path, or a directory when it ends with a slash; empty: no file. A file is put aside after
    `rotate_duration_s` seconds, or when it holds `rotate_bytes` (0: however large); `rotate_max_files` of them are kept
    (0: all, below 0: none).
    """

    level: str = "info"
    json: bool = False
    file: str = ""
    rotate_bytes: int = 0
    rotate_duration_s: float = 86_400.0
    rotate_max_files: int = 0
    syslog: bool = False
    syslog_facility: str = "LOCAL0"


@dataclass(frozen=True, kw_only=True)
class Encrypt:
    """The key with which agents prove to one another that they belong together, in base64: never logged, never shown.

    `verify_incoming`: take none who does not prove it; `verify_outgoing`: prove it to whom this agent dials.
    `disable_keyring_file`: keep keys in memory alone.
    """

    key: str = field(default="", repr=False)
    verify_incoming: bool = True
    verify_outgoing: bool = True
    disable_keyring_file: bool = False


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The tokens an agent acts with: never logged, never shown."""

    default: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    agent_master: str = field(default="", repr=False)
    master: str = field(default="", repr=False)
    replication: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Http:
    """The HTTP API. `block_endpoints` are prefixes of paths; `allow_write_http_from` are networks, all when empty.

    `allow_cross_site_writes` lets pages of other sites change things; `allowed_hosts` are the names that it may be
    asked by, besides IP addresses and `localhost`, all when empty.
    """

    allow_cross_site_writes: bool = False
    allow_write_http_from: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    block_endpoints: tuple[str, ...] = ()
    response_headers: dict[str, str] = field(default_factory=dict[str, str])
    use_cache: bool = True


@dataclass(frozen=True, kw_only=True)
class RequestLimits:
    """What a server takes of all together, in requests a second; infinite unless given.

    `mode` is `disabled`, `permissive` (what is too much is told and answered) or `enforcing`.
    """

    mode: str = "disabled"
    read_rate: float = math.inf
    write_rate: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one agent. Rates are in requests a second, infinite unless given; 0 for a count is without end.

    `http_burst_per_client` and `http_burst_per_token` are how many may come at once, 0 for as many as in a second.
    """

    http_burst_per_client: int = 0
    http_burst_per_token: int = 0
    http_rate_per_client: float = math.inf
    http_rate_per_token: float = math.inf
    request_limits: RequestLimits = field(default_factory=RequestLimits)

    http_max_conns_per_client: int = 200
    https_handshake_timeout_s: float = 5.0
    rpc_handshake_timeout_s: float = 5.0
    rpc_max_conns_per_client: int = 100
    rpc_rate: float = math.inf
    rpc_max_burst: int = 1000
    kv_max_value_size: int = 512 * 1024
    txn_max_req_len: int = 512 * 1024


STATSD_PORT: Final = 8125
"""Where statsd, DogStatsD and statsite listen when an address says nothing else."""


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """Which metrics are kept and where they are sent.

    `prefix_filter` are rules `+prefix` and `-prefix`; `filter_default` is for names that no rule speaks of.
    `prometheus_retention_time_s` 0: not offered in Prometheus's form.
    """

    disable_hostname: bool = False
    dogstatsd_addr: str = ""
    dogstatsd_tags: tuple[str, ...] = ()
    filter_default: bool = True
    metrics_prefix: str = "consul"
    prefix_filter: tuple[str, ...] = ()
    prometheus_retention_time_s: float = 0.0
    statsd_address: str = ""
    statsite_address: str = ""

    @property
    def allowed_prefixes(self) -> tuple[str, ...]:
        """What a metric's name may begin with, of the rules with a plus."""
        return tuple(rule[1:] for rule in self.prefix_filter if rule.startswith("+"))

    @property
    def blocked_prefixes(self) -> tuple[str, ...]:
        """What a metric's name may not begin with, of the rules with a minus."""
        return tuple(rule[1:] for rule in self.prefix_filter if rule.startswith("-"))


@dataclass(frozen=True, kw_only=True)
class Cache:
    """How often an agent fetches one thing anew for its cache: fetches a second, and how many at once."""

    entry_fetch_rate: float = math.inf
    entry_fetch_max_burst: int = 2


@dataclass(frozen=True, kw_only=True)
class Gossip:
    """Consul's gossip. Membership is leases here, so these are only shown."""

    gossip_interval_s: float = 0.2
    gossip_nodes: int = 3
    probe_interval_s: float = 1.0
    probe_timeout_s: float = 0.5
    retransmit_mult: int = 4
    suspicion_mult: int = 4


GOSSIP_WAN: Final = Gossip(gossip_interval_s=0.5, probe_interval_s=5.0, probe_timeout_s=3.0, suspicion_mult=6)
"""Gossip between datacenters where nobody says anything."""


@dataclass(frozen=True, kw_only=True)
class Membership:
    """How soon the servers notice that an agent is gone; ours, in the place of Consul's gossip.

    A lease is renewed at a third of `lease_ttl_s`; a closed connection ends it after `connection_grace_s`.
    """

    lease_ttl_s: float = 10.0
    connection_grace_s: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """How often network coordinates are written.

    An agent sends its own at most every `interval_min_s`, less often in large clusters so that all together send
    `rate_target` a second; servers write them every `update_period_s` in up to `update_max_batches` batches of
    `update_batch_size`.
    """

    disabled: bool = False
    interval_min_s: float = 15.0
    rate_target: float = 64.0
    update_period_s: float = 5.0
    update_batch_size: int = 128
    update_max_batches: int = 5


@dataclass(frozen=True, kw_only=True)
class UnixSockets:
    """Who owns the sockets that `unix://` addresses make, and their permissions as octal digits; empty: as they are."""

    user: str = ""
    group: str = ""
    mode: str = ""
