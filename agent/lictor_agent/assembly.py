"""From the configuration tree to the settings of each room. Pure: what a key means to whom stands here alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lictor_agent.checks.tls import CheckTls
from lictor_agent.http.listening import ListenAddress, TcpAddress, UnixAddress
from lictor_agent.http.settings import HttpSettings, HttpsSettings
from lictor_agent.http.throttle import ClientRates
from lictor_agent.http.unix_sockets import SocketOwner
from lictor_agent.identity import Identity
from lictor_agent.keyring import Keyring
from lictor_agent.registrar import ScriptPolicy
from lictor_agent.remote.settings import RemoteSettings
from lictor_agent.settings import AgentSettings
from lictor_config.tree import Configuration, Dns, DoorTls, Limits
from lictor_core.acl.granted import DefaultPolicy
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.clock import Rng
from lictor_core.commands import ConfigSet
from lictor_core.durations import format_duration
from lictor_core.limits import WAIT_MAX_S
from lictor_dns import DnsSettings, SoaSettings
from lictor_server import SERVER_PORT, Keyed, PemPair, TlsSettings

if TYPE_CHECKING:
    import ssl

    from lictor_agent.auto_encrypt import AgentCertificate
    from lictor_server import AclSettings, CoordinateSettings, RequestRates, ServerSettings

__all__ = [
    "agent_settings",
    "check_tls",
    "dns_addresses",
    "dns_settings",
    "first_entries",
    "grpc_addresses",
    "grpc_is_secured",
    "grpc_tls",
    "http_addresses",
    "http_settings",
    "https_settings",
    "identity",
    "keyed",
    "remote_settings",
    "request_rates",
    "server_settings",
    "tls_settings",
]

RAFT_MULTIPLIER: Final = 2
"""Where nobody says `raft_multiplier`: a leader is missed after one to two seconds. Consul takes 5, and that slower."""
_UNIX: Final = "unix://"
_ANY: Final = ("0.0.0.0", "::")
_NO_END_S: Final = 24 * 3600.0
"""In place of 0, by which Consul means that something may take any time."""
_TRANSLATES: Final = ("X-Consul-Translate-Addresses", "true")
"""The header by which Consul's agents say that addresses of other datacenters are translated."""
_NO_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType({})


def identity(configuration: Configuration, node_id: str) -> Identity:
    """Who the agent is."""
    return Identity(
        node_name=configuration.node_name,
        node_id=node_id,
        datacenter=configuration.datacenter,
        domain=configuration.domain,
        alt_domain=configuration.alt_domain,
        bind_address=configuration.bind_addr,
        advertise_address=configuration.advertise_addr,
        client_addresses=configuration.client_addr,
        http_port=configuration.ports.http,
        dns_port=configuration.ports.dns,
        grpc_port=configuration.ports.grpc,
        server_port=configuration.ports.server,
        server=configuration.server,
        bootstrap=configuration.bootstrap or configuration.bootstrap_expect == 1,
        expect=configuration.bootstrap_expect,
        meta=tuple(configuration.node_meta.items()),
        wan_address=configuration.advertise_addr_wan,
        lan_ipv4=configuration.advertise_addr_ipv4,
        lan_ipv6=configuration.advertise_addr_ipv6,
        wan_ipv4=configuration.advertise_addr_wan_ipv4,
        wan_ipv6=configuration.advertise_addr_wan_ipv6,
        tagged_addresses=tuple(configuration.tagged_addresses.items()),
        acls_enabled=configuration.acl.enabled,
        reconnect=_reconnect(configuration),
    )


def agent_settings(configuration: Configuration, environment: Mapping[str, str] = _NO_ENVIRONMENT) -> AgentSettings:
    """What the agent's own side uses. `environment` is the process's, where checks find proxies and Docker."""
    ports = configuration.ports
    return AgentSettings(
        data_dir="" if configuration.dev else configuration.data_dir,
        sync_every_s=configuration.ae_interval_s,
        scripts=ScriptPolicy(
            from_files=configuration.enable_script_checks or configuration.enable_local_script_checks,
            from_api=configuration.enable_script_checks,
        ),
        sidecar_ports=range(ports.sidecar_min_port, ports.sidecar_max_port + 1),
        exposed_ports=range(ports.expose_min_port, ports.expose_max_port + 1),
        check_update_s=configuration.check_update_interval_s,
        check_output_bytes_max=configuration.check_output_max_size,
        discard_check_output=configuration.discard_check_output,
        check_tls=check_tls(configuration),
        environment=environment,
        critical_s_min=configuration.check_deregister_interval_min_s,
        reap_every_s=configuration.check_reap_interval_s,
        default_allow=configuration.acl.allows_by_default,
        acls_enabled=configuration.acl.enabled,
    )


