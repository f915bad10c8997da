"""Records of access control for tests, with all that a leader would have settled."""

from __future__ import annotations

import uuid

from lictor_core.acl.records import AuthMethod, BindingRule, Link, NodeIdentity, Policy, Role, ServiceIdentity, Token
from lictor_core.records import JsonObject

__all__ = ["auth_method", "binding_rule", "id_of", "links", "policy", "role", "token"]


def id_of(name: str) -> str:
    """An id for what a test calls `name`."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def links(*names: str) -> tuple[Link, ...]:
    """Links to what tests call so, as they are kept."""
    return tuple(Link(id=id_of(name)) for name in names)


def policy(name: str, rules: str = "", *, id: str = "", datacenters: tuple[str, ...] = ()) -> Policy:
    """A policy whose id follows from its name in lower case."""
    return Policy(
        id=id or id_of(name.lower()),
        name=name,
        description="",
        rules=rules,
        datacenters=datacenters,
        hash="aGFzaA==",
        create_index=0,
        modify_index=0,
    )


def role(name: str, *policies: str, id: str = "", services: tuple[ServiceIdentity, ...] = ()) -> Role:
    """A role with these policies."""
    return Role(
        id=id or id_of(name.lower()),
        name=name,
        description="",
        policies=links(*policies),
        service_identities=services,
        hash="aGFzaA==",
        create_index=0,
        modify_index=0,
    )


def token(
    name: str,
    *policies: str,
    secret: str = "",
    roles: tuple[str, ...] = (),
    services: tuple[ServiceIdentity, ...] = (),
    nodes: tuple[NodeIdentity, ...] = (),
    method: str = "",
    expires: str = "",
    description: str = "",
    local: bool = False,
) -> Token:
    """A token whose accessor follows from `name`; without `secret` so does that, and is called `secret of NAME`."""
    return Token(
        accessor_id=id_of(name),
        secret_id=secret or id_of(f"secret of {name}"),
        description=description,
        policies=links(*policies),
        roles=links(*roles),
        service_identities=services,
        node_identities=nodes,
        local=local or bool(method),
        auth_method=method,
        expiration_time=expires,
        create_time="2026-01-02T03:04:05.000006Z",
        hash="aGFzaA==",
        create_index=0,
        modify_index=0,
    )


def auth_method(name: str, *, type: str = "jwt", config: JsonObject | None = None, max_ttl: str = "") -> AuthMethod:
    """An auth method that nobody tries."""
    return AuthMethod(name=name, type=type, config=config or {}, max_token_ttl=max_ttl, create_index=0, modify_index=0)


def binding_rule(
    name: str, method: str, *, selector: str = "", bind_type: str = "service", bind_name: str = "web"
) -> BindingRule:
    """A binding rule whose id follows from `name`."""
    return BindingRule(
        id=id_of(name),
        description="",
        auth_method=method,
        selector=selector,
        bind_type=bind_type,
        bind_name=bind_name,
        create_index=0,
        modify_index=0,
    )
