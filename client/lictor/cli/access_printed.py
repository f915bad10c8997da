"""Tokens and policies as `-format=json` prints them: members in the order of Consul's command."""

from __future__ import annotations

from typing import Self

import msgspec

from lictor.api.calls.acl_records import ListedToken
from lictor_core.acl.records import Link, NodeIdentity, Policy, ServiceIdentity, Token
from lictor_core.records import Record

__all__ = ["PolicyPrinted", "TokenPrinted"]


class TokenPrinted(Record, frozen=True, kw_only=True):
    """A token; without a secret one of a list, which tells instead whether its rules stand in itself."""

    create_index: int
    modify_index: int
    accessor_id: str = msgspec.field(name="AccessorID")
    secret_id: str = msgspec.field(name="SecretID", default="")
    description: str
    policies: tuple[Link, ...] = ()
    roles: tuple[Link, ...] = ()
    service_identities: tuple[ServiceIdentity, ...] = ()
    node_identities: tuple[NodeIdentity, ...] = ()
    local: bool
    auth_method: str = ""
    expiration_time: str = ""
    create_time: str
    hash: str | None
    legacy: bool | None = None
    rules: str = ""

    @classmethod
    def of(cls, token: Token | ListedToken) -> Self:
        """The same, to be printed."""
        whole = token if isinstance(token, Token) else None
        return cls(
            create_index=token.create_index,
            modify_index=token.modify_index,
            accessor_id=token.accessor_id,
            secret_id="" if whole is None else whole.secret_id,
            description=token.description,
            policies=token.policies or (),
            roles=token.roles or (),
            service_identities=token.service_identities or (),
            node_identities=token.node_identities or (),
            local=token.local,
            auth_method=token.auth_method,
            expiration_time=token.expiration_time,
            create_time=token.create_time,
            hash=token.hash,
            legacy=token.legacy if isinstance(token, ListedToken) else None,
            rules="" if whole is None else whole.rules,
        )


class PolicyPrinted(Record, frozen=True, kw_only=True):
    """A policy; without datacenters, which counts in all, these are null."""

    id: str = msgspec.field(name="ID")
    name: str
    description: str
    rules: str
    datacenters: tuple[str, ...] | None
    hash: str
    create_index: int
    modify_index: int

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """The same, to be printed."""
        return cls(
            id=policy.id,
            name=policy.name,
            description=policy.description,
            rules=policy.rules,
            datacenters=policy.datacenters or None,
            hash=policy.hash,
            create_index=policy.create_index,
            modify_index=policy.modify_index,
        )
