"""The agent's flags: their names, what they set, and one line of help each. Source: `consul agent -help` of 1.8.7.

A flag is a short way to write a key of a configuration file; the same names in capitals, with `LICTOR_AGENT_` in front
(`LICTOR_AGENT_HTTP_PORT`), are read from the environment.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lictor_config.keys import keys
from lictor_config.reading import Path, Problem
from lictor_config.unused import is_used

__all__ = [
    "AGENT_FLAGS",
    "ENVIRONMENT_PREFIX",
    "FlagKind",
    "FlagSpec",
    "environment_flags",
    "flag_values",
    "parse_boolean",
]

ENVIRONMENT_PREFIX: Final = "LICTOR_AGENT_"
_TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
_FALSE: Final = ("0", "f", "F", "false", "FALSE", "False")


class FlagKind(enum.Enum):
    """What a flag takes: a boolean may stand alone, a list and pairs (`key:value`) may be repeated."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    LIST = "list"
    PAIRS = "pairs"


@dataclass(frozen=True)
class FlagSpec:
    """One flag. `key` is what it sets, as a path in a configuration file; `subject` is what it is about."""

    name: str
    key: str
    kind: FlagKind
    subject: str
    help: str

    @property
    def group(self) -> str:
        """Its heading in the help."""
        spec = keys().get(self.key)
        return self.subject if spec is not None and is_used(spec) else _OFF


def _table(*rows: tuple[str, str, FlagKind, str, str]) -> dict[str, FlagSpec]:
    return {row[0]: FlagSpec(*row) for row in rows}


_T, _B, _I, _L, _P = FlagKind.TEXT, FlagKind.BOOLEAN, FlagKind.INTEGER, FlagKind.LIST, FlagKind.PAIRS
_WHO, _WHERE, _DATA, _CHECKS, _CLUSTER = (
    "Who it is",
    "Where it listens",
    "Data and logs",
    "Checks",
    "Cluster",
)
_OFF: Final = "Taken for Consul's sake, without effect"

AGENT_FLAGS: Final = _table(
    ("node", "node_name", _T, _WHO, "Name of this node, unique in the cluster; the host's name by default."),
    ("node-id", "node_id", _T, _WHO, "UUID of this node; made and kept in the data directory by default."),
    ("node-meta", "node_meta", _P, _WHO, "Metadata of this node as key:value; may be repeated."),
    ("datacenter", "datacenter", _T, _WHO, "Datacenter of this agent; dc1 by default."),
    ("domain", "domain", _T, _WHO, "DNS domain that is answered; consul by default."),
    ("alt-domain", "alt_domain", _T, _WHO, "A second DNS domain that is answered."),
    ("server", "server", _B, _CLUSTER, "Be a server: hold the registry, not only ask it."),
    ("bootstrap", "bootstrap", _B, _CLUSTER, "Be the one server that starts a cluster."),
    ("bootstrap-expect", "bootstrap_expect", _I, _CLUSTER, "Start the cluster when this many servers have met."),
    ("join", "start_join", _L, _CLUSTER, "Server to join at start, which fails when none answers; may be repeated."),
    ("retry-join", "retry_join", _L, _CLUSTER, "Server to join, tried until one answers; may be repeated."),
    ("retry-interval", "retry_interval", _T, _CLUSTER, "The longest time between attempts to join; 30s by default."),
    ("retry-max", "retry_max", _I, _CLUSTER, "Attempts to join before giving up; without end by default."),
    ("bind", "bind_addr", _T, _WHERE, "Address for the other agents."),
    ("advertise", "advertise_addr", _T, _WHERE, "Address to tell the other agents; what -bind says by default."),
    ("advertise-wan", "advertise_addr_wan", _T, _WHERE, "Address to tell other datacenters."),
    ("client", "client_addr", _T, _WHERE, "Addresses for clients (HTTP, DNS, gRPC), separated by spaces."),
    ("http-port", "ports.http", _I, _WHERE, "Port of the HTTP API; 8500 by default, -1 for none."),
    ("dns-port", "ports.dns", _I, _WHERE, "Port of DNS, UDP and TCP; 8600 by default, -1 for none."),
    ("grpc-port", "ports.grpc", _I, _WHERE, "Port for Envoy; none by default, 8502 with -dev."),
    ("server-port", "ports.server", _I, _WHERE, "Port for the other agents; 8300 by default."),
    ("serf-lan-port", "ports.serf_lan", _I, _WHERE, "Port where agents that join ask; 8301 by default, -1 for none."),
    ("data-dir", "data_dir", _T, _DATA, "Directory for what must outlive the process; needed without -dev."),
    ("pid-file", "pid_file", _T, _DATA, "File to write the process id to."),
    ("log-level", "log_level", _T, _DATA, "trace, debug, info, warn or err."),
    ("log-json", "log_json", _B, _DATA, "Write log events as JSON, one a line."),
    ("ui", "ui", _B, _DATA, "Serve the web UI."),
    ("enable-local-script-checks", "enable_local_script_checks", _B, _CHECKS,
     "Allow checks that run commands, from configuration files only."),
    ("enable-script-checks", "enable_script_checks", _B, _CHECKS,
     "Allow checks that run commands, also through the HTTP API."),
    ("check_output_max_size", "check_output_max_size", _I, _CHECKS, "Bytes of a check's output that are kept."),
    ("allow-write-http-from", "http_config.allow_write_http_from", _L, _WHERE, "Networks that may write."),
    ("default-query-time", "default_query_time", _T, _DATA, "How long a blocking query waits by default."),
    ("max-query-time", "max_query_time", _T, _DATA, "The longest a blocking query may wait."),
    ("disable-host-node-id", "disable_host_node_id", _B, _WHO, "Node ids are never made from the host."),
    ("disable-keyring-file", "disable_keyring_file", _B, _DATA, "Keep the keys of `encrypt` in memory alone."),
    ("encrypt", "encrypt", _T, _DATA, "Key, in base64, that agents and servers prove to each other."),
    ("https-port", "ports.https", _I, _WHERE, "Port of the HTTPS API."),
    ("join-wan", "start_join_wan", _L, _CLUSTER, "Server of another datacenter to join."),
    ("log-file", "log_file", _T, _DATA, "File for log events."),
    ("log-rotate-bytes", "log_rotate_bytes", _I, _DATA, "Size at which the log file is rotated."),
    ("log-rotate-duration", "log_rotate_duration", _T, _DATA, "Age at which the log file is rotated."),
    ("log-rotate-max-files", "log_rotate_max_files", _I, _DATA, "Rotated log files to keep."),
    ("non-voting-server", "non_voting_server", _B, _CLUSTER, "Be a server without a vote."),
    ("primary-gateway", "primary_gateways", _L, _CLUSTER, "Mesh gateway of the primary datacenter."),
    ("protocol", "protocol", _I, _CLUSTER, "Version of the gossip protocol."),
    ("raft-protocol", "raft_protocol", _I, _CLUSTER, "Version of the Raft protocol."),
    ("recursor", "recursors", _L, _WHERE, "DNS server for other domains."),
    ("rejoin", "rejoin_after_leave", _B, _CLUSTER, "Join again after having left."),
    ("retry-interval-wan", "retry_interval_wan", _T, _CLUSTER, "Time between attempts to join another datacenter."),
    ("retry-join-wan", "retry_join_wan", _L, _CLUSTER, "Server of another datacenter to join, tried again."),
    ("retry-max-wan", "retry_max_wan", _I, _CLUSTER, "Attempts to join another datacenter."),
    ("segment", "segment", _T, _WHO, "Network segment."),
    ("serf-lan-allowed-cidrs", "serf_lan_allowed_cidrs", _L, _WHERE, "Networks that may gossip."),
    ("serf-lan-bind", "serf_lan", _T, _WHERE, "Address of gossip."),
    ("serf-wan-allowed-cidrs", "serf_wan_allowed_cidrs", _L, _WHERE, "Networks that may gossip between datacenters."),
    ("serf-wan-bind", "serf_wan", _T, _WHERE, "Address of gossip between datacenters."),
    ("serf-wan-port", "ports.serf_wan", _I, _WHERE, "Port of gossip between datacenters."),
    ("syslog", "enable_syslog", _B, _DATA, "Log to syslog."),
    ("ui-content-path", "ui_content_path", _T, _WHERE, "Path of the web UI."),
    ("ui-dir", "ui_dir", _T, _WHERE, "Directory with another web UI."),
)  # fmt: skip
"""Every flag that stands for a key, in the order of the help."""


