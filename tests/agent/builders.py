"""Records and local state for tests of the agent's own side."""

from __future__ import annotations

from lictor_agent.identity import Identity
from lictor_agent.local import LocalCheck, LocalService
from lictor_config.definitions import CheckDefinition
from lictor_core.records import (
    CRITICAL,
    Check,
    Connect,
    Expose,
    MeshGateway,
    Node,
    Proxy,
    Service,
    Weights,
)
from lictor_core.records import CheckDefinition as CatalogCheckDefinition

__all__ = ["NODE", "NODE_ID", "check", "identity", "local_check", "local_service", "node", "service"]

NODE = "judge"
NODE_ID = "6f0c5a4e-0b63-4b0e-9a0e-2f1d6a3c8b11"


def identity(**changes: object) -> Identity:
    """An agent on loopback."""
    values: dict[str, object] = {
        "node_name": NODE,
        "node_id": NODE_ID,
        "datacenter": "dc1",
        "domain": "consul",
        "bind_address": "127.0.0.1",
        "advertise_address": "127.0.0.1",
        "client_addresses": ("127.0.0.1",),
        "http_port": 8500,
        "dns_port": 8600,
        "grpc_port": 8502,
        "server_port": 8300,
        "server": True,
    }
    return Identity(**{**values, **changes})  # type: ignore[arg-type]  # a test names fields that exist


def node(**changes: object) -> Node:
    """This agent's node."""
    return identity(**changes).node()


def service(id: str = "web", *, name: str = "", tags: tuple[str, ...] = (), port: int = 80, **more: bool) -> Service:
    """An instance."""
    return Service(
        id=id,
        service=name or id,
        tags=list(tags),
        address="",
        meta=None,
        port=port,
        weights=Weights(passing=1, warning=1),
        enable_tag_override=more.get("enable_tag_override", False),
        proxy=Proxy(mesh_gateway=MeshGateway(), expose=Expose()),
        connect=Connect(),
        create_index=0,
        modify_index=0,
    )


def check(id: str = "alive", *, service_id: str = "", status: str = CRITICAL, output: str = "") -> Check:
    """A check of the node, or of an instance."""
    return Check(
        node=NODE,
        check_id=id,
        name=id,
        status=status,
        notes="",
        output=output,
        service_id=service_id,
        service_name=service_id,
        service_tags=[],
        type="ttl",
        definition=CatalogCheckDefinition(),
        create_index=0,
        modify_index=0,
    )


def local_service(id: str = "web", *, sidecar_of: str = "", tags: tuple[str, ...] = ()) -> LocalService:
    """An instance on this agent."""
    return LocalService(service=service(id, tags=tags), sidecar_of=sidecar_of)


def local_check(
    id: str = "alive",
    *,
    service_id: str = "",
    status: str = CRITICAL,
    output: str = "",
    definition: CheckDefinition | None = None,
) -> LocalCheck:
    """A check on this agent."""
    return LocalCheck(check=check(id, service_id=service_id, status=status, output=output), definition=definition)