def check_tls(configuration: Configuration, pair: PemPair | None = None) -> CheckTls | None:
    """The agent's own material where checks are to use it. `pair` is the certificate that the servers gave."""
    if not configuration.enable_agent_tls_for_checks:
        return None
    tls = configuration.tls.internal_rpc
    return CheckTls(ca_file=tls.ca_file, ca_path=tls.ca_path, cert_file=tls.cert_file, key_file=tls.key_file, pair=pair)


def server_settings(configuration: Configuration, node_id: str) -> ServerSettings:
    """What the embedded server uses."""
    # Imported here, as below: agents that are no servers do without.
    from lictor_server import RaftSettings, ServerSettings

    performance, join = configuration.performance, configuration.join
    founds_alone = configuration.dev or configuration.bootstrap
    return ServerSettings(
        node_name=configuration.node_name,
        node_id=node_id,
        datacenter=configuration.datacenter,
        bind_address=configuration.bind_addr,
        advertise_address=configuration.advertise_addr,
        server_port=configuration.ports.server,
        join_port=-1 if configuration.dev else configuration.ports.serf_lan,
        bootstrap_expect=1 if founds_alone else configuration.bootstrap_expect,
        bootstraps=configuration.bootstrap or configuration.bootstrap_expect == 1,
        start_join=join.at_start,
        retry_join=join.retry,
        retry_interval_s=join.retry_interval_s,
        retry_max=join.retry_max,
        lease_s=configuration.membership.lease_ttl_s,
        grace_s=configuration.membership.connection_grace_s,
        reap_s=configuration.reconnect_timeout_s,
        session_ttl_min_s=configuration.session_ttl_min_s,
        reconnect=_reconnect(configuration),
        raft=RaftSettings(
            hold_s=performance.rpc_hold_timeout_s, snapshot_trailing=performance.raft_trailing_logs
        ).scaled(performance.raft_multiplier or RAFT_MULTIPLIER),
        data_dir="" if configuration.dev else configuration.data_dir,
        ca_provider=configuration.connect.ca_provider,
        ca_config=configuration.connect.ca_config,
        domains=tuple(filter(None, (configuration.domain, configuration.alt_domain))),
        autopilot=_autopilot(configuration),
        coordinates=_coordinates(configuration),
        tls=tls_settings(configuration),
        rpc_per_client_max=configuration.limits.rpc_max_conns_per_client,
        rpc_handshake_max_s=configuration.limits.rpc_handshake_timeout_s or _NO_END_S,
        request_rates=request_rates(configuration),
        acl=_acl(configuration),
        first_entries=first_entries(configuration),
    )


def request_rates(configuration: Configuration) -> RequestRates:
    """What a server takes of all together."""
    from lictor_server import RequestRates

    limits = configuration.limits.request_limits
    return RequestRates(mode=limits.mode, read_rate=limits.read_rate, write_rate=limits.write_rate)


def first_entries(configuration: Configuration) -> tuple[ConfigSet, ...]:
    """The entries that a leader is to write: they belong to the primary datacenter."""
    is_primary = configuration.primary_datacenter in ("", configuration.datacenter)
    return configuration.first_entries if is_primary else ()


def remote_settings(configuration: Configuration, node_id: str) -> RemoteSettings:
    """What an agent uses that is no server."""
    join = configuration.join
    return RemoteSettings(
        node_name=configuration.node_name,
        node_id=node_id,
        datacenter=configuration.datacenter,
        source="" if configuration.bind_addr in _ANY else configuration.bind_addr,
        start_join=join.at_start,
        retry_join=join.retry,
        retry_interval_s=join.retry_interval_s,
        retry_max=join.retry_max,
        join_port=configuration.ports.serf_lan if configuration.ports.serf_lan > 0 else SERVER_PORT,
        hold_s=configuration.performance.rpc_hold_timeout_s,
        rate=configuration.limits.rpc_rate,
        burst_max=configuration.limits.rpc_max_burst,
    )


def _reconnect(configuration: Configuration) -> str:
    wish_s = configuration.advertise_reconnect_timeout_s
    return format_duration(wish_s) if wish_s else ""


def _acl(configuration: Configuration) -> AclSettings:
    from lictor_server import AclSettings

    acl = configuration.acl
    return AclSettings(
        enabled=acl.enabled,
        default_policy=DefaultPolicy.ALLOW if acl.allows_by_default else DefaultPolicy.DENY,
        initial_management=acl.tokens.master,
        token_ttl_s=acl.token_ttl_s,
        enable_key_list_policy=acl.enable_key_list_policy,
    )


