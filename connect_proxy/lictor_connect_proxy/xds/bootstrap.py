"""What an Envoy is started with: who it is, where its agent is, what it counts. Pure.

The form is that of Envoy's API v3; names, tags and the keys of the proxy's configuration are Consul's. Sources: Consul
1.8.7, `consul connect envoy -bootstrap`, and its document `docs/connect/proxies/envoy`, "Bootstrap Configuration" and
"Advanced Bootstrap Options".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from lictor_connect_proxy.xds.metrics import metrics_listeners, stats_config, stats_sinks, text_at
from lictor_connect_proxy.xds.template import filled
from lictor_core.codec import from_json
from lictor_core.errors import ConfigurationError, RequestError
from lictor_core.records import JsonObject

__all__ = ["AgentDoor", "BootstrapOptions", "bootstrap"]

T = TypeVar("T")

AGENT_CLUSTER: Final = "local_agent"
_ADMIN_CLUSTER: Final = "self_admin"
_TYPE: Final = "type.googleapis.com/"
_RE2_SIZE_MAX: Final = 1_048_576
"""Programs of regular expressions: a list of 1,000 names that are denied makes one of some tens of thousands."""
_CONNECTIONS_MAX: Final = 50_000
"""Of one Envoy, all listeners together; it warns at its start where nobody says how many."""
_NULL: Final = "/dev/null"


class AgentDoor(msgspec.Struct, frozen=True, kw_only=True):
    """Where the agent serves Envoys: a Unix socket `path`, or `host` (an IP address) and `port`.

    With `tls` its certificate must chain to `ca_pem`, and bear `server_name` if given; the client's certificate is that
    of the files, if given.
    """

    path: str = ""
    host: str = "127.0.0.1"
    port: int = 8502
    tls: bool = False
    ca_pem: str = ""
    server_name: str = ""
    client_cert: str = ""
    client_key: str = ""


class BootstrapOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which proxy it is and what its registration's `config` (merged with the cluster's) says of its start."""

    proxy_id: str
    cluster: str
    door: AgentDoor
    token: str = ""
    namespace: str = "default"
    envoy_version: str = ""
    admin_host: str = "127.0.0.1"
    admin_port: int = 19000
    admin_log: str = _NULL
    config: JsonObject = {}

    def __repr__(self) -> str:
        # A token must not reach a log or a traceback.
        return f"BootstrapOptions(proxy_id={self.proxy_id!r})"


def bootstrap(options: BootstrapOptions, environment: Mapping[str, str]) -> JsonObject:
    """The bootstrap configuration. It holds the token.

    Raises `ConfigurationError` naming the key of the configuration that cannot be used.
    """
    config = options.config
    template = text_at(config, "envoy_bootstrap_json_tpl")
    if template:
        return _read(filled(template, _variables(options, environment)), "envoy_bootstrap_json_tpl", JsonObject)
    listeners, needs_admin = metrics_listeners(config, _ADMIN_CLUSTER)
    clusters = [_agent_cluster(options.door), *([_admin_cluster(options)] if needs_admin else [])]
    made: JsonObject = {
        "admin": {"address": _address(options.admin_host, options.admin_port), **_admin_log(options.admin_log)},
        "node": {
            "id": options.proxy_id,
            "cluster": options.cluster,
            "metadata": {
                "namespace": options.namespace,
                **({"envoy_version": options.envoy_version} if options.envoy_version else {}),
            },
        },
        "static_resources": {
            "clusters": clusters + _extra(config, "envoy_extra_static_clusters_json"),
            "listeners": listeners + _extra(config, "envoy_extra_static_listeners_json"),
        },
        "dynamic_resources": _dynamic(options.token),
        "stats_config": _whole(config, "envoy_stats_config_json") or stats_config(config, options.cluster),
        "layered_runtime": {
            "layers": [{"name": "static_layer", "static_layer": {"re2.max_program_size.error_level": _RE2_SIZE_MAX}}]
        },
        "overload_manager": _overload(),
    }
    if sinks := stats_sinks(config, environment) + _extra(config, "envoy_extra_stats_sinks_json"):
        made["stats_sinks"] = sinks
    if interval := text_at(config, "envoy_stats_flush_interval"):
        made["stats_flush_interval"] = interval
    if tracing := _whole(config, "envoy_tracing_json"):
        made["tracing"] = tracing
    return made


def _dynamic(token: str) -> JsonObject:
    # No time-out of its own: who never had a configuration is not ready, whatever time it is.
    from_agent: JsonObject = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    service: JsonObject = {"envoy_grpc": {"cluster_name": AGENT_CLUSTER}}
    if token:
        service["initial_metadata"] = [{"key": "x-consul-token", "value": token}]
    return {
        "lds_config": from_agent,
        "cds_config": from_agent,
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": True,
            "grpc_services": [service],
        },
    }


