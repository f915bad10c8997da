"""Every key of Consul 1.8's agent configuration: what it takes, and what Lictor does with it.

A section is headed by its name in brackets; each line below is a key, what it takes, and behind a colon where it acts.
A key without that does nothing: it is taken so that a configuration written for Consul starts, checked for its type,
and named once in a warning. Behind an equals sign stands the newer name of the same thing. Who makes a key do something
writes down where, in the same change. `docs/CONFIGURATION.md` is made from this table.

Source: Consul's document `docs/agent/options`, and `consul validate` of 1.8.7, asked about each name and type.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["KeyKind", "KeySpec", "keys", "keys_of"]


class KeyKind(enum.StrEnum):
    """What a key takes. A definition is a service or a check, blocks are a list of mappings, `free` any mapping."""

    TEXT = "text"
    BOOLEAN = "boolean"
    WHOLE = "whole"
    NUMBER = "number"
    DURATION = "duration"
    TEXTS = "texts"
    TEXT_MAP = "text_map"
    DURATION_MAP = "duration_map"
    FREE = "free"
    BLOCKS = "blocks"
    SECTION = "section"
    DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One key. `path` is dotted; `where` says where it acts, empty for nowhere; `newer` is its newer name's path."""

    path: str
    kind: KeyKind
    where: str = ""
    newer: str = ""

    @property
    def section(self) -> str:
        """The path of the section it stands in; empty for the outermost level."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@functools.cache
def keys() -> Mapping[str, KeySpec]:
    """All keys by path, in the order of the table."""
    found: dict[str, KeySpec] = {}
    section = ""
    for line in _TABLE.strip().splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
            continue
        rest, _, where = line.partition(" : ")
        rest, _, newer = rest.partition(" = ")
        name, _, kind = rest.partition(" ")
        found[section + name] = KeySpec(section + name, KeyKind(kind), where, newer)
    return MappingProxyType(found)


@functools.cache
def keys_of(section: str) -> Mapping[str, KeySpec]:
    """The keys of one section by name; of the outermost level for an empty one."""
    return MappingProxyType({spec.name: spec for spec in keys().values() if spec.section == section})


_TABLE: Final = """
acl section
acl_agent_master_token text = acl.tokens.agent_master
acl_agent_token text = acl.tokens.agent
acl_datacenter text : the older name of primary_datacenter; to name it turns ACLs on
acl_default_policy text = acl.default_policy
acl_disabled_ttl duration = acl.disabled_ttl
acl_down_policy text = acl.down_policy
acl_enable_key_list_policy boolean = acl.enable_key_list_policy
acl_master_token text = acl.tokens.master
acl_replication_token text = acl.tokens.replication
acl_token text = acl.tokens.default
acl_ttl duration = acl.token_ttl
addresses section
advertise_addr text : the address told to others
advertise_addr_ipv4 text : the address tagged lan_ipv4
advertise_addr_ipv6 text : the address tagged lan_ipv6; wan_ipv6, too, where nothing else is
advertise_addr_wan text : the address tagged wan
advertise_reconnect_timeout duration : membership, as later Consul
advertise_addr_wan_ipv4 text : the address tagged wan_ipv4
advertise_addr_wan_ipv6 text : the address tagged wan_ipv6
ae_interval duration : anti-entropy: between comparisons of all
alt_domain text : DNS
audit section
auto_config section
auto_encrypt section
auto_reload_config boolean : a reload when files of the configuration or of TLS change, as later Consul
autopilot section
bind_addr text : where servers listen
bootstrap boolean : a server that founds a cluster alone
bootstrap_expect whole : how many servers found a cluster
ca_file text : TLS between agents and servers, HTTPS, gRPC
ca_path text : TLS between agents and servers, HTTPS, gRPC
cache section
cert_file text : TLS between agents and servers, HTTPS, gRPC
check definition : a check of this agent
check_deregister_interval_min duration : checks
check_output_max_size whole : checks
check_reap_interval duration : checks
check_update_interval duration : anti-entropy
checks blocks : checks of this agent
client_addr text : where HTTP, DNS and gRPC listen
config_entries section
connect section
consul section
data_dir text : what outlives the process
datacenter text : who the agent is
default_query_time duration : the HTTP API
disable_anonymous_signature boolean
disable_coordinates boolean : network coordinates
disable_host_node_id boolean
disable_http_unprintable_char_filter boolean : the HTTP API
disable_keyring_file boolean : keep keys in memory alone
disable_remote_exec boolean : commands that others run here
disable_update_check boolean
discard_check_output boolean : checks
discovery_max_stale duration : the HTTP API: reads of catalog and health that name no mode
dns_config section
domain text : DNS
enable_acl_replication boolean = acl.enable_token_replication
enable_agent_tls_for_checks boolean : checks
enable_central_service_config boolean : sidecars: what configuration entries say of them
enable_debug boolean : profiles at /debug/pprof
enable_local_script_checks boolean : checks
enable_script_checks boolean : checks
enable_syslog boolean : logs
encrypt text : who dials servers proves to know it
encrypt_verify_incoming boolean : take none without the key
encrypt_verify_outgoing boolean : prove the key to servers
gossip_lan section
gossip_wan section
http_config section
key_file text : TLS between agents and servers, HTTPS, gRPC
leave_on_terminate boolean : the process
limits section
log_file text : logs
log_json boolean : logs
log_level text : logs
log_rotate_bytes whole : logs
log_rotate_duration duration : logs
log_rotate_max_files whole : logs
max_query_time duration : the HTTP API, up to 10m
membership section
node_id text : who the agent is
node_meta text_map : who the agent is
node_name text : who the agent is
non_voting_server boolean
performance section
pid_file text : the process
ports section
primary_datacenter text : who the agent is
primary_gateways texts
primary_gateways_interval duration
protocol whole
raft_protocol whole
raft_snapshot_interval duration
raft_snapshot_threshold whole
raft_trailing_logs whole : snapshots of servers
reap boolean
reconnect_timeout duration : membership, on servers
reconnect_timeout_wan duration
recursors texts : DNS
rejoin_after_leave boolean : membership, of agents that are no servers
retry_interval duration : joining
retry_interval_wan duration
retry_join texts : servers to join
retry_join_wan texts
retry_max whole : joining
retry_max_wan whole
revision text
segment text
segment_limit whole
segment_name_limit whole
segments blocks
serf_lan text
serf_lan_allowed_cidrs texts
serf_wan text
serf_wan_allowed_cidrs texts
server boolean : what the agent is
server_name text
service definition : a service of this agent
services blocks : services of this agent
session_ttl_min duration : sessions, at the leader
skip_leave_on_interrupt boolean : the process
snapshot_agent free
start_join texts : servers to join
start_join_wan texts
sync_coordinate_interval_min duration : network coordinates
sync_coordinate_rate_target number
syslog_facility text : logs
tagged_addresses text_map : names and addresses of the node; those Lictor makes (lan, wan) hold
telemetry section
tls section
tls_cipher_suites text : TLS 1.2, at every door
tls_min_version text : TLS between agents and servers, HTTPS, gRPC
tls_prefer_server_cipher_suites boolean : HTTPS, for TLS 1.2
translate_wan_addrs boolean : DNS, for what is in another datacenter; names are found in the own one alone
ui boolean : shown in agent/self
ui_content_path text
ui_dir text
unix_sockets section
verify_incoming boolean : TLS between agents and servers, HTTPS
verify_incoming_https boolean : HTTPS
verify_incoming_rpc boolean : TLS between agents and servers
verify_outgoing boolean : TLS between agents and servers
verify_server_hostname boolean : TLS between agents and servers
version text
version_prerelease text
watches blocks : watches of this agent
[acl]
default_policy text : what no rule speaks of; connections that no intention speaks of
disabled_ttl duration : an agent whose servers have no ACLs: how long it takes their word
down_policy text : agents: what counts while no server answers
enable_key_list_policy boolean : servers: reading keys below a prefix
enable_token_persistence boolean : tokens told to the agent outlive it
enable_token_replication boolean
enabled boolean : access control; on servers and agents alike
msp_disable_bootstrap boolean
policy_ttl duration : agents: how long a token's rights are believed
role_ttl duration : agents: how long a token's rights are believed
token_ttl duration : agents: how long a token's rights are believed
tokens section
[acl.tokens]
agent text : what the agent does itself
agent_master text : who may reach this agent while no server answers
agent_recovery text : later Consul's name of agent_master
default text : requests and DNS questions without a token; what the agent does where it has no other
initial_management text : later Consul's name of master
managed_service_provider blocks
master text : servers: a token with all rights, which the leader makes
replication text
[addresses]
dns text : where DNS listens
grpc text : where the gRPC port listens
http text : where the HTTP API listens, also unix://
https text : where HTTPS listens; unix:// there is the plain HTTP API
[audit]
enabled boolean
sink free
[auto_config]
authorization section
dns_sans texts
enabled boolean
intro_token text
intro_token_file text
ip_sans texts
server_addresses texts
[auto_config.authorization]
enabled boolean
static section
[auto_config.authorization.static]
allow_reuse boolean
bound_audiences texts
bound_issuer text
claim_assertions texts
claim_mappings text_map
clock_skew_leeway duration
expiration_leeway duration
jwks_ca_cert text
jwks_url text
jwt_supported_algs texts
jwt_validation_pub_keys texts
list_claim_mappings text_map
not_before_leeway duration
oidc_discovery_ca_cert text
oidc_discovery_url text
[auto_encrypt]
allow_tls boolean : servers: certificates for agents
dns_san texts : names in the certificate that the servers give
ip_san texts : addresses in the certificate that the servers give
tls boolean : client agents: a certificate from the servers
[autopilot]
cleanup_dead_servers boolean : autopilot, as the first leader stores it
disable_upgrade_migration boolean : autopilot, as the first leader stores it
last_contact_threshold duration : autopilot, as the first leader stores it
max_trailing_logs whole : autopilot, as the first leader stores it
min_quorum whole : autopilot, as the first leader stores it
redundancy_zone_tag text : autopilot, as the first leader stores it
server_stabilization_time duration : autopilot, as the first leader stores it
upgrade_version_tag text : autopilot, as the first leader stores it
[cache]
entry_fetch_max_burst whole
entry_fetch_rate number
[config_entries]
bootstrap blocks : configuration entries that the leader writes where there are none
[connect]
ca_config free : the certificate authority
ca_provider text : the certificate authority
enable_mesh_gateway_wan_federation boolean
enabled boolean : shown; the mesh is always on
test_ca_leaf_root_change_spread duration
[consul]
coordinate section
raft section
server section
[consul.coordinate]
update_batch_size whole : network coordinates
update_max_batches whole : network coordinates
update_period duration : network coordinates
[consul.raft]
election_timeout duration
heartbeat_timeout duration
leader_lease_timeout duration
[consul.server]
health_interval duration
[dns_config]
a_record_limit whole : DNS
allow_stale boolean : DNS
cache_entries_max whole : DNS; ours
cache_max_age duration : DNS, with use_cache
disable_compression boolean : DNS
enable_additional_node_meta_txt boolean : DNS
enable_age_txt boolean : DNS; ours
enable_truncate boolean : DNS
max_stale duration : DNS
node_ttl duration : DNS
only_passing boolean : DNS
prefer_namespace boolean
recursor_timeout duration : DNS
service_ttl duration_map : DNS
soa section
tcp_connections_max whole : DNS; ours
tcp_connections_per_client_max whole : DNS; ours
tcp_idle_timeout duration : DNS; ours
udp_answer_limit whole : DNS
use_cache boolean : DNS
[dns_config.soa]
expire whole : DNS
min_ttl whole : DNS
refresh whole : DNS
retry whole : DNS
[gossip_lan]
gossip_interval duration
gossip_nodes whole
probe_interval duration
probe_timeout duration
retransmit_mult whole
suspicion_mult whole
[gossip_wan]
gossip_interval duration
gossip_nodes whole
probe_interval duration
probe_timeout duration
retransmit_mult whole
suspicion_mult whole
[http_config]
allow_cross_site_writes boolean : the HTTP API; ours
allow_write_http_from texts : the HTTP API
allowed_hosts texts : the HTTP API; ours
block_endpoints texts : the HTTP API
response_headers text_map : the HTTP API
use_cache boolean : the HTTP API
[limits]
http_burst_per_client whole : the HTTP API; ours
http_burst_per_token whole : the HTTP API; ours
http_max_conns_per_client whole : the HTTP API
http_rate_per_client number : the HTTP API; ours
http_rate_per_token number : the HTTP API; ours
https_handshake_timeout duration : HTTPS
kv_max_value_size whole : the HTTP API
request_limits section
rpc_handshake_timeout duration : the server port
rpc_max_burst whole : what a client agent asks of servers
rpc_max_conns_per_client whole : the server port
rpc_rate number : what a client agent asks of servers
txn_max_req_len whole : the HTTP API
[limits.request_limits]
mode text : what a server takes of all together, as later Consul
read_rate number : what a server takes of all together, as later Consul
write_rate number : what a server takes of all together, as later Consul
[membership]
connection_grace duration : membership, on servers; ours
lease_ttl duration : membership, on servers; ours
[performance]
leave_drain_time duration
raft_multiplier whole : servers among themselves
rpc_hold_timeout duration : how long a server waits for a leader
[ports]
dns whole : DNS
expose_max_port whole : where proxies expose checks
expose_min_port whole : where proxies expose checks
grpc whole : where Envoys ask for their configuration (xDS); -1 for nowhere
http whole : the HTTP API
https whole : HTTPS
proxy_max_port whole
proxy_min_port whole
serf_lan whole : where servers that join introduce themselves
serf_wan whole
server whole : RPC and Raft
sidecar_max_port whole : where sidecars are put
sidecar_min_port whole : where sidecars are put
[telemetry]
circonus_api_app text
circonus_api_token text
circonus_api_url text
circonus_broker_id text
circonus_broker_select_tag text
circonus_check_display_name text
circonus_check_force_metric_activation text
circonus_check_id text
circonus_check_instance_id text
circonus_check_search_tag text
circonus_check_tags text
circonus_submission_interval text
circonus_submission_url text
disable_hostname boolean : metrics
dogstatsd_addr text : metrics, sent
dogstatsd_tags texts : metrics, sent
filter_default boolean : metrics
metrics_prefix text : metrics
prefix_filter texts : metrics
prometheus_retention_time duration : metrics
statsd_address text : metrics, sent
statsite_address text : metrics, sent
[tls]
defaults section
grpc section
https section
internal_rpc section
[tls.defaults]
ca_file text : every door that says nothing else
ca_path text : every door that says nothing else
cert_file text : every door that says nothing else
key_file text : every door that says nothing else
tls_cipher_suites text : every door that says nothing else, for TLS 1.2
tls_min_version text : every door that says nothing else
verify_incoming boolean : every door that says nothing else
verify_outgoing boolean : TLS between agents and servers
verify_server_hostname boolean : TLS between agents and servers
[tls.grpc]
ca_file text : gRPC
ca_path text : gRPC
cert_file text : gRPC
key_file text : gRPC
tls_cipher_suites text : gRPC, for TLS 1.2
tls_min_version text : gRPC
use_auto_cert boolean : gRPC, with auto_encrypt
verify_incoming boolean : gRPC
[tls.https]
ca_file text : HTTPS
ca_path text : HTTPS
cert_file text : HTTPS
key_file text : HTTPS
tls_cipher_suites text : HTTPS, for TLS 1.2
tls_min_version text : HTTPS
verify_incoming boolean : HTTPS
verify_outgoing boolean
[tls.internal_rpc]
ca_file text : TLS between agents and servers
ca_path text : TLS between agents and servers
cert_file text : TLS between agents and servers
key_file text : TLS between agents and servers
tls_cipher_suites text : TLS between agents and servers, for TLS 1.2
tls_min_version text : TLS between agents and servers
verify_incoming boolean : TLS between agents and servers
verify_outgoing boolean : TLS between agents and servers
verify_server_hostname boolean : TLS between agents and servers
[unix_sockets]
group text : unix sockets of the HTTP API
mode text : unix sockets of the HTTP API
user text : unix sockets of the HTTP API
"""
