"""What is kept of access control, in the shape and with the JSON keys of Consul 1.8's API.

Names of policies and roles that a token links to are looked up when it is shown; what is kept is the id. Sources:
Consul's documents `api-docs/acl/*`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.records import JsonObject, Record

__all__ = [
    "ANONYMOUS_ID",
    "ANONYMOUS_SECRET",
    "MANAGEMENT_ID",
    "AuthMethod",
    "BindingRule",
    "Link",
    "NodeIdentity",
    "Policy",
    "Role",
    "ServiceIdentity",
    "Token",
]

ANONYMOUS_ID: Final = "00000000-0000-0000-0000-000000000002"
"""Accessor of the token of those who show none."""
ANONYMOUS_SECRET: Final = "anonymous"
MANAGEMENT_ID: Final = "00000000-0000-0000-0000-000000000001"
"""The policy that grants everything."""


class Link(Record, frozen=True, kw_only=True):
    """A policy or role, by id; the name as it is now where it is shown, empty where it is kept."""

    id: str = msgspec.field(name="ID")
    name: str = ""


class ServiceIdentity(Record, frozen=True, kw_only=True):
    """What a service of the mesh needs, in these datacenters; empty: in all."""

    service_name: str
    datacenters: tuple[str, ...] = ()


class NodeIdentity(Record, frozen=True, kw_only=True):
    """What an agent needs."""

    node_name: str
    datacenter: str


class Token(Record, frozen=True, kw_only=True):
    """A token: `secret_id` is what its bearer shows, `accessor_id` its name in public.

    Times are RFC 3339; `expiration_time` empty: never. `rules` and `type` are those of a token of the older API.
    """

    accessor_id: str = msgspec.field(name="AccessorID")
    secret_id: str = msgspec.field(name="SecretID")
    description: str
    policies: tuple[Link, ...] = ()
    roles: tuple[Link, ...] = ()
    service_identities: tuple[ServiceIdentity, ...] = ()
    node_identities: tuple[NodeIdentity, ...] = ()
    local: bool
    auth_method: str = ""
    expiration_time: str = ""
    create_time: str
    hash: str
    create_index: int
    modify_index: int
    legacy: bool = False
    type: str = ""
    rules: str = ""

    def __repr__(self) -> str:
        return f"Token(accessor_id={self.accessor_id!r}, secret_id=<hidden>)"


class Policy(Record, frozen=True, kw_only=True):
    """A named text of rules, in these datacenters; empty: in all. `hash` is of what it says, base64."""

    id: str = msgspec.field(name="ID")
    name: str
    description: str
    rules: str
    datacenters: tuple[str, ...] = ()
    hash: str
    create_index: int
    modify_index: int


class Role(Record, frozen=True, kw_only=True):
    """Policies and identities under one name."""

    id: str = msgspec.field(name="ID")
    name: str
    description: str
    policies: tuple[Link, ...] = ()
    service_identities: tuple[ServiceIdentity, ...] = ()
    node_identities: tuple[NodeIdentity, ...] = ()
    hash: str
    create_index: int
    modify_index: int


class AuthMethod(Record, frozen=True, kw_only=True):
    """Who else vouches for those that log in. `config` is of its `type`; `max_token_ttl` a duration."""

    name: str
    type: str
    display_name: str = ""
    description: str = ""
    max_token_ttl: str = msgspec.field(name="MaxTokenTTL", default="")
    token_locality: str = ""
    config: JsonObject
    create_index: int
    modify_index: int

    def __repr__(self) -> str:
        return f"AuthMethod(name={self.name!r}, type={self.type!r}, config=<hidden>)"


class BindingRule(Record, frozen=True, kw_only=True):
    """What they get who log in by `auth_method` and whom `selector` chooses: by `bind_type` service, node or role."""

    id: str = msgspec.field(name="ID")
    description: str
    auth_method: str
    selector: str
    bind_type: str
    bind_name: str
    create_index: int
    modify_index: int
