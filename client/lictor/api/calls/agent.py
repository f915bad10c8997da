"""The agent itself: `/v1/agent`. Source: Consul's documents `api-docs/agent/*`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lictor.api.calls.agent_records import (
    AgentProxy,
    AgentReload,
    AgentService,
    AgentServiceHealth,
    AgentUpstream,
    Authorization,
    Leaf,
    LocalCheckOrigin,
    LocalOrigin,
    LocalRegistrations,
    LocalServiceOrigin,
)
from lictor.api.messages import Call, Options, Request, Response, decoded, decoded_list, json_call, list_call, none_call
from lictor_core.proxy_status import ProxyStatus, XdsOffer
from lictor_core.records import CARoots, Check, JsonObject, Member

__all__ = [
    "AgentProxy",
    "AgentReload",
    "AgentService",
    "AgentServiceHealth",
    "AgentUpstream",
    "Authorization",
    "Leaf",
    "LocalCheckOrigin",
    "LocalOrigin",
    "LocalRegistrations",
    "LocalServiceOrigin",
    "authorize",
    "checks",
    "deregister_check",
    "deregister_service",
    "fail_check",
    "force_leave",
    "health_by_id",
    "health_by_name",
    "host",
    "join",
    "leaf",
    "leave",
    "local",
    "maintain_node",
    "maintain_service",
    "members",
    "metrics",
    "pass_check",
    "proxies",
    "register_check",
    "register_service",
    "reload",
    "roots",
    "self",
    "service",
    "services",
    "set_token",
    "update_check",
    "warn_check",
    "xds",
]

_NOT_FOUND: Final = 404
_UNWELL: Final = (404, 429, 503)
"""How an agent says by its status that an instance is not there, warns, or is critical."""


def self() -> Call[JsonObject]:
    """What the agent tells of itself: configuration, statistics, member."""
    return json_call(JsonObject, "/v1/agent/self")


def members(*, wan: bool = False, segment: str = "") -> Call[list[Member]]:
    """The members of the cluster; with `wan` the servers of all datacenters."""
    return list_call(list[Member], "/v1/agent/members", None, ("wan", "1" if wan else ""), ("segment", segment))


def host() -> Call[JsonObject]:
    """What the agent's machine has: processors, memory, disk."""
    return json_call(JsonObject, "/v1/agent/host")


def metrics() -> Call[JsonObject]:
    """The agent's counters and gauges."""
    return json_call(JsonObject, "/v1/agent/metrics")


def services(*, filter: str = "") -> Call[dict[str, AgentService]]:
    """The instances registered with this agent, by id."""
    return json_call(dict[str, AgentService], "/v1/agent/services", None, ("filter", filter))


def service(service_id: str, options: Options | None = None) -> Call[AgentService | None]:
    """One instance of this agent; None when there is none. Waits by a hash of it, not by an index."""
    found = json_call(AgentService, f"/v1/agent/service/{service_id}", options)

    def read(response: Response) -> AgentService | None:
        return None if response.status == _NOT_FOUND else found.read(response)

    return Call(request=found.request, read=read)


def health_by_name(name: str) -> Call[list[AgentServiceHealth]]:
    """How the instances of a service are that this agent has; empty where it has none."""
    path = f"/v1/agent/health/service/name/{name}"

    def read(response: Response) -> list[AgentServiceHealth]:
        response.check(*_UNWELL)
        return decoded_list(response, list[AgentServiceHealth])

    return Call(request=Request(method="GET", path=path), read=read)


def health_by_id(service_id: str) -> Call[AgentServiceHealth]:
    """How one instance of this agent is: critical, and without `service`, when there is none."""
    path = f"/v1/agent/health/service/id/{service_id}"

    def read(response: Response) -> AgentServiceHealth:
        response.check(*_UNWELL)
        return decoded(response, AgentServiceHealth)

    return Call(request=Request(method="GET", path=path), read=read)


def local() -> Call[LocalRegistrations]:
    """What is registered with this agent, and where each came from."""
    return json_call(LocalRegistrations, "/v1/agent/local")


def checks(*, filter: str = "") -> Call[dict[str, Check]]:
    """The checks registered with this agent, by id."""
    return json_call(dict[str, Check], "/v1/agent/checks", None, ("filter", filter))


def register_service(definition: Mapping[str, object], *, replace_existing_checks: bool = False) -> Call[None]:
    """Register an instance; the definition has the keys of Consul's API."""
    replace = ("replace-existing-checks", "1" if replace_existing_checks else "")
    return none_call("PUT", "/v1/agent/service/register", replace, body=dict(definition))


