"""What a server is told by whoever starts it."""

from __future__ import annotations

import dataclasses

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.commands import ConfigSet
from lictor_core.limits import BLOCKED_QUERIES_MAX, SESSION_TTL_MIN_S
from lictor_core.records import JsonObject
from lictor_server.acl.settings import AclSettings
from lictor_server.coordinates import CoordinateSettings
from lictor_server.raft.settings import RaftSettings
from lictor_server.request_limits import OFF, RequestRates
from lictor_server.tls import TlsSettings

__all__ = ["ServerSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """One server's settings. Addresses are IPs; times are in seconds."""

    node_name: str
    node_id: str
    datacenter: str = "dc1"
    bind_address: str = "127.0.0.1"
    """Where the server port listens; without `tls` this should be loopback."""
    advertise_address: str = "127.0.0.1"
    """Where others reach this server."""
    server_port: int = 8300
    """0 takes any free port: `Server.server_port` then says which."""
    join_port: int = -1
    """A second port for agents that join, Consul's `ports.serf_lan`; below 1 for none."""
    bootstrap_expect: int = 1
    """Found a cluster when so many blank servers have met; 0: only join one."""
    bootstraps: bool = False
    """Whether it was told to found a cluster alone; other members are shown that."""
    start_join: tuple[str, ...] = ()
    """Servers to join at start, which fails when none answers: `host` or `host:port`, else `join_port`."""
    retry_join: tuple[str, ...] = ()
    """Servers to look for until there is a leader."""
    retry_interval_s: float = 30.0
    retry_max: int = 0
    """After so many attempts in vain the server gives up; 0 is never."""
    data_dir: str = ""
    """Where the log and snapshots are kept; empty for a server that keeps nothing on disk."""
    session_ttl_min_s: float = SESSION_TTL_MIN_S
    """The shortest TTL that a session may have; Consul's `session_ttl_min`."""
    session_ttl_factor: float = 2.0
    """A session that was not renewed ends after its TTL times this. The TTL is a promise of how long it lasts at least;
    clients of Consul, where it is 2, count on that (Patroni asks for half of what it means)."""
    lease_s: float = 10.0
    """How long an agent counts as alive after it last renewed; it is asked to renew at a third of this."""
    grace_s: float = 2.0
    """How long an agent whose connection closed has to come back, here or elsewhere, before it has failed."""
    reconcile_s: float = 60.0
    """How often the leader compares the members with the catalog even when nothing happened."""
    reap_s: float = 72 * 3600.0
    """How long members that failed or left are remembered; then failed ones leave the catalog."""
    reconnect: str = ""
    """For how long this server itself wishes to be remembered, a Go duration; empty for `reap_s`."""
    members_max: int = 10_000
    """Agents that may hold a lease."""
    blocked_queries_max: int = BLOCKED_QUERIES_MAX
    """Blocking queries waiting at once; one more is refused as overload."""
    ca_provider: str = "consul"
    """Which CA the first leader makes; there is the built-in one."""
    ca_config: JsonObject = dataclasses.field(default_factory=dict[str, object], repr=False)
    """Its first settings, as users write them; later ones come by `Server.configure_ca`."""
    domains: tuple[str, ...] = ("consul",)
    """What DNS answers for: leaves of ingress gateways with TLS may carry names in these."""
    csr_per_second_max: float = 50.0
    """Leaves signed a second, on average; Consul's `csr_max_per_second`. 0 is without bound."""
    rpc_connections_max: int = 10_240
    """Connections to the server port at once: when the others are away, all members come to one server."""
    rpc_per_client_max: int = 100
    """Of these, connections of one address; 0 is without bound. Consul's `limits.rpc_max_conns_per_client`."""
    rpc_handshake_max_s: float = 5.0
    """How long a connection may take to say what it is for, and for TLS; Consul's `limits.rpc_handshake_timeout`."""
    request_rates: RequestRates = OFF
    """Requests a second of all together; Consul's `limits.request_limits`."""
    rpc_in_flight_max: int = 16_384
    """Requests under way on one connection."""
    tls: TlsSettings | None = None
    """Certificates and what must be proven on the server port; without it connections are plain."""
    coordinates: CoordinateSettings = dataclasses.field(default_factory=CoordinateSettings)
    autopilot: AutopilotConfiguration = dataclasses.field(default_factory=AutopilotConfiguration)
    """How the first leader is to look after the servers; later by the command `AutopilotSet`."""
    first_entries: tuple[ConfigSet, ...] = ()
    """Configuration entries that a leader writes where there are none; later ones come by `Server.follow_entries`."""
    acl: AclSettings = dataclasses.field(default_factory=AclSettings)
    raft: RaftSettings = dataclasses.field(default_factory=RaftSettings)
