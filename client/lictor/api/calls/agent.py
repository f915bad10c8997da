"""The agent itself: `/v1/agent`. Source: Consul's documents `api-docs/agent/*`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lictor.api.messages import Call, Request, Response, decoded, json_call, list_call, none_call
from lictor_core.records import (
    Check,
    Expose,
    JsonObject,
    Member,
    MeshGateway,
    Record,
    ServiceAddress,
    ServiceKind,
    Weights,
)

__all__ = [
    "AgentProxy",
    "AgentReload",
    "AgentService",
    "AgentUpstream",
    "LocalCheckOrigin",
    "LocalOrigin",
    "LocalRegistrations",
    "LocalServiceOrigin",
    "checks",
    "deregister_check",
    "deregister_service",
    "force_leave",
    "join",
    "leave",
    "local",
    "maintain_node",
    "maintain_service",
    "members",
    "register_check",
    "register_service",
    "reload",
    "self",
    "services",
    "update_check",
]


class AgentReload(Record, frozen=True, kw_only=True):
    """What a reload came to: keys that wait for a restart, and what could not be taken over."""

    needs_restart: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class LocalOrigin(Record, frozen=True, kw_only=True):
    """Where a registration came from: `origin` is `file`, `api` or `sidecar`, `place` a file's place or an address."""

    origin: str
    place: str
    time: str
    restored: bool
    kept: bool
    has_token: bool


class LocalServiceOrigin(LocalOrigin, frozen=True, kw_only=True):
    """The same of an instance; `sidecar_of` is the instance that a sidecar was registered with."""

    id: str = msgspec.field(name="ID")
    service: str
    sidecar_of: str
    sidecars: list[str]


class LocalCheckOrigin(LocalOrigin, frozen=True, kw_only=True):
    """The same of a check."""

    check_id: str = msgspec.field(name="CheckID")
    service_id: str = msgspec.field(name="ServiceID")
    status: str


class LocalRegistrations(Record, frozen=True, kw_only=True):
    """All of one agent, by id."""

    node: str
    services: dict[str, LocalServiceOrigin]
    checks: dict[str, LocalCheckOrigin]


class AgentUpstream(Record, frozen=True, kw_only=True):
    """An upstream as an agent shows it: unlike the catalog it leaves out what is empty."""

    destination_type: str = ""
    destination_namespace: str = ""
    destination_name: str = ""
    datacenter: str = ""
    local_bind_address: str = ""
    local_bind_port: int = 0
    config: JsonObject | None = None
    mesh_gateway: MeshGateway = MeshGateway()


class AgentProxy(Record, frozen=True, kw_only=True):
    """The settings of a proxy as an agent shows them."""

    destination_service_name: str = ""
    destination_service_id: str = msgspec.field(default="", name="DestinationServiceID")
    local_service_address: str = ""
    local_service_port: int = 0
    config: JsonObject | None = None
    upstreams: list[AgentUpstream] = msgspec.field(default_factory=list[AgentUpstream])
    mesh_gateway: MeshGateway = MeshGateway()
    expose: Expose = Expose()


class AgentService(Record, frozen=True, kw_only=True):
    """One instance as the agent that registered it shows it."""

    kind: ServiceKind = ServiceKind.TYPICAL
    id: str = msgspec.field(name="ID")
    service: str
    tags: list[str] | None
    meta: dict[str, str] | None
    port: int
    address: str
    tagged_addresses: dict[str, ServiceAddress] | None = None
    weights: Weights
    enable_tag_override: bool
    proxy: AgentProxy | None = None


def self() -> Call[JsonObject]:
    """What the agent tells of itself: configuration, statistics, member."""
    return json_call(JsonObject, "/v1/agent/self")


def members(*, wan: bool = False, segment: str = "") -> Call[list[Member]]:
    """The members of the cluster; with `wan` the servers of all datacenters."""
    return list_call(list[Member], "/v1/agent/members", None, ("wan", "1" if wan else ""), ("segment", segment))


def services() -> Call[dict[str, AgentService]]:
    """The instances registered with this agent, by id."""
    return json_call(dict[str, AgentService], "/v1/agent/services")


def local() -> Call[LocalRegistrations]:
    """What is registered with this agent, and where each came from."""
    return json_call(LocalRegistrations, "/v1/agent/local")


def checks() -> Call[dict[str, Check]]:
    """The checks registered with this agent, by id."""
    return json_call(dict[str, Check], "/v1/agent/checks")


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
