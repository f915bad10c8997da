"""From a plain mapping to the tree: which keys there are, of what type, and where each goes.

The mapping has the shape of a configuration file. `read_configuration` takes its defaults from another tree, so the
presets and one file are read by the same code.
"""

from __future__ import annotations

from dataclasses import replace

from lictor_config.checks import CheckDefinition, note_flaws, read_check
from lictor_config.definitions import ServiceDefinition, read_service
from lictor_config.reading import Reader
from lictor_config.section_schema import (
    read_cache,
    read_coordinates,
    read_gossip,
    read_http,
    read_limits,
    read_log,
    read_membership,
    read_telemetry,
    read_tokens,
    read_unix_sockets,
)
from lictor_config.tree import (
    Acl,
    Addresses,
    Autopilot,
    Configuration,
    Connect,
    Dns,
    Join,
    Performance,
    Ports,
    SoaTimes,
    Tls,
)
from lictor_config.unused import check_rest

__all__ = ["read_configuration"]


def read_configuration(reader: Reader, base: Configuration) -> Configuration:
    """The tree that a mapping describes, `base` where it is silent; problems are noted in the reader."""
    configuration = replace(
        base,
        node_name=reader.text("node_name", base.node_name),
        node_id=reader.text("node_id", base.node_id).lower(),
        node_meta=reader.text_map("node_meta") or base.node_meta,
        datacenter=reader.text("datacenter", base.datacenter).lower(),
        primary_datacenter=(
            reader.text("primary_datacenter") or reader.text("acl_datacenter", base.primary_datacenter)
        ).lower(),
        domain=_domain(reader, "domain", base.domain),
        alt_domain=_domain(reader, "alt_domain", base.alt_domain),
        server=reader.boolean("server", base.server),
        bootstrap=reader.boolean("bootstrap", base.bootstrap),
        bootstrap_expect=reader.integer("bootstrap_expect", base.bootstrap_expect),
        bind_addr=reader.text("bind_addr", base.bind_addr).strip(),
        advertise_addr=reader.text("advertise_addr", base.advertise_addr).strip(),
        advertise_addr_wan=reader.text("advertise_addr_wan", base.advertise_addr_wan).strip(),
        client_addr=_words(reader, "client_addr", base.client_addr),
        addresses=_addresses(reader, base.addresses),
        ports=_ports(reader, base.ports),
        data_dir=reader.text("data_dir", base.data_dir),
        pid_file=reader.text("pid_file", base.pid_file),
        log=read_log(reader, base.log),
        ui=reader.boolean("ui", base.ui),
        dns=_dns(reader, base.dns),
        acl=_acl(reader, base.acl),
        connect=_connect(reader, base.connect),
        tls=_tls(reader, base.tls),
        limits=read_limits(reader, base.limits),
        autopilot=_autopilot(reader, base.autopilot),
        join=_join(reader, base.join),
        performance=_performance(reader, base.performance),
        telemetry=read_telemetry(reader, base.telemetry),
        http=read_http(reader, base.http),
        cache=read_cache(reader, base.cache),
        coordinates=read_coordinates(reader, base.coordinates),
        membership=read_membership(reader, base.membership),
        gossip_lan=read_gossip(reader, "gossip_lan", base.gossip_lan),
        gossip_wan=read_gossip(reader, "gossip_wan", base.gossip_wan),
        unix_sockets=read_unix_sockets(reader, base.unix_sockets),
        services=base.services + _services(reader),
        checks=base.checks + _checks(reader),
        watches=base.watches + tuple(child.copied() for child in reader.children("watches")),
    )
    configuration = _membership(reader, _timing_and_checks(reader, configuration))
    check_rest(reader, "")
    reader.done()
    return configuration


