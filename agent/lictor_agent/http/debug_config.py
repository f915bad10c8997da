"""`DebugConfig` of `/v1/agent/self`: the configuration under Consul's names, without what is secret.

Source: what `/v1/agent/self` of Consul 1.8.7 shows. Keys that Lictor does not know are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, cast

from lictor_agent.identity import Identity
from lictor_config.sections import Gossip
from lictor_config.tree import Configuration
from lictor_core.addresses import join_host_port
from lictor_core.durations import format_duration
from lictor_core.records import JsonObject

__all__ = ["debug_configuration"]

HIDDEN: Final = "hidden"
"""What stands for a secret, whether there is one or not."""
_ENDLESS: Final = 1.7976931348623157e308
"""The largest number of Go's, which Consul shows for a rate without a bound."""


def debug_configuration(configuration: Configuration, identity: Identity) -> JsonObject:
    """All of it, in the order of the alphabet as Consul has it."""
    parts = (
        _who(configuration, identity),
        _where(configuration, identity),
        _acl(configuration),
        _checks(configuration),
        _cluster(configuration),
        _coordinates(configuration),
        _dns(configuration),
        _gossip("LAN", configuration.gossip_lan),
        _gossip("WAN", configuration.gossip_wan),
        _limits(configuration),
        _logs_and_metrics(configuration),
        _mesh(configuration),
        _tls(configuration),
    )
    merged = {name: value for part in parts for name, value in part.items()}
    return {name: merged[name] for name in sorted(merged)}


def _who(configuration: Configuration, identity: Identity) -> JsonObject:
    return {
        "DataDir": configuration.data_dir,
        "Datacenter": identity.datacenter,
        "DevMode": configuration.dev,
        "DisableHostNodeID": configuration.disable_host_node_id,
        "DisableHTTPUnprintableCharFilter": configuration.disable_http_unprintable_char_filter,
        "DiscoveryMaxStale": format_duration(configuration.discovery_max_stale_s),
        "DisableRemoteExec": configuration.disable_remote_exec,
        "EnableDebug": configuration.enable_debug,
        "EnableUI": configuration.ui,
        "NodeID": identity.node_id,
        "NodeMeta": configuration.node_meta,
        "NodeName": identity.node_name,
        "PidFile": configuration.pid_file,
        "PrimaryDatacenter": configuration.primary_datacenter or identity.datacenter,
        "Revision": "",
        "ServerMode": identity.server,
        "SessionTTLMin": format_duration(configuration.session_ttl_min_s),
        "TaggedAddresses": identity.node().tagged_addresses,
        "Version": identity.compatible_version,
        "VersionPrerelease": "",
    }


def _where(configuration: Configuration, identity: Identity) -> JsonObject:
    ports, addresses = configuration.ports, configuration.addresses
    return {
        "AdvertiseAddrLAN": identity.advertise_address,
        "AdvertiseAddrWAN": configuration.advertise_addr_wan or identity.advertise_address,
        "AllowWriteHTTPFrom": list(configuration.http.allow_write_http_from),
        "BindAddr": identity.bind_address,
        "ClientAddrs": list(identity.client_addresses),
        "DNSAddrs": _addresses(addresses.dns, ports.dns, "tcp", "udp"),
        "DNSPort": identity.dns_port,
        "DefaultQueryTime": format_duration(configuration.default_query_time_s),
        "ExposeMaxPort": ports.expose_max_port,
        "ExposeMinPort": ports.expose_min_port,
        "GRPCAddrs": _addresses(addresses.grpc, ports.grpc, "tcp"),
        "GRPCPort": identity.grpc_port,
        "HTTPAddrs": _addresses(addresses.http, ports.http, "tcp"),
        "HTTPBlockEndpoints": list(configuration.http.block_endpoints),
        "HTTPPort": identity.http_port,
        "HTTPResponseHeaders": configuration.http.response_headers,
        "HTTPSAddrs": _addresses(addresses.https, ports.https, "tcp"),
        "HTTPSPort": ports.https,
        "HTTPUseCache": configuration.http.use_cache,
        "MaxQueryTime": format_duration(configuration.max_query_time_s),
        "RPCAdvertiseAddr": f"tcp://{join_host_port(identity.advertise_address, identity.server_port)}",
        "RPCBindAddr": f"tcp://{join_host_port(identity.bind_address, identity.server_port)}",
        "SerfPortLAN": ports.serf_lan,
        "SerfPortWAN": ports.serf_wan,
        "ServerPort": identity.server_port,
        "TranslateWANAddrs": configuration.translate_wan_addrs,
        "UnixSocketGroup": configuration.unix_sockets.group,
        "UnixSocketMode": configuration.unix_sockets.mode,
        "UnixSocketUser": configuration.unix_sockets.user,
    }


