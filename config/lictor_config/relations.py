"""What must hold between the settings of one configuration, and what is worth a warning.

Source: Consul's document `docs/agent/options`, and Consul 1.8.7's own refusals.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from lictor_config import surroundings
from lictor_config.addresses import address_flaw, advertised_flaw
from lictor_config.definitions import dns_warnings
from lictor_config.metadata import metadata_flaw
from lictor_config.tls_reading import tls_flaws, tls_warnings
from lictor_config.tree import Configuration
from lictor_config.watches import read_watches
from lictor_core.addresses import split_host_port, split_ip_port
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.limits import LEAF_TTL_MAX_S, LEAF_TTL_MIN_S, PORT_MAX

__all__ = ["flaws", "warnings"]

_DATACENTER: Final = re.compile(r"[a-z0-9_-]+")
_DNS_LABEL: Final = re.compile(r"[A-Za-z0-9-]{1,63}")
_DOMAIN: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_WORDS_OF_NAMES: Final = ("service", "connect", "node", "query", "addr")
"""What Consul lets no other domain begin with, beside the datacenter."""
_DNS_S_MAX: Final = 2**31 - 1
"""The greatest time to live (RFC 2181, section 8)."""
_LOG_LEVELS: Final = ("trace", "debug", "info", "warn", "err")
_LIMIT_MODES: Final = ("disabled", "permissive", "enforcing")
_POLICIES: Final = ("allow", "deny")
_CA_PROVIDERS: Final = ("consul", "vault")
_DNS_PORT: Final = 53
_LEASE_S_MIN: Final = 1.0
_LEASE_S_MAX: Final = 600.0
_REMEMBERED_S_MIN: Final = 60.0
"""A member that is down is not forgotten while its host restarts."""
_RAFT_MULTIPLIER_MAX: Final = 10


def flaws(configuration: Configuration) -> list[str]:
    """Everything that forbids this configuration; empty when it is sound."""
    return [flaw for rule in (*_RULES, surroundings.flaws) for flaw in rule(configuration)]


def warnings(configuration: Configuration) -> list[str]:
    """What works but was perhaps not meant."""
    found: list[str] = []
    if _DNS_LABEL.fullmatch(configuration.node_name) is None:
        found.append(
            f"node name {configuration.node_name!r} cannot be found through DNS: use only letters, digits and dashes"
        )
    if configuration.bootstrap_expect == 1:
        found.append("bootstrap_expect is 1: this is the same as bootstrap = true")
    elif configuration.bootstrap_expect and configuration.bootstrap_expect % 2 == 0:
        count = configuration.bootstrap_expect
        found.append(f"bootstrap_expect is {count}: {count} servers survive no more failures than {count - 1} do")
    if configuration.enable_script_checks and not configuration.acl.enabled:
        found.append(
            "enable_script_checks without ACLs lets everyone who reaches the HTTP API run commands on this host: "
            "enable_local_script_checks allows them from configuration files only"
        )
    autopilot = configuration.autopilot
    for key, value in {
        "redundancy_zone_tag": autopilot.redundancy_zone_tag,
        "disable_upgrade_migration": autopilot.disable_upgrade_migration,
        "upgrade_version_tag": autopilot.upgrade_version_tag,
    }.items():
        if value:
            found.append(f"autopilot.{key} is kept and shown, and has no effect: it belongs to Consul Enterprise")
    found += tls_warnings(configuration)
    found += surroundings.warnings(configuration)
    for service in configuration.services:
        found += dns_warnings(service)
    return found


def _names(configuration: Configuration) -> Iterator[str]:
    datacenters = {"primary_datacenter": configuration.primary_datacenter, "datacenter": configuration.datacenter}
    for name, key in {name: key for key, name in datacenters.items()}.items():  # the primary one is often the same
        if name and _DATACENTER.fullmatch(name) is None:
            yield f"{key}: {name!r} must consist of a-z, 0-9, - and _ only"
    for key, name in {"domain": configuration.domain, "alt_domain": configuration.alt_domain}.items():
        if name and _DOMAIN.fullmatch(name) is None:
            yield f"{key}: {name!r} is no DNS name"
    first = configuration.alt_domain.partition(".")[0]
    if first in (*_WORDS_OF_NAMES, configuration.datacenter):
        yield f"alt_domain: {configuration.alt_domain!r} cannot begin with {first!r}, which means something in names"
    if not configuration.datacenter:
        yield "datacenter: cannot be empty"
    if not configuration.domain:
        yield "domain: cannot be empty"
    if not configuration.node_name:
        yield "node_name: cannot be empty"
    if configuration.node_id and not _is_uuid(configuration.node_id):
        yield f"node_id: {configuration.node_id!r} is no UUID; leave it out to have one made"
    if (flaw := metadata_flaw(configuration.node_meta, allow_reserved=False)) is not None:
        yield f"node_meta: {flaw}"


def _roles(configuration: Configuration) -> Iterator[str]:
    if configuration.bootstrap and not configuration.server:
        yield "bootstrap: needs server = true"
    if configuration.bootstrap_expect < 0:
        yield f"bootstrap_expect: {configuration.bootstrap_expect} is below 0"
    if configuration.bootstrap_expect > 0 and not configuration.server:
        yield "bootstrap_expect: needs server = true"
    if configuration.bootstrap_expect > 0 and configuration.bootstrap:
        yield "bootstrap_expect: cannot be given together with bootstrap = true; leave one of them out"
    if configuration.dev and not configuration.server:
        yield "server: cannot be false with -dev, which is a server of one"
    if configuration.dev and configuration.bootstrap_expect > 1:
        yield "bootstrap_expect: cannot be above 1 with -dev, which is a server of one"
    if not configuration.dev and not configuration.data_dir:
        yield "data_dir: cannot be empty; name a directory with -data-dir, or keep everything in memory with -dev"


def _where(configuration: Configuration) -> Iterator[str]:
    if len(configuration.bind_addr.split()) > 1:
        yield "bind_addr: takes one address; listeners for clients have their own under addresses"
    elif (flaw := address_flaw(configuration.bind_addr)) is not None:
        yield f"bind_addr: {configuration.bind_addr!r} {flaw}"
    advertised: dict[str, tuple[str, int | None]] = {
        "advertise_addr": (configuration.advertise_addr, None),
        "advertise_addr_ipv4": (configuration.advertise_addr_ipv4, 4),
        "advertise_addr_ipv6": (configuration.advertise_addr_ipv6, 6),
        "advertise_addr_wan": (configuration.advertise_addr_wan, None),
        "advertise_addr_wan_ipv4": (configuration.advertise_addr_wan_ipv4, 4),
        "advertise_addr_wan_ipv6": (configuration.advertise_addr_wan_ipv6, 6),
    }
    for key, (address, version) in advertised.items():
        if address and (flaw := advertised_flaw(address, version)) is not None:
            yield f"{key}: {flaw}"
    for address in configuration.client_addr:
        if (flaw := address_flaw(address, unix_allowed=True)) is not None:
            yield f"client_addr: {address!r} {flaw}"
    for recursor in configuration.dns.recursors:
        try:
            split_ip_port(recursor, _DNS_PORT)
        except RequestError as error:
            yield f"recursors: {error}"
    own = configuration.addresses
    for name, addresses in {"dns": own.dns, "http": own.http, "https": own.https, "grpc": own.grpc}.items():
        for address in addresses:
            if (flaw := address_flaw(address, unix_allowed=name in ("http", "https"))) is not None:
                yield f"addresses.{name}: {address!r} {flaw}"


def _ports(configuration: Configuration) -> Iterator[str]:
    ports, own, common = configuration.ports, configuration.addresses, configuration.client_addr
    listeners = {
        "dns": (ports.dns, own.dns or common),
        "http": (ports.http, own.http or common),
        "https": (ports.https, own.https or common),
        "grpc": (ports.grpc, own.grpc or common),
        "server": (ports.server, (configuration.bind_addr,)),
        "serf_lan": (ports.serf_lan, (configuration.bind_addr,)),
    }
    taken: dict[tuple[str, int], str] = {}
    for name, (port, addresses) in listeners.items():
        if not -1 <= port <= PORT_MAX:
            yield f"ports.{name}: {port} is no port; use 1 to {PORT_MAX}, or -1 for off"
            continue
        for address in addresses:
            if port > 0 and not address.startswith("unix://"):
                other = taken.setdefault((address, port), name)
                if other != name:
                    yield f"ports.{name}: {address}:{port} is already taken by ports.{other}"
    if ports.server < 1:
        yield f"ports.server: {ports.server} turns off what servers and agents talk through; use 1 to {PORT_MAX}"
    ranges = {
        "sidecar": (ports.sidecar_min_port, ports.sidecar_max_port),
        "expose": (ports.expose_min_port, ports.expose_max_port),
    }
    for name, (low, high) in ranges.items():
        if not (0 <= low <= PORT_MAX and 0 <= high <= PORT_MAX) or low > high:
            yield (
                f"ports.{name}_min_port: {low} must not be above ports.{name}_max_port, {high}, "
                f"and both must be within 0 and {PORT_MAX}"
            )


def _bounds(configuration: Configuration) -> Iterator[str]:
    dns = configuration.dns
    told_s = {
        "dns_config.node_ttl": dns.node_ttl_s,
        "dns_config.soa.expire": dns.soa.expire,
        "dns_config.soa.min_ttl": dns.soa.min_ttl,
        "dns_config.soa.refresh": dns.soa.refresh,
        "dns_config.soa.retry": dns.soa.retry,
    } | {f"dns_config.service_ttl[{name!r}]": ttl for name, ttl in dns.service_ttl_s.items()}
    numbers = {
        "dns_config.udp_answer_limit": dns.udp_answer_limit,
        "dns_config.a_record_limit": dns.a_record_limit,
        "dns_config.recursor_timeout": dns.recursor_timeout_s,
        "limits.http_max_conns_per_client": configuration.limits.http_max_conns_per_client,
        "limits.rpc_max_conns_per_client": configuration.limits.rpc_max_conns_per_client,
        "limits.http_burst_per_client": configuration.limits.http_burst_per_client,
        "limits.http_burst_per_token": configuration.limits.http_burst_per_token,
        "limits.rpc_max_burst": configuration.limits.rpc_max_burst,
        "limits.https_handshake_timeout": configuration.limits.https_handshake_timeout_s,
        "limits.rpc_handshake_timeout": configuration.limits.rpc_handshake_timeout_s,
        "check_update_interval": configuration.check_update_interval_s,
        "autopilot.max_trailing_logs": configuration.autopilot.max_trailing_logs,
        "autopilot.min_quorum": configuration.autopilot.min_quorum,
        "autopilot.last_contact_threshold": configuration.autopilot.last_contact_threshold_s,
        "autopilot.server_stabilization_time": configuration.autopilot.server_stabilization_time_s,
    } | told_s
    for key, number in numbers.items():
        if number < 0:
            yield f"{key}: {number:g} is below 0"
    for key, seconds in told_s.items():
        if seconds > _DNS_S_MAX:
            yield f"{key}: {seconds:.0f} s is more than the {_DNS_S_MAX} s that DNS can say"
    if min(dns.cache_entries_max, dns.tcp_connections_max, dns.tcp_connections_per_client_max) < 1:
        yield (
            "dns_config: cache_entries_max and tcp_connections_max must be at least 1, as must "
            "tcp_connections_per_client_max"
        )
    if dns.tcp_idle_timeout_s <= 0:
        yield f"dns_config.tcp_idle_timeout: {dns.tcp_idle_timeout_s:g} s is not above 0"
    limits, taken = configuration.limits, configuration.limits.request_limits
    rates = {
        "limits.http_rate_per_client": limits.http_rate_per_client,
        "limits.http_rate_per_token": limits.http_rate_per_token,
        "limits.request_limits.read_rate": taken.read_rate,
        "limits.request_limits.write_rate": taken.write_rate,
    }
    for key, rate in rates.items():
        if not rate > 0:
            yield f"{key}: {rate:g} is not above 0; leave it out for no bound"
    if taken.mode not in _LIMIT_MODES:
        yield f"limits.request_limits.mode: {taken.mode!r} is none of {', '.join(_LIMIT_MODES)}"
    if configuration.limits.kv_max_value_size < 1:
        yield f"limits.kv_max_value_size: {configuration.limits.kv_max_value_size} is below 1"
    if configuration.check_output_max_size < 1:
        yield "check_output_max_size: must be at least 1; discard_check_output = true keeps no output at all"


def _membership(configuration: Configuration) -> Iterator[str]:
    lease_s, grace_s = configuration.membership.lease_ttl_s, configuration.membership.connection_grace_s
    if not _LEASE_S_MIN <= lease_s <= _LEASE_S_MAX:
        yield f"membership.lease_ttl: {lease_s:g} s is not between {_LEASE_S_MIN:g} s and {_LEASE_S_MAX:g} s"
    if not 0 <= grace_s <= lease_s:
        yield f"membership.connection_grace: {grace_s:g} s is not between 0 s and lease_ttl, {lease_s:g} s"
    remembered = {
        "reconnect_timeout": configuration.reconnect_timeout_s,
        "advertise_reconnect_timeout": configuration.advertise_reconnect_timeout_s or _REMEMBERED_S_MIN,
    }
    for key, seconds in remembered.items():
        if seconds < _REMEMBERED_S_MIN:
            yield f"{key}: {seconds:g} s is below {_REMEMBERED_S_MIN:g} s"


def _cluster(configuration: Configuration) -> Iterator[str]:
    join, performance = configuration.join, configuration.performance
    for key, addresses in {"start_join": join.at_start, "retry_join": join.retry}.items():
        for address in addresses:
            if "provider=" in address:
                yield (
                    f"{key}: {address!r} asks a cloud for addresses, which Lictor does not: name addresses, or a DNS "
                    "name that has them all"
                )
                continue
            try:
                split_host_port(address, configuration.ports.serf_lan)
            except RequestError as error:
                yield f"{key}: {error}"
    if join.retry_interval_s <= 0:
        yield f"retry_interval: {join.retry_interval_s:g} s is too short; use 1s or more"
    if join.retry_max < 0:
        yield f"retry_max: {join.retry_max} is below 0"
    if not 0 <= performance.raft_multiplier <= _RAFT_MULTIPLIER_MAX:
        yield f"performance.raft_multiplier: {performance.raft_multiplier} must be within 1 and {_RAFT_MULTIPLIER_MAX}"
    if performance.rpc_hold_timeout_s < 0:
        yield f"performance.rpc_hold_timeout: {performance.rpc_hold_timeout_s:g} s is below 0"
    if performance.raft_trailing_logs < 1:
        yield f"raft_trailing_logs: {performance.raft_trailing_logs} is below 1"


def _words(configuration: Configuration) -> Iterator[str]:
    if configuration.log.level not in _LOG_LEVELS:
        yield f"log_level: {configuration.log.level!r} is none of {', '.join(_LOG_LEVELS)}"
    if configuration.acl.default_policy not in _POLICIES:
        yield f"acl.default_policy: {configuration.acl.default_policy!r} is neither allow nor deny"
    if configuration.connect.ca_provider not in _CA_PROVIDERS:
        yield f"connect.ca_provider: {configuration.connect.ca_provider!r} is not one of {', '.join(_CA_PROVIDERS)}"
    ttl = next((value for key, value in configuration.connect.ca_config.items() if _folded(key) == "leafcertttl"), None)
    if ttl is not None:
        yield from _leaf_ttl(ttl)


def _definitions(configuration: Configuration) -> Iterator[str]:
    for service in configuration.services:
        commands = [check for check in service.checks if check.runs_command]
        if commands and not _may_run_commands(configuration):
            yield f"service {service.name!r}: {_COMMANDS_OFF}"
    for check in configuration.checks:
        if check.runs_command and not _may_run_commands(configuration):
            yield f"check {check.name!r}: {_COMMANDS_OFF}"


_COMMANDS_OFF: Final = "its check runs a command, which enable_local_script_checks = true must allow"


def _may_run_commands(configuration: Configuration) -> bool:
    return configuration.enable_script_checks or configuration.enable_local_script_checks


def _leaf_ttl(value: object) -> Iterator[str]:
    try:
        seconds = parse_duration(value) if isinstance(value, str) else None
    except RequestError as error:
        yield f"connect.ca_config.leaf_cert_ttl: {error}"
        return
    if seconds is None or not LEAF_TTL_MIN_S <= seconds <= LEAF_TTL_MAX_S:
        yield "connect.ca_config.leaf_cert_ttl: must be a duration from 1h to 8760h"


def _folded(key: str) -> str:
    return key.replace("_", "").lower()


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _watches(configuration: Configuration) -> Iterator[str]:
    yield from read_watches(configuration.watches)[1]


_RULES: Final[tuple[Callable[[Configuration], Iterator[str]], ...]] = (
    _names,
    _roles,
    tls_flaws,
    _where,
    _ports,
    _cluster,
    _bounds,
    _membership,
    _words,
    _definitions,
    _watches,
)
