"""Definitions as bodies of the HTTP API: what a file says, in the words of `/v1/agent/service/register`."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from lictor_config.checks import CheckDefinition
from lictor_config.definitions import ServiceDefinition
from lictor_core.durations import format_duration
from lictor_core.records import JsonObject

__all__ = ["check_body", "service_body"]

_CHECK_KEYS: Final = {
    "check_id": "CheckID",
    "name": "Name",
    "notes": "Notes",
    "status": "Status",
    "args": "Args",
    "http": "HTTP",
    "header": "Header",
    "method": "Method",
    "body": "Body",
    "tcp": "TCP",
    "grpc": "GRPC",
    "grpc_use_tls": "GRPCUseTLS",
    "tls_skip_verify": "TLSSkipVerify",
    "docker_container_id": "DockerContainerID",
    "shell": "Shell",
    "alias_node": "AliasNode",
    "alias_service": "AliasService",
    "success_before_passing": "SuccessBeforePassing",
    "failures_before_critical": "FailuresBeforeCritical",
    "output_max_size": "OutputMaxSize",
}
_CHECK_DURATIONS: Final = {
    "interval_s": "Interval",
    "timeout_s": "Timeout",
    "ttl_s": "TTL",
    "deregister_critical_service_after_s": "DeregisterCriticalServiceAfter",
}


def service_body(service: ServiceDefinition) -> JsonObject:
    """The body that registers `service`; what it leaves empty is left out. `parse_service` reads it back."""
    connect: JsonObject = {"Native": service.native} if service.native else {}
    if service.sidecar is not None:
        connect["SidecarService"] = service_body(service.sidecar)
    body: JsonObject = {
        "Kind": service.kind.value,
        "ID": service.id,
        "Name": service.name,
        "Tags": list(service.tags),
        "Address": service.address,
        "TaggedAddresses": _plain(service.tagged_addresses),
        "Meta": service.meta,
        "Port": service.port,
        "Weights": _plain(service.weights),
        "EnableTagOverride": service.enable_tag_override,
        "Token": service.token,
        "Checks": [check_body(check) for check in service.checks],
        "Connect": connect,
    }
    proxy = cast(JsonObject, _plain(service.proxy))
    if any(proxy.values()):
        body["Proxy"] = {key: value for key, value in proxy.items() if value}
    return {key: value for key, value in body.items() if value}


def check_body(check: CheckDefinition) -> JsonObject:
    """The body of one check inside a service."""
    fields = vars(check)
    body: JsonObject = {key: _plain(fields[name]) for name, key in _CHECK_KEYS.items() if fields[name]}
    durations = {key: fields[name] for name, key in _CHECK_DURATIONS.items() if fields[name]}
    return body | {key: format_duration(seconds) for key, seconds in durations.items()}


def _plain(value: object) -> object:
    """`value` in the types that JSON has; of tuples lists are made."""
    return cast(object, msgspec.json.decode(msgspec.json.encode(value)))