def _acl(configuration: Configuration) -> JsonObject:
    acl = configuration.acl
    return {
        "ACLAgentMasterToken": HIDDEN,
        "ACLAgentToken": HIDDEN,
        "ACLDatacenter": configuration.primary_datacenter or configuration.datacenter,
        "ACLDefaultPolicy": acl.default_policy,
        "ACLDownPolicy": acl.down_policy,
        "ACLEnableKeyListPolicy": acl.enable_key_list_policy,
        "ACLEnableTokenPersistence": acl.enable_token_persistence,
        "ACLMasterToken": HIDDEN,
        "ACLPolicyTTL": format_duration(acl.policy_ttl_s),
        "ACLReplicationToken": HIDDEN,
        "ACLRoleTTL": format_duration(acl.role_ttl_s),
        "ACLToken": HIDDEN,
        "ACLTokenReplication": acl.enable_token_replication,
        "ACLTokenTTL": format_duration(acl.token_ttl_s),
        "ACLsEnabled": acl.enabled,
    }


def _checks(configuration: Configuration) -> JsonObject:
    return {
        "AEInterval": format_duration(configuration.ae_interval_s),
        "CheckDeregisterIntervalMin": format_duration(configuration.check_deregister_interval_min_s),
        "CheckOutputMaxSize": configuration.check_output_max_size,
        "CheckReapInterval": format_duration(configuration.check_reap_interval_s),
        "CheckUpdateInterval": format_duration(configuration.check_update_interval_s),
        "DiscardCheckOutput": configuration.discard_check_output,
        "EnableLocalScriptChecks": configuration.enable_local_script_checks,
        "EnableRemoteScriptChecks": configuration.enable_script_checks,
        "Watches": [_without_tokens(watch) for watch in configuration.watches],
    }


def _cluster(configuration: Configuration) -> JsonObject:
    autopilot, join, performance = configuration.autopilot, configuration.join, configuration.performance
    return {
        "AutopilotCleanupDeadServers": autopilot.cleanup_dead_servers,
        "AutopilotDisableUpgradeMigration": autopilot.disable_upgrade_migration,
        "AutopilotLastContactThreshold": format_duration(autopilot.last_contact_threshold_s),
        "AutopilotMaxTrailingLogs": autopilot.max_trailing_logs,
        "AutopilotMinQuorum": autopilot.min_quorum,
        "AutopilotRedundancyZoneTag": autopilot.redundancy_zone_tag,
        "AutopilotServerStabilizationTime": format_duration(autopilot.server_stabilization_time_s),
        "AutopilotUpgradeVersionTag": autopilot.upgrade_version_tag,
        "Bootstrap": configuration.bootstrap,
        "BootstrapExpect": configuration.bootstrap_expect,
        "LeaveDrainTime": format_duration(performance.leave_drain_time_s),
        "LeaveOnTerm": configuration.leave_on_terminate,
        "RPCHoldTimeout": format_duration(performance.rpc_hold_timeout_s),
        "RaftTrailingLogs": performance.raft_trailing_logs,
        "ReconnectTimeoutLAN": format_duration(configuration.reconnect_timeout_s),
        "ReconnectTimeoutWAN": format_duration(configuration.reconnect_timeout_wan_s),
        "RejoinAfterLeave": configuration.rejoin_after_leave,
        "RetryJoinIntervalLAN": format_duration(join.retry_interval_s),
        "RetryJoinLAN": list(join.retry),
        "RetryJoinMaxAttemptsLAN": join.retry_max,
        "SkipLeaveOnInt": configuration.skip_leave_on_interrupt,
        "StartJoinAddrsLAN": list(join.at_start),
    }


