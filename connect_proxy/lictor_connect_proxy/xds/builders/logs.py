"""Access logs, as proxy-defaults ask for them: of each request or connection, and of connections that got nowhere."""

from __future__ import annotations

import json
from typing import Final, cast

import msgspec

from lictor_connect_proxy.xds.builders.settings import mapping
from lictor_connect_proxy.xds.forms import named_any
from lictor_core.entries.traffic import AccessLogs
from lictor_core.records import JsonObject

__all__ = ["access_logs", "listener_logs"]

_STREAMS: Final = "envoy.extensions.access_loggers.stream.v3"
_FILES: Final = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
_FIELDS: Final[JsonObject] = {
    "start_time": "%START_TIME%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "downstream_transport_failure_reason": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "downstream_peer_uri_san": "%DOWNSTREAM_PEER_URI_SAN%",
}
"""Our own choice where no format is given: what tells who asked whom, and why it came to nothing."""


def access_logs(config: JsonObject) -> list[JsonObject]:
    """The logs of requests, or of connections where nothing looks at requests."""
    wanted = _wanted(config)
    return [] if wanted is None else [_logger(wanted)]


def listener_logs(config: JsonObject) -> list[JsonObject]:
    """The logs of connections that no filter chain was for, or whose TLS failed."""
    wanted = _wanted(config)
    if wanted is None or wanted.disable_listener_logs:
        return []
    return [_logger(wanted) | {"filter": {"response_flag_filter": {"flags": ["NR"]}}}]


def _wanted(config: JsonObject) -> AccessLogs | None:
    try:
        found = msgspec.convert(mapping(config, "access_logs"), AccessLogs)
    except msgspec.ValidationError:
        return None
    return found if found.enabled else None


def _logger(wanted: AccessLogs) -> JsonObject:
    log_format = _format(wanted)
    if wanted.type == "file":
        return named_any("envoy.access_loggers.file", _FILES, path=wanted.path, log_format=log_format)
    if wanted.type == "stderr":
        return named_any("envoy.access_loggers.stderr", f"{_STREAMS}.StderrAccessLog", log_format=log_format)
    return named_any("envoy.access_loggers.stdout", f"{_STREAMS}.StdoutAccessLog", log_format=log_format)


def _format(wanted: AccessLogs) -> JsonObject:
    if wanted.text_format:
        text = wanted.text_format if wanted.text_format.endswith("\n") else f"{wanted.text_format}\n"
        return {"text_format_source": {"inline_string": text}}
    try:
        found: object = json.loads(wanted.json_format) if wanted.json_format else None
    except (ValueError, RecursionError):
        found = None
    return {"json_format": cast(JsonObject, found) if isinstance(found, dict) else _FIELDS}
