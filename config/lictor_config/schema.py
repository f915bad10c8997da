"""From a plain mapping to the tree: which keys there are, of what type, and where each goes.

The mapping has the shape of a configuration file. `read_configuration` takes its defaults from another tree, so the
presets and one file are read by the same code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lictor_config.checks import CheckDefinition, note_flaws, read_check
from lictor_config.definitions import ServiceDefinition, read_service
from lictor_config.entries import read_entries
from lictor_config.fields import read_fields, read_section
from lictor_config.reading import Reader
from lictor_config.sections import Coordinates, Encrypt, Limits, Log, Tokens
from lictor_config.tls_reading import read_tls
from lictor_config.tree import (
    Acl,
    Addresses,
    Configuration,
    Dns,
    Join,
    Performance,
)
from lictor_config.unused import check_rest

__all__ = ["read_configuration"]

_OTHER_LEVELS: Final = {"error": "err", "warning": "warn"}
"""Names of log levels that Consul takes, too."""
_READ_OTHERWISE: Final = frozenset({"client_addr", "primary_datacenter"})
"""Fields whose key gives something else than its kind says."""


def read_configuration(reader: Reader, base: Configuration) -> Configuration:
    """The tree that a mapping describes, `base` where it is silent; problems are noted in the reader."""
    plain = read_fields(reader, "", base, but=_READ_OTHERWISE)
    configuration = replace(
        plain,
        node_id=plain.node_id.lower(),
        datacenter=plain.datacenter.lower(),
        primary_datacenter=_primary_datacenter(reader, base.primary_datacenter).lower(),
        domain=_without_dots(plain.domain),
        alt_domain=_without_dots(plain.alt_domain),
        bind_addr=plain.bind_addr.strip(),
        advertise_addr=plain.advertise_addr.strip(),
        advertise_addr_ipv4=plain.advertise_addr_ipv4.strip(),
        advertise_addr_ipv6=plain.advertise_addr_ipv6.strip(),
        advertise_addr_wan=plain.advertise_addr_wan.strip(),
        advertise_addr_wan_ipv4=plain.advertise_addr_wan_ipv4.strip(),
        advertise_addr_wan_ipv6=plain.advertise_addr_wan_ipv6.strip(),
        client_addr=_words(reader, "client_addr", base.client_addr),
        addresses=_addresses(reader, base.addresses),
        ports=read_section(reader, "ports", base.ports),
        log=_log(reader, base.log),
        dns=_dns(reader, base.dns),
        acl=_acl(reader, base.acl),
        connect=read_section(reader, "connect", base.connect),
        tls=read_tls(reader, base.tls),
        encrypt=_encrypt(reader, base.encrypt),
        auto_encrypt=read_section(reader, "auto_encrypt", base.auto_encrypt),
        limits=_limits(reader, base.limits),
        autopilot=read_section(reader, "autopilot", base.autopilot),
        join=_join(reader, base.join),
        performance=_performance(reader, base.performance),
        telemetry=read_section(reader, "telemetry", base.telemetry),
        http=read_section(reader, "http_config", base.http),
        cache=read_section(reader, "cache", base.cache),
        coordinates=_coordinates(reader, base.coordinates),
        membership=read_section(reader, "membership", base.membership),
        gossip_lan=read_section(reader, "gossip_lan", base.gossip_lan),
        gossip_wan=read_section(reader, "gossip_wan", base.gossip_wan),
        unix_sockets=read_section(reader, "unix_sockets", base.unix_sockets),
        services=base.services + _services(reader),
        checks=base.checks + _checks(reader),
        first_entries=read_entries(reader, base.first_entries),
        watches=base.watches + tuple(child.copied() for child in reader.children("watches")),
    )
    configuration = _with_leaving(reader, configuration)
    check_rest(reader, "")
    reader.done()
    return configuration


def _with_leaving(reader: Reader, configuration: Configuration) -> Configuration:
    # Consul leaves on SIGINT and stays on SIGTERM as a client the other way round from a server.
    skip, leave = configuration.server, not configuration.server
    return replace(
        configuration,
        skip_leave_on_interrupt=configuration.skip_leave_on_interrupt
        if reader.has("skip_leave_on_interrupt")
        else skip,
        leave_on_terminate=configuration.leave_on_terminate if reader.has("leave_on_terminate") else leave,
    )


def _primary_datacenter(reader: Reader, base: str) -> str:
    older = reader.text("acl_datacenter", base)
    return reader.text("primary_datacenter") or older


def _without_dots(domain: str) -> str:
    return domain.strip(".").lower()


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


def _dns(reader: Reader, base: Dns) -> Dns:
    recursors = tuple(dict.fromkeys(reader.texts("recursors"))) or base.recursors
    child = reader.child("dns_config")
    if child is None:
        return replace(base, recursors=recursors)
    dns = replace(
        read_fields(child, "dns_config", base),
        recursors=recursors,
        soa=read_section(child, "dns_config.soa", base.soa),
    )
    check_rest(child, "dns_config")
    child.done()
    return dns


def _join(reader: Reader, base: Join) -> Join:
    return Join(
        at_start=reader.texts("start_join") or base.at_start,
        retry=reader.texts("retry_join") or base.retry,
        retry_interval_s=reader.duration("retry_interval", base.retry_interval_s),
        retry_max=reader.integer("retry_max", base.retry_max),
    )


def _performance(reader: Reader, base: Performance) -> Performance:
    trailing = reader.integer("raft_trailing_logs", base.raft_trailing_logs)
    return read_section(reader, "performance", replace(base, raft_trailing_logs=trailing))


def _acl(reader: Reader, base: Acl) -> Acl:
    # Names from before Consul 1.4 hold where the new one is not given.
    legacy = replace(
        base,
        enabled=base.enabled or bool(reader.text("acl_datacenter")),  # as in Consul, to name it turned ACLs on
        default_policy=reader.text("acl_default_policy", base.default_policy),
        down_policy=reader.text("acl_down_policy", base.down_policy),
        disabled_ttl_s=reader.duration("acl_disabled_ttl", base.disabled_ttl_s),
        token_ttl_s=reader.duration("acl_ttl", base.token_ttl_s),
        enable_key_list_policy=reader.boolean("acl_enable_key_list_policy", base.enable_key_list_policy),
        enable_token_replication=reader.boolean("enable_acl_replication", base.enable_token_replication),
    )
    child = reader.child("acl")
    tokens = _tokens(child, reader, base.tokens)
    if child is None:
        return replace(legacy, tokens=tokens)
    acl = replace(read_fields(child, "acl", legacy), tokens=tokens)
    check_rest(child, "acl")
    child.done()
    return acl


def _tokens(acl: Reader | None, outer: Reader, base: Tokens) -> Tokens:
    """`acl.tokens`; where one is not given, its name from before Consul 1.4 at the outermost level."""
    older = Tokens(
        default=outer.text("acl_token", base.default),
        agent=outer.text("acl_agent_token", base.agent),
        agent_master=outer.text("acl_agent_master_token", base.agent_master),
        master=outer.text("acl_master_token", base.master),
        replication=outer.text("acl_replication_token", base.replication),
    )
    if acl is None:
        return older
    tokens = read_section(acl, "acl.tokens", older)
    child = acl.child("tokens")
    if child is None:
        return tokens
    return replace(
        tokens,
        agent_master=child.text("agent_recovery") or tokens.agent_master,
        master=child.text("initial_management") or tokens.master,
    )


def _encrypt(reader: Reader, base: Encrypt) -> Encrypt:
    return Encrypt(
        key=reader.text("encrypt", base.key),
        verify_incoming=reader.boolean("encrypt_verify_incoming", base.verify_incoming),
        verify_outgoing=reader.boolean("encrypt_verify_outgoing", base.verify_outgoing),
        disable_keyring_file=reader.boolean("disable_keyring_file", base.disable_keyring_file),
    )


def _log(reader: Reader, base: Log) -> Log:
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


def _limits(reader: Reader, base: Limits) -> Limits:
    child = reader.child("limits")
    if child is None:
        return base
    found = read_fields(child, "limits", base)
    found = replace(found, request_limits=read_section(child, "limits.request_limits", base.request_limits))
    check_rest(child, "limits")
    child.done()
    # Consul shows infinity as -1.
    return found if found.rpc_rate >= 0 else replace(found, rpc_rate=base.rpc_rate)


def _coordinates(reader: Reader, base: Coordinates) -> Coordinates:
    """`disable_coordinates`, `sync_coordinate_*` and `consul.coordinate`."""
    coordinates = replace(
        base,
        disabled=reader.boolean("disable_coordinates", base.disabled),
        interval_min_s=reader.duration("sync_coordinate_interval_min", base.interval_min_s),
        rate_target=reader.number("sync_coordinate_rate_target", base.rate_target),
    )
    consul = reader.child("consul")
    if consul is None:
        return coordinates
    coordinates = read_section(consul, "consul.coordinate", coordinates)
    check_rest(consul, "consul")
    consul.done()
    return coordinates


def _services(reader: Reader) -> tuple[ServiceDefinition, ...]:
    children = reader.children("services") + [child for child in [reader.child("service")] if child is not None]
    return tuple(read_service(child) for child in children)


def _checks(reader: Reader) -> tuple[CheckDefinition, ...]:
    found: list[CheckDefinition] = []
    for child in reader.children("checks") + [child for child in [reader.child("check")] if child is not None]:
        found.append(read_check(child, nested=False))
        note_flaws(child, found[-1], nested=False)
    return tuple(found)