def _autopilot(configuration: Configuration) -> AutopilotConfiguration:
    given = configuration.autopilot
    return AutopilotConfiguration(
        cleanup_dead_servers=given.cleanup_dead_servers,
        last_contact_threshold=format_duration(given.last_contact_threshold_s),
        max_trailing_logs=given.max_trailing_logs,
        min_quorum=given.min_quorum,
        server_stabilization_time=format_duration(given.server_stabilization_time_s),
        redundancy_zone_tag=given.redundancy_zone_tag,
        disable_upgrade_migration=given.disable_upgrade_migration,
        upgrade_version_tag=given.upgrade_version_tag,
    )


def _coordinates(configuration: Configuration) -> CoordinateSettings:
    from lictor_server import CoordinateSettings

    given = configuration.coordinates
    return CoordinateSettings(
        enabled=not given.disabled,
        update_period_s=given.update_period_s,
        update_batch_size=given.update_batch_size,
        update_max_batches=given.update_max_batches,
    )


def tls_settings(configuration: Configuration, pair: PemPair | None = None) -> TlsSettings | None:
    """How agents and servers secure their connections; None when nothing is said about it.

    `pair` is the certificate that the servers gave.
    """
    rpc = configuration.tls.internal_rpc
    auto = configuration.auto_encrypt
    if rpc == DoorTls() and not auto.tls:
        return None
    return TlsSettings(
        ca_file=rpc.ca_file,
        ca_path=rpc.ca_path,
        cert_file=rpc.cert_file,
        key_file=rpc.key_file,
        verify_incoming_rpc=rpc.verify_incoming,
        verify_outgoing=rpc.verify_outgoing,
        verify_server_hostname=rpc.verify_server_hostname,
        min_version=rpc.min_version,
        cipher_suites=rpc.cipher_suites,
        datacenter=configuration.datacenter,
        domain=configuration.domain,
        gives_certificates=auto.allow_tls,
        asks_for_certificate=configuration.asks_for_certificate,
        pair=pair,
        said=rpc.said,
    )


def keyed(configuration: Configuration, keyring: Keyring, rng: Rng) -> Keyed:
    """What connections between agents and servers must prove at their beginning."""
    encrypt = configuration.encrypt
    return Keyed(
        lambda: keyring.ring,
        datacenter=configuration.datacenter,
        incoming=encrypt.verify_incoming,
        outgoing=encrypt.verify_outgoing,
        rng=rng,
    )


def dns_settings(configuration: Configuration) -> DnsSettings:
    """What the DNS room uses."""
    dns = configuration.dns
    return DnsSettings(
        domain=configuration.domain,
        alt_domain=configuration.alt_domain,
        datacenter=configuration.datacenter,
        node_name=configuration.node_name,
        translate_wan_addrs=configuration.translate_wan_addrs,
        # Whole seconds, cut as Consul cuts them.
        node_ttl_s=int(dns.node_ttl_s),
        service_ttls_s={name: int(seconds) for name, seconds in dns.service_ttl_s.items()},
        only_passing=dns.only_passing,
        node_meta_txt=dns.enable_additional_node_meta_txt,
        allow_stale=dns.allow_stale,
        max_stale_s=dns.max_stale_s,
        use_cache=dns.use_cache,
        cache_max_age_s=dns.cache_max_age_s,
        enable_age_txt=dns.enable_age_txt,
        udp_answer_limit=dns.udp_answer_limit,
        a_record_limit=dns.a_record_limit,
        enable_truncate=dns.enable_truncate,
        disable_compression=dns.disable_compression,
        soa=SoaSettings(
            refresh_s=dns.soa.refresh, retry_s=dns.soa.retry, expire_s=dns.soa.expire, min_ttl_s=dns.soa.min_ttl
        ),
        cache_entries_max=dns.cache_entries_max,
        tcp_connections_max=dns.tcp_connections_max,
        tcp_connections_per_client_max=dns.tcp_connections_per_client_max,
        tcp_idle_s=dns.tcp_idle_timeout_s,
        recursors=dns.recursors,
        recursor_timeout_s=dns.recursor_timeout_s or Dns().recursor_timeout_s,
    )


def http_settings(configuration: Configuration) -> HttpSettings:
    """What the HTTP API uses."""
    return HttpSettings(
        always_pretty=configuration.dev,
        connections_per_client_max=configuration.limits.http_max_conns_per_client,
        kv_value_bytes_max=configuration.limits.kv_max_value_size,
        txn_bytes_max=configuration.limits.txn_max_req_len,
        use_cache=configuration.http.use_cache,
        response_headers=(
            *((_TRANSLATES,) if configuration.translate_wan_addrs else ()),
            *configuration.http.response_headers.items(),
        ),
        blocked_endpoints=configuration.http.block_endpoints,
        takes_cross_site_writes=configuration.http.allow_cross_site_writes,
        allowed_hosts=configuration.http.allowed_hosts,
        write_networks=configuration.http.allow_write_http_from,
        rates=_rates(configuration.limits),
        discovery_stale_s=configuration.discovery_max_stale_s,
        takes_unprintable=configuration.disable_http_unprintable_char_filter,
        https=https_settings(configuration),
        wait_default_s=configuration.default_query_time_s,
        wait_s_max=min(configuration.max_query_time_s, WAIT_MAX_S),
    )