def environment_flags(environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The flags that environment variables give; lists are separated by spaces."""
    spellings = {ENVIRONMENT_PREFIX + name.upper().replace("-", "_"): spec for name, spec in AGENT_FLAGS.items()}
    found: dict[str, tuple[str, ...]] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        spec = spellings.get(variable)
        name = variable if spec is None else spec.name
        several = spec is not None and spec.kind in (FlagKind.LIST, FlagKind.PAIRS)
        found[name] = tuple(text.split()) if several else (text,)
    return found


def flag_values(
    flags: Mapping[str, Sequence[str]], problems: list[Problem], prefix: str = "-"
) -> tuple[dict[str, object], dict[Path, str]]:
    """The configuration that flags describe, and which flag each key came from. Problems are noted."""
    sections: dict[str, dict[str, object]] = {"": {}}
    origins: dict[Path, str] = {}
    for name, texts in flags.items():
        spec = AGENT_FLAGS.get(name)
        shown = name if name.startswith(ENVIRONMENT_PREFIX) else prefix + name
        if spec is None:
            problems.append(Problem((shown,), "there is no such setting"))
            continue
        try:
            value = _value(spec.kind, texts)
        except ValueError as error:
            problems.append(Problem((shown,), str(error)))
            continue
        section, _, key = spec.key.rpartition(".")
        sections.setdefault(section, {})[key] = value
        origins[tuple(spec.key.split("."))] = shown
    outermost = sections.pop("")
    return {**outermost, **sections}, origins


def parse_boolean(text: str) -> bool:
    """What Go's `strconv.ParseBool` says of `text`. Raises `ValueError`."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f'must be true or false, not "{text}"')


def _value(kind: FlagKind, texts: Sequence[str]) -> object:
    match kind:
        case FlagKind.TEXT:
            return texts[-1]
        case FlagKind.BOOLEAN:
            return parse_boolean(texts[-1])
        case FlagKind.INTEGER:
            try:
                return int(texts[-1])
            except ValueError:
                raise ValueError(f'must be a whole number, not "{texts[-1]}"') from None
        case FlagKind.LIST:
            return list(texts)
        case FlagKind.PAIRS:
            return {key: value for key, _, value in (text.partition(":") for text in texts)}
