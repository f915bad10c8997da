"""What lists of access control have of each thing: less than the thing itself. Sources: Consul's `api-docs/acl/*`."""

from __future__ import annotations

import msgspec

from lictor_core.acl.records import Link, NodeIdentity, ServiceIdentity
from lictor_core.records import Record

__all__ = ["AclReplication", "AclVerdict", "ListedAuthMethod", "ListedPolicy", "ListedToken"]


class ListedToken(Record, frozen=True, kw_only=True):
    """A token in a list: never its secret. `legacy`: its rules stand in itself."""

    accessor_id: str = msgspec.field(name="AccessorID")
    description: str
    policies: tuple[Link, ...] | None = None
    roles: tuple[Link, ...] | None = None
    service_identities: tuple[ServiceIdentity, ...] | None = None
    node_identities: tuple[NodeIdentity, ...] | None = None
    local: bool
    auth_method: str = ""
    expiration_time: str = ""
    create_time: str
    hash: str | None
    create_index: int
    modify_index: int
    legacy: bool = False


class ListedPolicy(Record, frozen=True, kw_only=True):
    """A policy in a list; without datacenters it counts in all."""

    id: str = msgspec.field(name="ID")
    name: str
    description: str
    datacenters: tuple[str, ...] | None
    hash: str | None
    create_index: int
    modify_index: int


class ListedAuthMethod(Record, frozen=True, kw_only=True):
    """An auth method in a list."""

    name: str
    type: str
    display_name: str = ""
    description: str = ""
    create_index: int
    modify_index: int


class AclReplication(Record, frozen=True, kw_only=True):
    """How tokens come from another datacenter. Times are RFC 3339, of the year 1 for never."""

    enabled: bool
    running: bool
    source_datacenter: str
    replication_type: str
    replicated_index: int
    replicated_role_index: int = 0
    replicated_token_index: int = 0
    last_success: str
    last_error: str


class AclVerdict(Record, frozen=True, kw_only=True):
    """What was asked, and whether the token may."""

    resource: str
    segment: str = ""
    access: str
    allow: bool