def _rates(limits: Limits) -> ClientRates:
    def burst(given: int, rate: float) -> int:
        """As many at once as in a second, unless something else is said."""
        return given or max(math.ceil(rate), 1) if rate < math.inf else 1

    return ClientRates(
        per_client=limits.http_rate_per_client,
        burst_per_client=burst(limits.http_burst_per_client, limits.http_rate_per_client),
        per_token=limits.http_rate_per_token,
        burst_per_token=burst(limits.http_burst_per_token, limits.http_rate_per_token),
    )


def https_settings(configuration: Configuration, certificate: AgentCertificate | None = None) -> HttpsSettings:
    """What HTTPS is spoken with. `certificate` is what the servers gave: shown where there are no files."""
    return _door(configuration, configuration.tls.https, certificate, is_asked=configuration.asks_for_certificate)


def _door(
    configuration: Configuration, door: DoorTls, certificate: AgentCertificate | None, *, is_asked: bool
) -> HttpsSettings:
    return HttpsSettings(
        is_awaited=is_asked,
        pair=certificate.pair if is_asked and certificate is not None else None,
        agent_roots=certificate.roots if is_asked and certificate is not None else "",
        ca_file=door.ca_file,
        ca_path=door.ca_path,
        cert_file=door.cert_file,
        key_file=door.key_file,
        verify_incoming=door.verify_incoming,
        min_version=door.min_version,
        cipher_suites=door.cipher_suites,
        prefers_server_ciphers=configuration.tls.prefer_server_cipher_suites,
        handshake_s_max=configuration.limits.https_handshake_timeout_s or _NO_END_S,
        said=door.said,
    )


def http_addresses(configuration: Configuration) -> list[ListenAddress]:
    """Where HTTP is listened for, then where HTTPS is. A path that stands in both is listened at once."""
    ports, addresses = configuration.ports, configuration.addresses
    unix = configuration.unix_sockets
    owner = SocketOwner(unix.user, unix.group, unix.mode)
    secured = addresses.https if ports.https >= 0 else ()
    found: dict[ListenAddress, None] = {}
    for address, is_secure in [(one, False) for one in addresses.http] + [(one, True) for one in secured]:
        if address.startswith(_UNIX):
            found[UnixAddress(address.removeprefix(_UNIX), owner)] = None
        elif is_secure and not (configuration.tls.https.has_certificate or configuration.asks_for_certificate):
            continue  # as a warning says
        elif (port := ports.https if is_secure else ports.http) >= 0:
            found[TcpAddress(address, port, is_secure)] = None
    return list(found)


def dns_addresses(configuration: Configuration) -> list[tuple[str, int]]:
    """Where DNS is listened for, UDP and TCP."""
    return _tcp(configuration.addresses.dns, configuration.ports.dns)


def grpc_addresses(configuration: Configuration) -> list[tuple[str, int]]:
    """Where gRPC is listened for."""
    return _tcp(configuration.addresses.grpc, configuration.ports.grpc)


def grpc_tls(
    configuration: Configuration, certificate: AgentCertificate | None = None
) -> Callable[[], ssl.SSLContext | None]:
    """How the gRPC ports are secured: not at all where HTTPS is off, as with Consul, and `tls.grpc` names nothing.

    `certificate` is what the servers gave: shown where there are no files, unless `use_auto_cert` says no.
    """

    def context() -> ssl.SSLContext | None:
        if not grpc_is_secured(configuration):
            return None
        from lictor_agent.http.https import tls_context

        door = configuration.tls.grpc
        return tls_context(_door(configuration, door, certificate, is_asked=_grpc_asks(configuration)), "h2")

    return context


def grpc_is_secured(configuration: Configuration) -> bool:
    """Whether the gRPC ports speak TLS."""
    door = configuration.tls.grpc
    is_own = door.use_auto_cert or door.key("cert_file").startswith("tls.grpc.")
    return (door.has_certificate or _grpc_asks(configuration)) and (configuration.ports.https >= 0 or is_own)


def _grpc_asks(configuration: Configuration) -> bool:
    door = configuration.tls.grpc
    return configuration.asks_for_certificate and (door.use_auto_cert or "use_auto_cert" not in door.said)


def _tcp(addresses: Sequence[str], port: int) -> list[tuple[str, int]]:
    return [(address, port) for address in addresses if port >= 0 and not address.startswith(_UNIX)]