def _coordinates(configuration: Configuration) -> JsonObject:
    given = configuration.coordinates
    return {
        "ConsulCoordinateUpdateBatchSize": given.update_batch_size,
        "ConsulCoordinateUpdateMaxBatches": given.update_max_batches,
        "ConsulCoordinateUpdatePeriod": format_duration(given.update_period_s),
        "DisableCoordinates": given.disabled,
        "SyncCoordinateIntervalMin": format_duration(given.interval_min_s),
        "SyncCoordinateRateTarget": given.rate_target,
    }


def _dns(configuration: Configuration) -> JsonObject:
    dns = configuration.dns
    return {
        "DNSARecordLimit": dns.a_record_limit,
        "DNSAllowStale": dns.allow_stale,
        "DNSAltDomain": f"{configuration.alt_domain}." if configuration.alt_domain else "",
        "DNSCacheMaxAge": format_duration(dns.cache_max_age_s),
        "DNSDisableCompression": dns.disable_compression,
        "DNSDomain": f"{configuration.domain}.",
        "DNSEnableTruncate": dns.enable_truncate,
        "DNSMaxStale": format_duration(dns.max_stale_s),
        "DNSNodeMetaTXT": dns.enable_additional_node_meta_txt,
        "DNSNodeTTL": format_duration(dns.node_ttl_s),
        "DNSOnlyPassing": dns.only_passing,
        "DNSRecursorTimeout": format_duration(dns.recursor_timeout_s),
        "DNSRecursors": list(dns.recursors),
        "DNSSOA": {
            "Expire": dns.soa.expire,
            "Minttl": dns.soa.min_ttl,
            "Refresh": dns.soa.refresh,
            "Retry": dns.soa.retry,
        },
        "DNSServiceTTL": {name: format_duration(seconds) for name, seconds in dns.service_ttl_s.items()},
        "DNSUDPAnswerLimit": dns.udp_answer_limit,
        "DNSUseCache": dns.use_cache,
    }


def _gossip(area: str, given: Gossip) -> JsonObject:
    return {
        f"Gossip{area}GossipInterval": format_duration(given.gossip_interval_s),
        f"Gossip{area}GossipNodes": given.gossip_nodes,
        f"Gossip{area}ProbeInterval": format_duration(given.probe_interval_s),
        f"Gossip{area}ProbeTimeout": format_duration(given.probe_timeout_s),
        f"Gossip{area}RetransmitMult": given.retransmit_mult,
        f"Gossip{area}SuspicionMult": given.suspicion_mult,
    }


def _limits(configuration: Configuration) -> JsonObject:
    limits, cache = configuration.limits, configuration.cache
    return {
        "Cache": {
            "EntryFetchMaxBurst": cache.entry_fetch_max_burst,
            "EntryFetchRate": _ENDLESS if math.isinf(cache.entry_fetch_rate) else cache.entry_fetch_rate,
        },
        "HTTPMaxConnsPerClient": limits.http_max_conns_per_client,
        "HTTPSHandshakeTimeout": format_duration(limits.https_handshake_timeout_s),
        "KVMaxValueSize": limits.kv_max_value_size,
        "RPCHandshakeTimeout": format_duration(limits.rpc_handshake_timeout_s),
        "RPCMaxBurst": limits.rpc_max_burst,
        "RPCMaxConnsPerClient": limits.rpc_max_conns_per_client,
        "RPCRateLimit": -1 if math.isinf(limits.rpc_rate) else limits.rpc_rate,
        "TxnMaxReqLen": limits.txn_max_req_len,
    }