def deregister_service(service_id: str) -> Call[None]:
    """Remove an instance from this agent."""
    return none_call("PUT", f"/v1/agent/service/deregister/{service_id}")


def register_check(definition: Mapping[str, object]) -> Call[None]:
    """Register a check; the definition has the keys of Consul's API."""
    return none_call("PUT", "/v1/agent/check/register", body=dict(definition))


def deregister_check(check_id: str) -> Call[None]:
    """Remove a check from this agent."""
    return none_call("PUT", f"/v1/agent/check/deregister/{check_id}")


def update_check(check_id: str, status: str, output: str = "") -> Call[None]:
    """Say how a TTL check is: passing, warning or critical."""
    return none_call("PUT", f"/v1/agent/check/update/{check_id}", body={"Status": status, "Output": output})


def pass_check(check_id: str, note: str = "") -> Call[None]:
    """Say that a TTL check passes."""
    return none_call("PUT", f"/v1/agent/check/pass/{check_id}", ("note", note))


def warn_check(check_id: str, note: str = "") -> Call[None]:
    """Say that a TTL check warns."""
    return none_call("PUT", f"/v1/agent/check/warn/{check_id}", ("note", note))


def fail_check(check_id: str, note: str = "") -> Call[None]:
    """Say that a TTL check is critical."""
    return none_call("PUT", f"/v1/agent/check/fail/{check_id}", ("note", note))


def maintain_node(enable: bool, reason: str = "") -> Call[None]:
    """Take this node out of service, or put it back."""
    flag = ("enable", "true" if enable else "false")
    return none_call("PUT", "/v1/agent/maintenance", flag, ("reason", reason))


def maintain_service(service_id: str, enable: bool, reason: str = "") -> Call[None]:
    """Take one instance out of service, or put it back."""
    flag = ("enable", "true" if enable else "false")
    return none_call("PUT", f"/v1/agent/service/maintenance/{service_id}", flag, ("reason", reason))


def join(address: str, *, wan: bool = False) -> Call[None]:
    """Make the agent look for servers at an address."""
    return none_call("PUT", f"/v1/agent/join/{address}", ("wan", "1" if wan else ""))


def force_leave(node: str, *, prune: bool = False) -> Call[None]:
    """Declare a failed member gone; with `prune` it is forgotten."""
    return none_call("PUT", f"/v1/agent/force-leave/{node}", ("prune", "1" if prune else ""))


def reload() -> Call[AgentReload]:
    """Make the agent read its configuration again."""

    def read(response: Response) -> AgentReload:
        response.check()
        return decoded(response, AgentReload) if response.body.strip() not in (b"", b"null") else AgentReload()

    return Call(request=Request(method="PUT", path="/v1/agent/reload"), read=read)


def leave() -> Call[None]:
    """Make the agent leave the cluster and end."""
    return none_call("PUT", "/v1/agent/leave")


def set_token(kind: str, token: str) -> Call[None]:
    """Give the agent another token: of the kind `default`, `agent`, `agent_master` or `replication`."""
    return none_call("PUT", f"/v1/agent/token/{kind}", body={"Token": token})


def roots(options: Options | None = None) -> Call[CARoots]:
    """The roots that leaves may chain to, as this agent keeps them."""
    return json_call(CARoots, "/v1/agent/connect/ca/roots", options)


def leaf(service: str, options: Options | None = None) -> Call[Leaf]:
    """The certificate and key of a service. Who watches it has each new one in time."""
    return json_call(Leaf, f"/v1/agent/connect/ca/leaf/{service}", options)


def authorize(target: str, client_uri: str, client_serial: str = "") -> Call[Authorization]:
    """May the holder of a certificate, by its SPIFFE id and serial number, connect to the service `target`?"""
    body = {"Target": target, "ClientCertURI": client_uri, "ClientCertSerial": client_serial}
    return json_call(Authorization, "/v1/agent/connect/authorize", None, method="POST", body=body)


def proxies() -> Call[list[ProxyStatus]]:
    """The proxies of this agent, as they told of themselves lately. Consul has no such thing."""
    return list_call(list[ProxyStatus], "/v1/agent/connect/proxies")


def xds() -> Call[XdsOffer]:
    """Where the agent serves Envoys. Consul has no such thing."""
    return json_call(XdsOffer, "/v1/agent/connect/xds", None)
