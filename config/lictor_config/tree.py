"""The configuration of an agent as one frozen tree: what was given, checked, with every default filled in.

Field names are the keys of Consul's document `docs/agent/options`, durations in seconds (`_s`). What a key means is
said there; here stands only what is our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lictor_config.checks import CheckDefinition
from lictor_config.definitions import ServiceDefinition
from lictor_config.sections import (
    GOSSIP_WAN,
    Cache,
    Coordinates,
    Encrypt,
    Gossip,
    Http,
    Limits,
    Log,
    Membership,
    Telemetry,
    Tokens,
    UnixSockets,
)
from lictor_config.tls import AutoEncrypt, DoorTls, Tls
from lictor_core.commands import ConfigSet
from lictor_core.records import JsonObject

__all__ = [
    "Acl",
    "Addresses",
    "AutoEncrypt",
    "Autopilot",
    "Cache",
    "Configuration",
    "Connect",
    "Coordinates",
    "Dns",
    "DoorTls",
    "Encrypt",
    "Gossip",
    "Http",
    "Join",
    "Limits",
    "Log",
    "Membership",
    "Origin",
    "Performance",
    "Ports",
    "SoaTimes",
    "Telemetry",
    "Tls",
    "Tokens",
    "UnixSockets",
]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a configuration was made from, so that it can be made again when the agent is told to reload.

    `files` are files and directories in the order they were named; `fragments` are HCL texts; `flags` and `environment`
    are mappings of flag names (`http-port`, without dashes) to their texts, several for a flag that may be repeated.
    """

    dev: bool = False
    files: tuple[str, ...] = ()
    file_format: str = ""
    fragments: tuple[str, ...] = ()
    flags: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    environment: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP (and for DNS also UDP) ports; -1 where a listener is off."""

    dns: int = 8600
    http: int = 8500
    https: int = -1
    grpc: int = -1
    server: int = 8300
    serf_lan: int = 8301
    serf_wan: int = 8302
    sidecar_min_port: int = 21000
    sidecar_max_port: int = 21255
    expose_min_port: int = 21500
    expose_max_port: int = 21755


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The IP addresses each listener binds to; for HTTP and HTTPS also `unix://` paths."""

    dns: tuple[str, ...] = ()
    http: tuple[str, ...] = ()
    https: tuple[str, ...] = ()
    grpc: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SoaTimes:
    """Times of the SOA record, in seconds."""

    expire: int = 86_400
    min_ttl: int = 0
    refresh: int = 3_600
    retry: int = 600


@dataclass(frozen=True, kw_only=True)
class Dns:
    """How DNS questions are answered. `service_ttl_s` maps service names, or `*`, to seconds.

    `enable_age_txt`, `cache_entries_max`, `tcp_connections_max`, `tcp_connections_per_client_max` and
    `tcp_idle_timeout_s` are Lictor's own.

    `recursors` are asked for names of other domains, each for `recursor_timeout_s`.
    """

    allow_stale: bool = True
    max_stale_s: float = 87_600 * 3600.0
    use_cache: bool = False
    cache_max_age_s: float = 0.0
    recursors: tuple[str, ...] = ()
    recursor_timeout_s: float = 2.0
    node_ttl_s: float = 0.0
    service_ttl_s: dict[str, float] = field(default_factory=dict[str, float])
    enable_truncate: bool = False
    only_passing: bool = False
    disable_compression: bool = False
    udp_answer_limit: int = 3
    a_record_limit: int = 0
    enable_additional_node_meta_txt: bool = True
    enable_age_txt: bool = False
    cache_entries_max: int = 8192
    tcp_connections_max: int = 1024
    tcp_connections_per_client_max: int = 256
    tcp_idle_timeout_s: float = 10.0
    soa: SoaTimes = SoaTimes()


@dataclass(frozen=True, kw_only=True)
class Acl:
    """Access control. `default_policy` also decides for connections that no intention speaks of, once ACLs are on."""

    enabled: bool = False
    default_policy: str = "allow"
    down_policy: str = "extend-cache"
    disabled_ttl_s: float = 120.0
    token_ttl_s: float = 30.0
    policy_ttl_s: float = 30.0
    role_ttl_s: float = 0.0
    enable_key_list_policy: bool = False
    enable_token_persistence: bool = False
    enable_token_replication: bool = False
    tokens: Tokens = field(default_factory=Tokens)

    @property
    def allows_by_default(self) -> bool:
        """Whether what no rule speaks of is allowed."""
        return not self.enabled or self.default_policy == "allow"


@dataclass(frozen=True, kw_only=True)
class Connect:
    """The mesh. `ca_config` holds the provider's own keys as they were written."""

    enabled: bool = False
    ca_provider: str = "consul"
    ca_config: JsonObject = field(default_factory=dict[str, object], repr=False)


@dataclass(frozen=True, kw_only=True)
class Autopilot:
    """How the leader looks after the servers, as the first leader of a cluster stores it; later it is set by commands.

    The last three are Consul Enterprise's: kept and shown, without effect.
    """

    cleanup_dead_servers: bool = True
    last_contact_threshold_s: float = 0.2
    max_trailing_logs: int = 250
    min_quorum: int = 0
    server_stabilization_time_s: float = 10.0
    redundancy_zone_tag: str = ""
    disable_upgrade_migration: bool = False
    upgrade_version_tag: str = ""


