"""From a plain mapping to the sections of the tree that belong to one feature each.

Each function takes the reader of the outermost level and the section as it is where nothing is said.
"""

from __future__ import annotations

from typing import Final

from lictor_config.reading import Reader
from lictor_config.sections import (
    Cache,
    Coordinates,
    Gossip,
    Http,
    Limits,
    Log,
    Membership,
    Telemetry,
    Tokens,
    UnixSockets,
)
from lictor_config.unused import check_rest

__all__ = [
    "read_cache",
    "read_coordinates",
    "read_gossip",
    "read_http",
    "read_limits",
    "read_log",
    "read_membership",
    "read_telemetry",
    "read_tokens",
    "read_unix_sockets",
]

_OTHER_LEVELS: Final = {"error": "err", "warning": "warn"}
"""Names of log levels that Consul takes, too."""


def read_log(reader: Reader, base: Log) -> Log:
    """The keys `log_*` and those of syslog, which have no section in a file."""
    level = reader.text("log_level", base.level).lower()
    return Log(
        level=_OTHER_LEVELS.get(level, level),
        json=reader.boolean("log_json", base.json),
        file=reader.text("log_file", base.file),
        rotate_bytes=reader.integer("log_rotate_bytes", base.rotate_bytes),
        rotate_duration_s=reader.duration("log_rotate_duration", base.rotate_duration_s),
        rotate_max_files=reader.integer("log_rotate_max_files", base.rotate_max_files),
        syslog=reader.boolean("enable_syslog", base.syslog),
        syslog_facility=reader.text("syslog_facility", base.syslog_facility).upper(),
    )


def read_tokens(acl: Reader | None, outer: Reader, base: Tokens) -> Tokens:
    """`acl.tokens`; where one is not given, its name from before Consul 1.4 at the outermost level."""
    legacy = Tokens(
        default=outer.text("acl_token", base.default),
        agent=outer.text("acl_agent_token", base.agent),
        agent_master=outer.text("acl_agent_master_token", base.agent_master),
        master=outer.text("acl_master_token", base.master),
        replication=outer.text("acl_replication_token", base.replication),
    )
    child = None if acl is None else acl.child("tokens")
    if child is None:
        return legacy
    tokens = Tokens(
        default=child.text("default", legacy.default),
        agent=child.text("agent", legacy.agent),
        agent_master=child.text("agent_master", legacy.agent_master),
        master=child.text("master", legacy.master),
        replication=child.text("replication", legacy.replication),
    )
    check_rest(child, "acl.tokens")
    child.done()
    return tokens


def read_http(reader: Reader, base: Http) -> Http:
    """`http_config`."""
    child = reader.child("http_config")
    if child is None:
        return base
    http = Http(
        allow_write_http_from=child.texts("allow_write_http_from") or base.allow_write_http_from,
        block_endpoints=child.texts("block_endpoints") or base.block_endpoints,
        response_headers=child.text_map("response_headers") or base.response_headers,
        use_cache=child.boolean("use_cache", base.use_cache),
    )
    check_rest(child, "http_config")
    child.done()
    return http


def read_limits(reader: Reader, base: Limits) -> Limits:
    """`limits`."""
    child = reader.child("limits")
    if child is None:
        return base
    rate = child.number("rpc_rate", base.rpc_rate)
    limits = Limits(
        http_max_conns_per_client=child.integer("http_max_conns_per_client", base.http_max_conns_per_client),
        https_handshake_timeout_s=child.duration("https_handshake_timeout", base.https_handshake_timeout_s),
        rpc_handshake_timeout_s=child.duration("rpc_handshake_timeout", base.rpc_handshake_timeout_s),
        rpc_max_conns_per_client=child.integer("rpc_max_conns_per_client", base.rpc_max_conns_per_client),
        rpc_rate=rate if rate >= 0 else base.rpc_rate,  # Consul shows an infinite rate as -1
        rpc_max_burst=child.integer("rpc_max_burst", base.rpc_max_burst),
        kv_max_value_size=child.integer("kv_max_value_size", base.kv_max_value_size),
        txn_max_req_len=child.integer("txn_max_req_len", base.txn_max_req_len),
    )
    check_rest(child, "limits")
    child.done()
    return limits