def _logs_and_metrics(configuration: Configuration) -> JsonObject:
    log, telemetry = configuration.log, configuration.telemetry
    return {
        "Logging": {
            "EnableSyslog": log.syslog,
            "LogFilePath": log.file,
            "LogJSON": log.json,
            "LogLevel": log.level.upper(),
            "LogRotateBytes": log.rotate_bytes,
            "LogRotateDuration": format_duration(log.rotate_duration_s),
            "LogRotateMaxFiles": log.rotate_max_files,
            "SyslogFacility": log.syslog_facility,
        },
        "Telemetry": {
            "AllowedPrefixes": list(telemetry.allowed_prefixes),
            "BlockedPrefixes": list(telemetry.blocked_prefixes),
            "DisableHostname": telemetry.disable_hostname,
            "DogstatsdAddr": telemetry.dogstatsd_addr,
            "DogstatsdTags": list(telemetry.dogstatsd_tags),
            "FilterDefault": telemetry.filter_default,
            "MetricsPrefix": telemetry.metrics_prefix,
            "PrometheusRetentionTime": format_duration(telemetry.prometheus_retention_time_s),
            "StatsdAddr": telemetry.statsd_address,
            "StatsiteAddr": telemetry.statsite_address,
        },
    }


def _mesh(configuration: Configuration) -> JsonObject:
    connect, ports = configuration.connect, configuration.ports
    return {
        "ConfigEntryBootstrap": [
            {"Kind": one.kind, "Name": one.name, **one.body} for one in configuration.first_entries
        ],
        "EnableCentralServiceConfig": configuration.enable_central_service_config,
        "ConnectCAProvider": connect.ca_provider,
        "ConnectEnabled": connect.enabled,
        "ConnectSidecarMaxPort": ports.sidecar_max_port,
        "ConnectSidecarMinPort": ports.sidecar_min_port,
        "DisableKeyringFile": configuration.encrypt.disable_keyring_file,
        "EncryptKey": HIDDEN,
        "EncryptVerifyIncoming": configuration.encrypt.verify_incoming,
        "EncryptVerifyOutgoing": configuration.encrypt.verify_outgoing,
    }


def _tls(configuration: Configuration) -> JsonObject:
    rpc, https, auto = configuration.tls.internal_rpc, configuration.tls.https, configuration.auto_encrypt
    return {
        "AutoEncryptAllowTLS": auto.allow_tls,
        "AutoEncryptDNSSAN": list(auto.dns_san),
        "AutoEncryptIPSAN": list(auto.ip_san),
        "AutoEncryptTLS": auto.tls,
        "CAFile": rpc.ca_file,
        "CAPath": rpc.ca_path,
        "CertFile": rpc.cert_file,
        "KeyFile": HIDDEN,
        "ServerName": configuration.tls.server_name,
        "TLSCipherSuites": [name for name in rpc.cipher_suites.split(",") if name],
        "TLSMinVersion": rpc.min_version or "tls12",
        "TLSPreferServerCipherSuites": configuration.tls.prefer_server_cipher_suites,
        "VerifyIncoming": rpc.verify_incoming and https.verify_incoming,
        "VerifyIncomingHTTPS": https.verify_incoming,
        "VerifyIncomingRPC": rpc.verify_incoming,
        "VerifyOutgoing": rpc.verify_outgoing,
        "VerifyServerHostname": rpc.verify_server_hostname,
    }


def _addresses(hosts: tuple[str, ...], port: int, *schemes: str) -> list[str]:
    if port < 0:
        return []
    return [
        host if host.startswith("unix://") else f"{scheme}://{join_host_port(host, port)}"
        for host in hosts
        for scheme in schemes
    ]


def _without_tokens(value: Mapping[str, object]) -> JsonObject:
    """A watch as it was written, what may be secret in it hidden: tokens, and headers of handlers."""
    return {name: _shown(name, one) for name, one in value.items()}


def _shown(name: str, value: object) -> object:
    if name.lower() in ("token", "header"):
        return HIDDEN
    if isinstance(value, list):  # a block may be written as a list of one
        return [_shown(name, one) for one in cast("list[object]", value)]
    return _without_tokens(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else value