@dataclass(frozen=True, kw_only=True)
class Join:
    """Which servers to look for: `at_start` once, and the start fails without them; `retry` until one answers.

    Addresses are `host` or `host:port`; without a port it is `ports.serf_lan`. `retry_max` 0 is without end.
    """

    at_start: tuple[str, ...] = ()
    retry: tuple[str, ...] = ()
    retry_interval_s: float = 30.0
    retry_max: int = 0


@dataclass(frozen=True, kw_only=True)
class Performance:
    """How patient servers are with one another. `raft_multiplier` 0: not given."""

    raft_multiplier: int = 0
    rpc_hold_timeout_s: float = 7.0
    leave_drain_time_s: float = 5.0
    raft_trailing_logs: int = 10_000


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything an agent is told. `node_id` may be empty: the agent makes one. `domain` has no dot at its end.

    `advertise_addr` is always a concrete address; `addresses` always names where each listener binds. `warnings` are
    sentences to be logged once at start. `watches` are as they were written. `origin` makes the same configuration
    again. `given` is what was read, merged and with the keys of sections in lower case; it holds secrets.
    """

    node_name: str = ""
    node_id: str = ""
    node_meta: dict[str, str] = field(default_factory=dict[str, str])
    datacenter: str = "dc1"
    primary_datacenter: str = ""
    domain: str = "consul"
    alt_domain: str = ""
    dev: bool = False
    server: bool = False
    bootstrap: bool = False
    bootstrap_expect: int = 0
    bind_addr: str = "0.0.0.0"
    advertise_addr: str = ""
    advertise_addr_ipv4: str = ""
    advertise_addr_ipv6: str = ""
    advertise_addr_wan: str = ""
    advertise_addr_wan_ipv4: str = ""
    advertise_addr_wan_ipv6: str = ""
    tagged_addresses: dict[str, str] = field(default_factory=dict[str, str])
    client_addr: tuple[str, ...] = ("127.0.0.1",)
    addresses: Addresses = Addresses()
    ports: Ports = Ports()
    data_dir: str = ""
    pid_file: str = ""
    log: Log = field(default_factory=Log)
    ui: bool = False
    dns: Dns = Dns()
    acl: Acl = Acl()
    connect: Connect = Connect()
    tls: Tls = field(default_factory=Tls)
    encrypt: Encrypt = field(default_factory=Encrypt)
    auto_encrypt: AutoEncrypt = field(default_factory=AutoEncrypt)
    limits: Limits = field(default_factory=Limits)
    autopilot: Autopilot = Autopilot()
    join: Join = Join()
    performance: Performance = Performance()
    telemetry: Telemetry = field(default_factory=Telemetry)
    http: Http = field(default_factory=Http)
    cache: Cache = field(default_factory=Cache)
    coordinates: Coordinates = field(default_factory=Coordinates)
    membership: Membership = field(default_factory=Membership)
    gossip_lan: Gossip = field(default_factory=Gossip)
    gossip_wan: Gossip = GOSSIP_WAN
    unix_sockets: UnixSockets = field(default_factory=UnixSockets)
    default_query_time_s: float = 300.0
    max_query_time_s: float = 600.0
    advertise_reconnect_timeout_s: float = 0.0
    reconnect_timeout_s: float = 72 * 3600.0
    reconnect_timeout_wan_s: float = 72 * 3600.0
    rejoin_after_leave: bool = False
    auto_reload_config: bool = False
    session_ttl_min_s: float = 10.0
    disable_remote_exec: bool = True
    disable_host_node_id: bool = True
    disable_http_unprintable_char_filter: bool = False
    discovery_max_stale_s: float = 0.0
    enable_debug: bool = False
    translate_wan_addrs: bool = False
    ae_interval_s: float = 60.0
    check_deregister_interval_min_s: float = 60.0
    check_reap_interval_s: float = 30.0
    check_update_interval_s: float = 300.0
    check_output_max_size: int = 4096
    discard_check_output: bool = False
    enable_script_checks: bool = False
    enable_local_script_checks: bool = False
    enable_agent_tls_for_checks: bool = False
    leave_on_terminate: bool = False
    skip_leave_on_interrupt: bool = False
    services: tuple[ServiceDefinition, ...] = ()
    checks: tuple[CheckDefinition, ...] = ()
    service_places: tuple[str, ...] = ()
    check_places: tuple[str, ...] = ()
    """Where each of the services and checks is defined, in their order; empty where that is not known."""
    first_entries: tuple[ConfigSet, ...] = ()
    """`config_entries.bootstrap`: written by the leader where there is no such entry."""
    enable_central_service_config: bool = False
    watches: tuple[JsonObject, ...] = ()
    warnings: tuple[str, ...] = ()
    given: JsonObject = field(default_factory=dict[str, object], repr=False, compare=False)
    origin: Origin = Origin()

    @property
    def asks_for_certificate(self) -> bool:
        """Whether this agent's certificate is to come from the servers."""
        return self.auto_encrypt.tls and not self.tls.internal_rpc.has_certificate