def _timing_and_checks(reader: Reader, base: Configuration) -> Configuration:
    # Consul leaves on SIGINT and stays on SIGTERM as a client the other way round from a server.
    skip_leave = base.server if not reader.has("skip_leave_on_interrupt") else base.skip_leave_on_interrupt
    leave = not base.server if not reader.has("leave_on_terminate") else base.leave_on_terminate
    return replace(
        base,
        ae_interval_s=reader.duration("ae_interval", base.ae_interval_s),
        check_deregister_interval_min_s=reader.duration(
            "check_deregister_interval_min", base.check_deregister_interval_min_s
        ),
        check_reap_interval_s=reader.duration("check_reap_interval", base.check_reap_interval_s),
        check_update_interval_s=reader.duration("check_update_interval", base.check_update_interval_s),
        check_output_max_size=reader.integer("check_output_max_size", base.check_output_max_size),
        discard_check_output=reader.boolean("discard_check_output", base.discard_check_output),
        enable_script_checks=reader.boolean("enable_script_checks", base.enable_script_checks),
        enable_local_script_checks=reader.boolean("enable_local_script_checks", base.enable_local_script_checks),
        enable_agent_tls_for_checks=reader.boolean("enable_agent_tls_for_checks", base.enable_agent_tls_for_checks),
        leave_on_terminate=reader.boolean("leave_on_terminate", leave),
        skip_leave_on_interrupt=reader.boolean("skip_leave_on_interrupt", skip_leave),
    )


def _membership(reader: Reader, base: Configuration) -> Configuration:
    return replace(
        base,
        default_query_time_s=reader.duration("default_query_time", base.default_query_time_s),
        max_query_time_s=reader.duration("max_query_time", base.max_query_time_s),
        advertise_reconnect_timeout_s=reader.duration(
            "advertise_reconnect_timeout", base.advertise_reconnect_timeout_s
        ),
        reconnect_timeout_s=reader.duration("reconnect_timeout", base.reconnect_timeout_s),
        reconnect_timeout_wan_s=reader.duration("reconnect_timeout_wan", base.reconnect_timeout_wan_s),
        rejoin_after_leave=reader.boolean("rejoin_after_leave", base.rejoin_after_leave),
        session_ttl_min_s=reader.duration("session_ttl_min", base.session_ttl_min_s),
        disable_remote_exec=reader.boolean("disable_remote_exec", base.disable_remote_exec),
        disable_host_node_id=reader.boolean("disable_host_node_id", base.disable_host_node_id),
        disable_http_unprintable_char_filter=reader.boolean(
            "disable_http_unprintable_char_filter", base.disable_http_unprintable_char_filter
        ),
        discovery_max_stale_s=reader.duration("discovery_max_stale", base.discovery_max_stale_s),
        enable_debug=reader.boolean("enable_debug", base.enable_debug),
        translate_wan_addrs=reader.boolean("translate_wan_addrs", base.translate_wan_addrs),
    )


def _domain(reader: Reader, name: str, default: str) -> str:
    return reader.text(name, default).strip(".").lower()