def _agent_cluster(door: AgentDoor) -> JsonObject:
    address: JsonObject = {"pipe": {"path": door.path}} if door.path else _address(door.host, door.port)
    # An agent whose machine has gone is noticed; one that is away is dialed again by Envoy itself.
    http2: JsonObject = {} if door.path else {"connection_keepalive": {"interval": "30s", "timeout": "10s"}}
    cluster = _static_cluster(AGENT_CLUSTER, "1s", address, {"http2_protocol_options": http2})
    if door.tls:
        cluster["transport_socket"] = _tls(door)
    return cluster


def _tls(door: AgentDoor) -> JsonObject:
    if not door.ca_pem:
        raise ConfigurationError(
            "the agent's gRPC port speaks TLS, and nothing says whose certificate is right there: name the CA by "
            "-ca-file or -ca-path"
        )
    validation: JsonObject = {"trusted_ca": {"inline_string": door.ca_pem}}
    if door.server_name:
        matcher: JsonObject = {"san_type": "DNS", "matcher": {"exact": door.server_name}}
        validation["match_typed_subject_alt_names"] = [matcher]
    common: JsonObject = {"alpn_protocols": ["h2"], "validation_context": validation}
    if door.client_cert and door.client_key:
        common["tls_certificates"] = [
            {"certificate_chain": {"filename": door.client_cert}, "private_key": {"filename": door.client_key}}
        ]
    context: JsonObject = {
        "@type": f"{_TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": common,
        **({"sni": door.server_name} if door.server_name else {}),
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _admin_cluster(options: BootstrapOptions) -> JsonObject:
    address = _address(options.admin_host, options.admin_port)
    return _static_cluster(_ADMIN_CLUSTER, "5s", address, {"http_protocol_options": {}})


def _static_cluster(name: str, timeout: str, address: JsonObject, protocol: JsonObject) -> JsonObject:
    http: JsonObject = {
        "@type": f"{_TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": protocol,
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": timeout,
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def _address(host: str, port: int) -> JsonObject:
    return {"socket_address": {"address": host, "port_value": port}}


def _admin_log(path: str) -> JsonObject:
    if path in ("", _NULL):
        return {}
    typed: JsonObject = {"@type": f"{_TYPE}envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": path}
    return {"access_log": [{"name": "envoy.access_loggers.file", "typed_config": typed}]}


def _overload() -> JsonObject:
    typed: JsonObject = {
        "@type": f"{_TYPE}envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": _CONNECTIONS_MAX,
    }
    return {
        "resource_monitors": [
            {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": typed}
        ]
    }


def _extra(config: JsonObject, key: str) -> list[JsonObject]:
    """One object, or several with commas between them, as Consul takes them."""
    text = text_at(config, key)
    return _read(f"[{text}]", key, list[JsonObject]) if text.strip() else []


def _whole(config: JsonObject, key: str) -> JsonObject | None:
    text = text_at(config, key)
    return _read(text, key, JsonObject) if text.strip() else None


def _variables(options: BootstrapOptions, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of Consul's template, which fill in texts and pieces of JSON."""
    config, door = options.config, options.door
    listeners, needs_admin = metrics_listeners(config, _ADMIN_CLUSTER)
    clusters = [
        *([_admin_cluster(options)] if needs_admin else []),
        *_extra(config, "envoy_extra_static_clusters_json"),
    ]
    listeners = listeners + _extra(config, "envoy_extra_static_listeners_json")
    sinks = stats_sinks(config, environment) + _extra(config, "envoy_extra_stats_sinks_json")
    stats = _whole(config, "envoy_stats_config_json") or stats_config(config, options.cluster)
    return {
        "ProxyID": options.proxy_id,
        "ProxyCluster": options.cluster,
        "AgentAddress": door.host,
        "AgentPort": str(door.port),
        "AgentSocket": door.path,
        "AgentTLS": "true" if door.tls else "false",
        "AgentCAPEM": door.ca_pem.replace("\n", "\\n"),
        "AdminAccessLogPath": options.admin_log,
        "AdminBindAddress": options.admin_host,
        "AdminBindPort": str(options.admin_port),
        "LocalAgentClusterName": AGENT_CLUSTER,
        "Token": options.token,
        "Namespace": options.namespace,
        "EnvoyVersion": options.envoy_version,
        "StaticClustersJSON": _joined(clusters),
        "StaticListenersJSON": _joined(listeners),
        "StatsSinksJSON": _joined(sinks),
        "StatsConfigJSON": _json(stats),
        "StatsFlushInterval": text_at(config, "envoy_stats_flush_interval"),
        "TracingConfigJSON": text_at(config, "envoy_tracing_json"),
    }


def _joined(values: list[JsonObject]) -> str:
    return ",".join(_json(value) for value in values)


def _json(value: JsonObject) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str, key: str, kind: type[T]) -> T:
    try:
        return from_json(text.encode(), kind)
    except RequestError as error:
        raise ConfigurationError(f"{key} is no JSON that can be used: {error}; correct the proxy's config") from error
