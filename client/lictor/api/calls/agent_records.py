"""What an agent tells of itself and of what is registered with it. Source: Consul's documents `api-docs/agent/*`."""

from __future__ import annotations

import msgspec

from lictor_core.records import (
    Check,
    Expose,
    JsonObject,
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
    "AgentServiceHealth",
    "AgentUpstream",
    "Authorization",
    "Leaf",
    "LocalCheckOrigin",
    "LocalOrigin",
    "LocalRegistrations",
    "LocalServiceOrigin",
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
    refused: str = ""


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
    local_bind_socket_path: str = ""
    local_bind_socket_mode: str = ""
    config: JsonObject | None = None
    mesh_gateway: MeshGateway = MeshGateway()


class AgentProxy(Record, frozen=True, kw_only=True):
    """The settings of a proxy as an agent shows them."""

    destination_service_name: str = ""
    destination_service_id: str = msgspec.field(default="", name="DestinationServiceID")
    local_service_address: str = ""
    local_service_port: int = 0
    local_service_socket_path: str = ""
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
    content_hash: str = ""
    """What to hand back to wait for a change of this instance; only where one instance is asked for."""


class AgentServiceHealth(Record, frozen=True, kw_only=True):
    """One instance of this agent, the worst status of its checks and of the node's, and the instance's checks."""

    aggregated_status: str
    service: AgentService | None
    checks: list[Check] | None


class Leaf(Record, frozen=True, kw_only=True):
    """The certificate by which instances of a service prove who they are, with its private key."""

    serial_number: str
    cert_pem: str = msgspec.field(name="CertPEM")
    private_key_pem: str = msgspec.field(name="PrivateKeyPEM")
    service: str = ""
    service_uri: str = msgspec.field(default="", name="ServiceURI")
    valid_after: str
    valid_before: str
    create_index: int
    modify_index: int

    def __repr__(self) -> str:
        return f"Leaf(service={self.service!r}, serial_number={self.serial_number!r})"


class Authorization(Record, frozen=True, kw_only=True):
    """Whether a connection is allowed, and why."""

    authorized: bool
    reason: str