def _words(reader: Reader, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(reader.text(name).split()) or default


def _addresses(reader: Reader, base: Addresses) -> Addresses:
    child = reader.child("addresses")
    if child is None:
        return base
    addresses = Addresses(
        dns=_words(child, "dns", base.dns),
        http=_words(child, "http", base.http),
        https=_words(child, "https", base.https),
        grpc=_words(child, "grpc", base.grpc),
    )
    check_rest(child, "addresses")
    child.done()
    return addresses


def _ports(reader: Reader, base: Ports) -> Ports:
    child = reader.child("ports")
    if child is None:
        return base
    ports = Ports(
        dns=child.integer("dns", base.dns),
        http=child.integer("http", base.http),
        https=child.integer("https", base.https),
        grpc=child.integer("grpc", base.grpc),
        server=child.integer("server", base.server),
        serf_lan=child.integer("serf_lan", base.serf_lan),
        serf_wan=child.integer("serf_wan", base.serf_wan),
        sidecar_min_port=child.integer("sidecar_min_port", base.sidecar_min_port),
        sidecar_max_port=child.integer("sidecar_max_port", base.sidecar_max_port),
        expose_min_port=child.integer("expose_min_port", base.expose_min_port),
        expose_max_port=child.integer("expose_max_port", base.expose_max_port),
    )
    check_rest(child, "ports")
    child.done()
    return ports


def _dns(reader: Reader, base: Dns) -> Dns:
    recursors = reader.texts("recursors") or base.recursors
    child = reader.child("dns_config")
    if child is None:
        return replace(base, recursors=recursors)
    dns = Dns(
        allow_stale=child.boolean("allow_stale", base.allow_stale),
        max_stale_s=child.duration("max_stale", base.max_stale_s),
        use_cache=child.boolean("use_cache", base.use_cache),
        cache_max_age_s=child.duration("cache_max_age", base.cache_max_age_s),
        recursors=recursors,
        recursor_timeout_s=child.duration("recursor_timeout", base.recursor_timeout_s),
        node_ttl_s=child.duration("node_ttl", base.node_ttl_s),
        service_ttl_s=child.duration_map("service_ttl") or base.service_ttl_s,
        enable_truncate=child.boolean("enable_truncate", base.enable_truncate),
        only_passing=child.boolean("only_passing", base.only_passing),
        disable_compression=child.boolean("disable_compression", base.disable_compression),
        udp_answer_limit=child.integer("udp_answer_limit", base.udp_answer_limit),
        a_record_limit=child.integer("a_record_limit", base.a_record_limit),
        enable_additional_node_meta_txt=child.boolean(
            "enable_additional_node_meta_txt", base.enable_additional_node_meta_txt
        ),
        soa=_soa(child, base.soa),
    )
    check_rest(child, "dns_config")
    child.done()
    return dns


def _soa(reader: Reader, base: SoaTimes) -> SoaTimes:
    child = reader.child("soa")
    if child is None:
        return base
    times = SoaTimes(
        expire=child.integer("expire", base.expire),
        min_ttl=child.integer("min_ttl", base.min_ttl),
        refresh=child.integer("refresh", base.refresh),
        retry=child.integer("retry", base.retry),
    )
    child.done()
    return times


def _join(reader: Reader, base: Join) -> Join:
    return Join(
        at_start=reader.texts("start_join") or base.at_start,
        retry=reader.texts("retry_join") or base.retry,
        retry_interval_s=reader.duration("retry_interval", base.retry_interval_s),
        retry_max=reader.integer("retry_max", base.retry_max),
    )


def _performance(reader: Reader, base: Performance) -> Performance:
    trailing = reader.integer("raft_trailing_logs", base.raft_trailing_logs)
    child = reader.child("performance")
    if child is None:
        return replace(base, raft_trailing_logs=trailing)
    performance = Performance(
        raft_multiplier=child.integer("raft_multiplier", base.raft_multiplier),
        rpc_hold_timeout_s=child.duration("rpc_hold_timeout", base.rpc_hold_timeout_s),
        leave_drain_time_s=child.duration("leave_drain_time", base.leave_drain_time_s),
        raft_trailing_logs=trailing,
    )
    check_rest(child, "performance")
    child.done()
    return performance


def _acl(reader: Reader, base: Acl) -> Acl:
    # Names from before Consul 1.4 hold where the new one is not given.
    legacy = replace(
        base,
        enabled=base.enabled or bool(reader.text("acl_datacenter")),  # as in Consul, to name it turned ACLs on
        default_policy=reader.text("acl_default_policy", base.default_policy),
        down_policy=reader.text("acl_down_policy", base.down_policy),
        token_ttl_s=reader.duration("acl_ttl", base.token_ttl_s),
        enable_key_list_policy=reader.boolean("acl_enable_key_list_policy", base.enable_key_list_policy),
        enable_token_replication=reader.boolean("enable_acl_replication", base.enable_token_replication),
    )
    child = reader.child("acl")
    tokens = read_tokens(child, reader, base.tokens)
    if child is None:
        return replace(legacy, tokens=tokens)
    acl = Acl(
        enabled=child.boolean("enabled", legacy.enabled),
        default_policy=child.text("default_policy", legacy.default_policy),
        down_policy=child.text("down_policy", legacy.down_policy),
        token_ttl_s=child.duration("token_ttl", legacy.token_ttl_s),
        policy_ttl_s=child.duration("policy_ttl", legacy.policy_ttl_s),
        role_ttl_s=child.duration("role_ttl", legacy.role_ttl_s),
        enable_key_list_policy=child.boolean("enable_key_list_policy", legacy.enable_key_list_policy),
        enable_token_persistence=child.boolean("enable_token_persistence", legacy.enable_token_persistence),
        enable_token_replication=child.boolean("enable_token_replication", legacy.enable_token_replication),
        tokens=tokens,
    )
    check_rest(child, "acl")
    child.done()
    return acl


def _connect(reader: Reader, base: Connect) -> Connect:
    child = reader.child("connect")
    if child is None:
        return base
    connect = Connect(
        enabled=child.boolean("enabled", base.enabled),
        ca_provider=child.text("ca_provider", base.ca_provider),
        ca_config=child.free("ca_config") or base.ca_config,
    )
    check_rest(child, "connect")
    child.done()
    return connect


def _tls(reader: Reader, base: Tls) -> Tls:
    both = reader.boolean("verify_incoming")
    return Tls(
        ca_file=reader.text("ca_file", base.ca_file),
        ca_path=reader.text("ca_path", base.ca_path),
        cert_file=reader.text("cert_file", base.cert_file),
        key_file=reader.text("key_file", base.key_file),
        # as in Consul each of the two turns it on, and neither turns it off for the other
        verify_incoming_rpc=reader.boolean("verify_incoming_rpc", base.verify_incoming_rpc) or both,
        verify_incoming_https=reader.boolean("verify_incoming_https", base.verify_incoming_https) or both,
        verify_outgoing=reader.boolean("verify_outgoing", base.verify_outgoing),
        verify_server_hostname=reader.boolean("verify_server_hostname", base.verify_server_hostname),
        min_version=reader.text("tls_min_version", base.min_version),
        cipher_suites=reader.text("tls_cipher_suites", base.cipher_suites),
        prefer_server_cipher_suites=reader.boolean("tls_prefer_server_cipher_suites", base.prefer_server_cipher_suites),
        server_name=reader.text("server_name", base.server_name),
    )


def _autopilot(reader: Reader, base: Autopilot) -> Autopilot:
    child = reader.child("autopilot")
    if child is None:
        return base
    autopilot = Autopilot(
        cleanup_dead_servers=child.boolean("cleanup_dead_servers", base.cleanup_dead_servers),
        last_contact_threshold_s=child.duration("last_contact_threshold", base.last_contact_threshold_s),
        max_trailing_logs=child.integer("max_trailing_logs", base.max_trailing_logs),
        min_quorum=child.integer("min_quorum", base.min_quorum),
        server_stabilization_time_s=child.duration("server_stabilization_time", base.server_stabilization_time_s),
        redundancy_zone_tag=child.text("redundancy_zone_tag", base.redundancy_zone_tag),
        disable_upgrade_migration=child.boolean("disable_upgrade_migration", base.disable_upgrade_migration),
        upgrade_version_tag=child.text("upgrade_version_tag", base.upgrade_version_tag),
    )
    child.done()
    return autopilot


def _services(reader: Reader) -> tuple[ServiceDefinition, ...]:
    children = reader.children("services") + [child for child in [reader.child("service")] if child is not None]
    return tuple(read_service(child) for child in children)


def _checks(reader: Reader) -> tuple[CheckDefinition, ...]:
    found: list[CheckDefinition] = []
    for child in reader.children("checks") + [child for child in [reader.child("check")] if child is not None]:
        found.append(read_check(child, nested=False))
        note_flaws(child, found[-1], nested=False)
    return tuple(found)
