"""The HTTP connection manager of listeners: towards the application, towards upstreams, and for exposed paths.

Filters are always the same and do nothing until a route says so: rules, limits and faults come with the routes, whose
change disturbs no connection and takes hold with the next request of one that is kept alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from lictor_connect_proxy.xds.builders.rates import RATE_FILTER, idle_rate_filter
from lictor_connect_proxy.xds.builders.routes import FAULT_FILTER
from lictor_connect_proxy.xds.builders.tokens import tokens_by_reference
from lictor_connect_proxy.xds.forms import ADS, named_any
from lictor_connect_proxy.xds.requests import RBAC_FILTER, REASONS_FILTER
from lictor_core.records import JsonObject

__all__ = ["DENY_REASON", "Managed", "exposed_http", "inbound_http", "outbound_http"]

DENY_REASON: Final = "x-lictor-deny-reason"
"""The header of a refusal that names what refused."""
_MANAGER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_HTTP: Final = "envoy.extensions.filters.http"
_SHADOW: Final = f"%DYNAMIC_METADATA({RBAC_FILTER}:shadow_effective_policy_id)%"
_DENIED: Final = 403
_STRICT_PATHS: Final[JsonObject] = {
    "normalize_path": True,
    "merge_slashes": True,
    "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
}
"""A path has one form before rules look at it, and the application sees the same one."""


class Managed(msgspec.Struct, frozen=True, kw_only=True):
    """What all HTTP listeners need to be told: names, the protocol, logs, traces."""

    stat_prefix: str
    routes: str
    protocol: str
    access_log: Sequence[JsonObject] = ()
    tracing: JsonObject = {}


def inbound_http(managed: Managed, tokens: str) -> JsonObject:
    """Requests of the mesh to the application. Who asks is told to it in `x-forwarded-client-cert`.

    `tokens` names the extension that verifies tokens.
    """
    filters = [
        tokens_by_reference(tokens),
        named_any(REASONS_FILTER, f"{_HTTP}.rbac.v3.RBAC"),
        named_any(RBAC_FILTER, f"{_HTTP}.rbac.v3.RBAC"),
        named_any_of(RATE_FILTER, idle_rate_filter()),
    ]
    return _manager(
        managed,
        filters,
        **_STRICT_PATHS,
        forward_client_cert_details="SANITIZE_SET",
        set_current_client_cert_details={"subject": True, "uri": True},
        local_reply_config={"mappers": [_reason_mapper()]},
    )


def outbound_http(managed: Managed) -> JsonObject:
    """Requests of the application to an upstream."""
    return _manager(managed, [named_any(FAULT_FILTER, f"{_HTTP}.fault.v3.HTTPFault")])


def exposed_http(managed: Managed) -> JsonObject:
    """Requests from outside the mesh to paths that are exposed."""
    return _manager(managed, [], **_STRICT_PATHS)


def named_any_of(name: str, config: JsonObject) -> JsonObject:
    """An extension with a configuration that knows its kind already."""
    return {"name": name, "typed_config": config}


def _manager(managed: Managed, filters: Sequence[JsonObject], **fields: object) -> JsonObject:
    chain = [*filters, *_grpc(managed.protocol), named_any("envoy.filters.http.router", f"{_HTTP}.router.v3.Router")]
    found: JsonObject = {
        "stat_prefix": managed.stat_prefix,
        "codec_type": "AUTO",
        "rds": {"route_config_name": managed.routes, "config_source": ADS},
        "http_filters": chain,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        **fields,
    }
    if managed.protocol in ("http2", "grpc"):
        found["http2_protocol_options"] = {}
    if managed.access_log:
        found["access_log"] = list(managed.access_log)
    if managed.tracing:
        found["tracing"] = managed.tracing
    return named_any("envoy.filters.network.http_connection_manager", _MANAGER, **found)


def _grpc(protocol: str) -> list[JsonObject]:
    if protocol != "grpc":
        return []
    return [
        named_any("envoy.filters.http.grpc_http1_bridge", f"{_HTTP}.grpc_http1_bridge.v3.Config"),
        named_any(
            "envoy.filters.http.grpc_stats",
            f"{_HTTP}.grpc_stats.v3.FilterConfig",
            stats_for_all_methods=True,
        ),
    ]


def _reason_mapper() -> JsonObject:
    """What answers to a refusal get: the name that the shadow rules left behind."""
    by_rules: JsonObject = {
        "metadata_filter": {
            "matcher": {
                "filter": RBAC_FILTER,
                "path": [{"key": "shadow_engine_result"}],
                "value": {"string_match": {"exact": "denied"}},
            },
            "match_if_key_not_found": False,
        }
    }
    refused: JsonObject = {
        "status_code_filter": {
            "comparison": {"op": "EQ", "value": {"default_value": _DENIED, "runtime_key": "lictor.deny_status"}}
        }
    }
    header: JsonObject = {"header": {"key": DENY_REASON, "value": _SHADOW}}
    return {
        "filter": {"and_filter": {"filters": [refused, by_rules]}},
        "headers_to_add": [header | {"append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }
