"""Which keys there are: each one does something or is known to do nothing."""

import ast
import functools
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from lictor_config.presets import DEV, PRODUCTION
from lictor_config.reading import Reader
from lictor_config.schema import read_configuration, unused_keys
from lictor_config.tree import (
    Acl,
    Addresses,
    Autopilot,
    Cache,
    Configuration,
    Connect,
    Dns,
    Http,
    Limits,
    Log,
    Ports,
    SoaTimes,
    Telemetry,
    Tls,
    UnixSockets,
)
from lictor_config.unused import UNENFORCED, UNUSED

ROOT = Path(__file__).parents[2]

# the keys of Consul 1.8.7's configuration, outermost level, from its document docs/agent/options
CONSULS = """
acl acl_agent_master_token acl_agent_token acl_datacenter acl_default_policy acl_down_policy acl_master_token
acl_replication_token acl_token acl_ttl addresses advertise_addr advertise_addr_wan alt_domain audit
auto_config auto_encrypt autopilot bind_addr bootstrap bootstrap_expect ca_file ca_path cache cert_file check
check_output_max_size check_update_interval checks client_addr config_entries connect data_dir datacenter
default_query_time disable_anonymous_signature disable_coordinates disable_host_node_id
disable_http_unprintable_char_filter disable_keyring_file disable_remote_exec disable_update_check
discard_check_output discovery_max_stale dns_config domain enable_acl_replication enable_agent_tls_for_checks
enable_central_service_config enable_debug enable_local_script_checks enable_script_checks enable_syslog
encrypt encrypt_verify_incoming encrypt_verify_outgoing gossip_lan gossip_wan http_config key_file
leave_on_terminate limits log_file log_json log_level log_rotate_bytes log_rotate_duration
log_rotate_max_files max_query_time node_id node_meta node_name non_voting_server performance pid_file ports
primary_datacenter primary_gateways primary_gateways_interval protocol raft_protocol raft_snapshot_interval
raft_snapshot_threshold raft_trailing_logs reap reconnect_timeout reconnect_timeout_wan recursors
rejoin_after_leave retry_interval retry_interval_wan retry_join retry_join_wan retry_max retry_max_wan segment
segments serf_lan serf_lan_allowed_cidrs serf_wan serf_wan_allowed_cidrs server server_name service services
session_ttl_min skip_leave_on_interrupt start_join start_join_wan syslog_facility telemetry tls_cipher_suites
tls_min_version tls_prefer_server_cipher_suites translate_wan_addrs ui ui_content_path ui_dir unix_sockets
verify_incoming verify_incoming_https verify_incoming_rpc verify_outgoing verify_server_hostname watches
""".split()  # noqa: SIM905 reads as the document does
SECTIONS = {
    "acl": "down_policy default_policy enable_key_list_policy enable_token_persistence enable_token_replication "
    "enabled policy_ttl role_ttl token_ttl tokens",
    "addresses": "dns grpc http https",
    "autopilot": "cleanup_dead_servers disable_upgrade_migration last_contact_threshold max_trailing_logs min_quorum "
    "redundancy_zone_tag server_stabilization_time upgrade_version_tag",
    "connect": "ca_config ca_provider enable_mesh_gateway_wan_federation enabled",
    "dns_config": "a_record_limit allow_stale cache_max_age disable_compression enable_additional_node_meta_txt "
    "enable_truncate max_stale node_ttl only_passing prefer_namespace recursor_timeout service_ttl soa "
    "udp_answer_limit use_cache",
    "limits": "http_max_conns_per_client https_handshake_timeout kv_max_value_size rpc_handshake_timeout rpc_max_burst "
    "rpc_max_conns_per_client rpc_rate txn_max_req_len",
    "ports": "dns expose_max_port expose_min_port grpc http https serf_lan serf_wan server sidecar_max_port "
    "sidecar_min_port",
}


def unknown(values: dict[str, object]) -> list[str]:
    reader = Reader(values)
    read_configuration(reader, PRODUCTION)
    return [str(problem) for problem in reader.problems if "unknown key" in str(problem)]


