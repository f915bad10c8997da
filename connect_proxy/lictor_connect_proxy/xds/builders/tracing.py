"""Traces of requests: by OpenTelemetry where a proxy's configuration names a collector, or as it says by hand.

Keys: `envoy_listener_tracing_json`, which later Consul has, is put into every HTTP listener as it is; our own
`otlp_url` (`http://<ip or name>:<port>`, gRPC) makes a cluster and the provider, `otlp_sampling_percent` says of how
many requests that come without a decision.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from lictor_connect_proxy.xds.builders.clusters import protocol_options
from lictor_connect_proxy.xds.builders.settings import integer, parsed, text
from lictor_connect_proxy.xds.forms import lasting, named_any, socket_address
from lictor_core.records import JsonObject

__all__ = ["COLLECTOR", "collector_cluster", "tracing"]

COLLECTOR: Final = "otlp_collector"
_PORT: Final = 4317
_CONNECT_S: Final = 1.0
_EXPORT_S: Final = 1.0


def tracing(config: JsonObject, service: str, *, inbound: bool) -> JsonObject:
    """The tracing of an HTTP connection manager; empty for none."""
    by_hand = parsed(text(config, "envoy_listener_tracing_json"))
    if by_hand:
        by_hand.pop("@type", None)
        return by_hand
    if _collector(config) is None:
        return {}
    share = integer(config, "otlp_sampling_percent")
    provider = named_any(
        "envoy.tracers.opentelemetry",
        "envoy.config.trace.v3.OpenTelemetryConfig",
        service_name=service,
        grpc_service={"envoy_grpc": {"cluster_name": COLLECTOR}, "timeout": lasting(_EXPORT_S)},
    )
    return {
        "provider": provider,
        "random_sampling": {"value": float(min(100, 100 if share is None else share))},
        "spawn_upstream_span": not inbound,
    }


def collector_cluster(config: JsonObject) -> JsonObject | None:
    """The cluster of the collector; None where none is named."""
    where = _collector(config)
    if where is None or text(config, "envoy_listener_tracing_json"):
        return None
    endpoint: JsonObject = {"endpoint": {"address": socket_address(*where)}}
    return {
        "name": COLLECTOR,
        "type": "STRICT_DNS",
        "connect_timeout": lasting(_CONNECT_S),
        "load_assignment": {"cluster_name": COLLECTOR, "endpoints": [{"lb_endpoints": [endpoint]}]},
        **protocol_options("grpc"),
    }


def _collector(config: JsonObject) -> tuple[str, int] | None:
    try:
        url = urlsplit(text(config, "otlp_url"))
        port = url.port
    except ValueError:
        return None
    return (url.hostname, port or _PORT) if url.scheme == "http" and url.hostname else None
