"""The keys of Consul 1.8's agent configuration that Lictor takes and does nothing with.

A configuration written for Consul starts; what it says in vain is told in one warning, and keys that no one knows stay
errors. A key leaves this table in the change that makes it do something.
"""

from __future__ import annotations

from typing import Final

__all__ = ["UNENFORCED", "UNUSED"]

UNUSED: Final[dict[str, tuple[str, ...]]] = {
    "": (
        "acl_agent_master_token", "acl_agent_token", "acl_disabled_ttl", "acl_down_policy",
        "acl_enable_key_list_policy", "acl_master_token", "acl_replication_token", "acl_token", "acl_ttl",
        "advertise_addr_ipv4", "advertise_addr_ipv6", "advertise_addr_wan_ipv4", "advertise_addr_wan_ipv6",
        "ae_interval", "audit", "auto_config", "auto_encrypt", "cache",
        "check_deregister_interval_min", "check_reap_interval", "config_entries", "consul",
        "default_query_time", "disable_anonymous_signature", "disable_coordinates", "disable_host_node_id",
        "disable_http_unprintable_char_filter", "disable_keyring_file", "disable_remote_exec",
        "disable_update_check", "discovery_max_stale", "enable_acl_replication", "enable_agent_tls_for_checks",
        "enable_central_service_config", "enable_debug", "enable_syslog", "encrypt", "encrypt_verify_incoming",
        "encrypt_verify_outgoing", "gossip_lan", "gossip_wan", "http_config", "log_file", "log_rotate_bytes",
        "log_rotate_duration", "log_rotate_max_files", "max_query_time", "non_voting_server",
        "primary_gateways", "primary_gateways_interval", "protocol", "raft_protocol", "raft_snapshot_interval",
        "raft_snapshot_threshold", "reap", "reconnect_timeout", "reconnect_timeout_wan",
        "recursors", "rejoin_after_leave", "retry_interval_wan",
        "retry_join_wan", "retry_max_wan", "revision", "segment", "segment_limit",
        "segment_name_limit", "segments", "serf_lan", "serf_lan_allowed_cidrs", "serf_wan",
        "serf_wan_allowed_cidrs", "server_name", "session_ttl_min", "snapshot_agent",
        "start_join_wan", "sync_coordinate_interval_min", "sync_coordinate_rate_target", "syslog_facility",
        "tagged_addresses",
        "telemetry", "tls_cipher_suites", "tls_prefer_server_cipher_suites", "translate_wan_addrs",
        "ui_content_path", "ui_dir", "unix_sockets", "verify_incoming_https", "version", "version_prerelease",
        "watches",
    ),
    "acl.tokens": (
        "managed_service_provider",
    ),
    "acl": (
        "disabled_ttl", "down_policy", "enable_key_list_policy", "enable_token_persistence",
        "enable_token_replication", "msp_disable_bootstrap", "policy_ttl", "role_ttl", "token_ttl", "tokens",
    ),
    "addresses": (
        "https",
    ),
    "consul": (
        "raft", "server",
    ),
    "connect": (
        "enable_mesh_gateway_wan_federation", "test_ca_leaf_root_change_spread",
    ),
    "dns_config": (
        "allow_stale", "cache_max_age", "max_stale", "prefer_namespace", "recursor_timeout", "use_cache",
    ),
    "limits": (
        "https_handshake_timeout", "rpc_handshake_timeout", "rpc_max_burst", "rpc_max_conns_per_client",
        "rpc_rate", "txn_max_req_len",
    ),
    "performance": (
        "leave_drain_time",
    ),
    "telemetry": (
        "circonus_api_app", "circonus_api_token", "circonus_api_url", "circonus_broker_id",
        "circonus_broker_select_tag", "circonus_check_display_name", "circonus_check_force_metric_activation",
        "circonus_check_id", "circonus_check_instance_id", "circonus_check_search_tag", "circonus_check_tags",
        "circonus_submission_interval", "circonus_submission_url",
    ),
    "ports": (
        "expose_max_port", "expose_min_port", "https", "proxy_max_port", "proxy_min_port", "serf_wan",
    ),
}  # fmt: skip
"""Keys by the section they stand in; the empty name is the outermost level."""

UNENFORCED: Final = frozenset(
    {
        "acl.tokens", "acl_agent_master_token", "acl_agent_token", "acl_master_token", "acl_replication_token",
        "acl_token", "auto_encrypt", "encrypt", "http_config", "unix_sockets", "verify_incoming_https",
    }
)  # fmt: skip
"""Those of them that somebody may take for protection: their warning is one of its own."""