@pytest.mark.parametrize("key", CONSULS)
def test_every_key_of_consul_is_known(key: str) -> None:
    assert unknown({key: object()}) == []


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_of_a_section_is_known(section: str) -> None:
    for key in SECTIONS[section].split():
        assert unknown({section: {key: object()}}) == []


def test_keys_that_nobody_knows_are_errors() -> None:
    assert unknown({"bogus": 1, "ports": {"bogus": 1}, "dns_config": {"soa": {"bogus": 1}}}) == [
        "ports.bogus: unknown key",
        "dns_config.soa.bogus: unknown key",
        "bogus: unknown key",
    ]


def test_a_key_is_used_or_unused_and_never_both() -> None:
    for section, names in UNUSED.items():
        for name in names:
            values: dict[str, object] = {name: object()}
            for part in reversed(section.split(".") if section else []):
                values = {part: values}
            reader = Reader(values)
            read_configuration(reader, PRODUCTION)
            assert not [problem for problem in reader.problems if problem.message == "unknown key"], name
            assert (f"{section}.{name}" if section else name) in unused_keys(Reader(values))


def test_what_looks_like_protection_and_is_none_is_a_key_that_is_not_used() -> None:
    known = {f"{section}.{name}" if section else name for section, names in UNUSED.items() for name in names}
    assert known >= UNENFORCED


KINDS: dict[type, str] = {
    Configuration: "", Acl: "acl", Addresses: "addresses", Autopilot: "autopilot", Connect: "connect",
    Dns: "dns_config", Limits: "limits", Log: "", Ports: "ports", SoaTimes: "soa", Tls: "", Http: "http_config",
    Cache: "cache", UnixSockets: "unix_sockets", Telemetry: "telemetry",
}  # fmt: skip
OTHER_NAMES = {
    "rotate_bytes": "log_rotate_bytes", "rotate_duration": "log_rotate_duration", "file": "log_file",
    "rotate_max_files": "log_rotate_max_files", "syslog": "enable_syslog", "http": "http_config",
    "coordinates": "disable_coordinates", "cipher_suites": "tls_cipher_suites",
    "prefer_server_cipher_suites": "tls_prefer_server_cipher_suites",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_in_the_tree_is_used_by_some_room_or_named_as_unused(kind: type) -> None:
    assert is_dataclass(kind)
    names = {field.name for field in fields(kind)} - _attributes_read()
    keys = {OTHER_NAMES.get(name.removesuffix("_s"), name.removesuffix("_s")) for name in names}
    unused = UNUSED[""] if KINDS[kind] in UNUSED[""] else {*UNUSED.get(KINDS[kind], ()), *UNUSED[""]}
    assert KINDS[kind] in unused or keys - set(unused) == set()


@functools.cache
def _attributes_read() -> set[str]:
    """The names of all attributes that the code outside this room reads."""
    found: set[str] = set()
    for room in ("agent/lictor_agent", "client/lictor", "server/lictor_server"):
        for path in (ROOT / room).rglob("*.py"):
            found |= {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    return found


@pytest.mark.parametrize("key", ["verify_incoming", "verify_incoming_rpc"])
@pytest.mark.parametrize("other", [{}, {"verify_incoming": False}, {"verify_incoming_rpc": False}])
def test_each_of_two_keys_demands_certificates_of_callers(key: str, other: dict[str, object]) -> None:
    tls = read_configuration(Reader({**other, key: True}), PRODUCTION).tls
    assert tls == Tls(verify_incoming_rpc=True, verify_incoming_https=key == "verify_incoming")


def test_dev_differs_from_production_in_what_consuls_does() -> None:
    differing = {
        field.name for field in fields(Configuration) if getattr(DEV, field.name) != getattr(PRODUCTION, field.name)
    }
    assert differing == {"dev", "server", "bind_addr", "ports", "log", "ui", "connect", "enable_debug"}