def read_telemetry(reader: Reader, base: Telemetry) -> Telemetry:
    """`telemetry`."""
    child = reader.child("telemetry")
    if child is None:
        return base
    rules = child.texts("prefix_filter") or base.prefix_filter
    telemetry = Telemetry(
        disable_hostname=child.boolean("disable_hostname", base.disable_hostname),
        dogstatsd_addr=child.text("dogstatsd_addr", base.dogstatsd_addr),
        dogstatsd_tags=child.texts("dogstatsd_tags") or base.dogstatsd_tags,
        filter_default=child.boolean("filter_default", base.filter_default),
        metrics_prefix=child.text("metrics_prefix", base.metrics_prefix),
        prefix_filter=rules,
        prometheus_retention_time_s=child.duration("prometheus_retention_time", base.prometheus_retention_time_s),
        statsd_address=child.text("statsd_address", base.statsd_address),
        statsite_address=child.text("statsite_address", base.statsite_address),
    )
    check_rest(child, "telemetry")
    child.done()
    return telemetry


def read_cache(reader: Reader, base: Cache) -> Cache:
    """`cache`."""
    child = reader.child("cache")
    if child is None:
        return base
    cache = Cache(
        entry_fetch_rate=child.number("entry_fetch_rate", base.entry_fetch_rate),
        entry_fetch_max_burst=child.integer("entry_fetch_max_burst", base.entry_fetch_max_burst),
    )
    check_rest(child, "cache")
    child.done()
    return cache


def read_membership(reader: Reader, base: Membership) -> Membership:
    """`membership`."""
    child = reader.child("membership")
    if child is None:
        return base
    membership = Membership(
        lease_ttl_s=child.duration("lease_ttl", base.lease_ttl_s),
        connection_grace_s=child.duration("connection_grace", base.connection_grace_s),
    )
    child.done()
    return membership


def read_gossip(reader: Reader, name: str, base: Gossip) -> Gossip:
    """`gossip_lan` or `gossip_wan`."""
    child = reader.child(name)
    if child is None:
        return base
    gossip = Gossip(
        gossip_interval_s=child.duration("gossip_interval", base.gossip_interval_s),
        gossip_nodes=child.integer("gossip_nodes", base.gossip_nodes),
        probe_interval_s=child.duration("probe_interval", base.probe_interval_s),
        probe_timeout_s=child.duration("probe_timeout", base.probe_timeout_s),
        retransmit_mult=child.integer("retransmit_mult", base.retransmit_mult),
        suspicion_mult=child.integer("suspicion_mult", base.suspicion_mult),
    )
    check_rest(child, name)
    child.done()
    return gossip


def read_coordinates(reader: Reader, base: Coordinates) -> Coordinates:
    """`disable_coordinates`, `sync_coordinate_*` and `consul.coordinate`."""
    consul = reader.child("consul")
    child = None if consul is None else consul.child("coordinate")
    coordinates = Coordinates(
        disabled=reader.boolean("disable_coordinates", base.disabled),
        interval_min_s=reader.duration("sync_coordinate_interval_min", base.interval_min_s),
        rate_target=reader.number("sync_coordinate_rate_target", base.rate_target),
        update_period_s=base.update_period_s
        if child is None
        else child.duration("update_period", base.update_period_s),
        update_batch_size=base.update_batch_size
        if child is None
        else child.integer("update_batch_size", base.update_batch_size),
        update_max_batches=base.update_max_batches
        if child is None
        else child.integer("update_max_batches", base.update_max_batches),
    )
    for one, name in ((child, "consul.coordinate"), (consul, "consul")):
        if one is not None:
            check_rest(one, name)
            one.done()
    return coordinates


def read_unix_sockets(reader: Reader, base: UnixSockets) -> UnixSockets:
    """`unix_sockets`."""
    child = reader.child("unix_sockets")
    if child is None:
        return base
    sockets = UnixSockets(
        user=child.text("user", base.user),
        group=child.text("group", base.group),
        mode=child.text("mode", base.mode),
    )
    check_rest(child, "unix_sockets")
    child.done()
    return sockets
