"""Access control: what is sent and what is shown."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from lictor_core.acl.records import Link, NodeIdentity, ServiceIdentity
from lictor_core.records import JsonObject

__all__ = [
    "AclQuestion",
    "AclQuestions",
    "AclReplication",
    "AclVerdict",
    "AclVerdicts",
    "AuthMethodToSet",
    "BindingRuleToSet",
    "BootstrapToken",
    "LegacyToken",
    "LegacyTokenToSet",
    "LegacyTokens",
    "LinkToSet",
    "ListedAuthMethod",
    "ListedAuthMethods",
    "ListedPolicies",
    "ListedPolicy",
    "ListedToken",
    "ListedTokens",
    "LoginToDo",
    "NodeIdentityToSet",
    "PolicyToSet",
    "RoleToSet",
    "ServiceIdentityToSet",
    "TokenShown",
    "TokenToSet",
]


class LinkToSet(TypedDict, total=False):
    """A policy or role, by id or by name."""

    ID: str
    Name: str


class ServiceIdentityToSet(TypedDict, total=False):
    """What a service of the mesh needs; without datacenters in all of them."""

    ServiceName: str
    Datacenters: list[str] | None


class NodeIdentityToSet(TypedDict, total=False):
    """What an agent needs."""

    NodeName: str
    Datacenter: str


class TokenToSet(TypedDict, total=False):
    """A token. What the registry gives itself may be sent back with it."""

    AccessorID: str
    SecretID: str
    Description: str
    Policies: list[LinkToSet] | None
    Roles: list[LinkToSet] | None
    ServiceIdentities: list[ServiceIdentityToSet] | None
    NodeIdentities: list[NodeIdentityToSet] | None
    Local: bool
    AuthMethod: str
    ExpirationTTL: str | int
    ExpirationTime: str | None
    CreateTime: str
    Rules: str
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class PolicyToSet(TypedDict, total=False):
    """A policy; its rules are HCL or JSON."""

    ID: str
    Name: str
    Description: str
    Rules: str
    Datacenters: list[str] | None
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class RoleToSet(TypedDict, total=False):
    """A role."""

    ID: str
    Name: str
    Description: str
    Policies: list[LinkToSet] | None
    ServiceIdentities: list[ServiceIdentityToSet] | None
    NodeIdentities: list[NodeIdentityToSet] | None
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class AuthMethodToSet(TypedDict, total=False):
    """An auth method; its settings are of its type."""

    Name: str
    Type: str
    DisplayName: str
    Description: str
    MaxTokenTTL: str | int
    TokenLocality: str
    Config: JsonObject | None
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class BindingRuleToSet(TypedDict, total=False):
    """A binding rule."""

    ID: str
    Description: str
    AuthMethod: str
    Selector: str
    BindType: str
    BindName: str
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class LoginToDo(TypedDict, total=False):
    """Who logs in."""

    AuthMethod: str
    BearerToken: str
    Meta: dict[str, str] | None


class LegacyTokenToSet(TypedDict, total=False):
    """A token of the older API; its id is its secret."""

    ID: str
    Name: str
    Type: str
    Rules: str
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class AclQuestion(TypedDict, total=False):
    """Something that the caller would do."""

    Resource: str
    Segment: str
    Access: str


AclQuestions: TypeAlias = list[AclQuestion] | None


class _TokenBase(TypedDict):
    AccessorID: str
    Description: str
    Local: bool
    CreateTime: str
    Hash: str | None
    CreateIndex: int
    ModifyIndex: int


class _TokenRest(_TokenBase, total=False):
    Policies: list[Link]
    Roles: list[Link]
    ServiceIdentities: list[ServiceIdentity]
    NodeIdentities: list[NodeIdentity]
    AuthMethod: str
    ExpirationTime: str


class _Secret(TypedDict):
    SecretID: str


class _Rules(TypedDict, total=False):
    Rules: str


class TokenShown(_TokenRest, _Secret, _Rules):
    """A token; the secret is `<hidden>` for who may only read."""


class _Id(TypedDict):
    ID: str


class BootstrapToken(_TokenRest, _Secret, _Rules, _Id):
    """The first token; its id is its secret."""


class _Legacy(TypedDict, total=False):
    Legacy: bool


class ListedToken(_TokenRest, _Legacy):
    """A token in a list."""


ListedTokens: TypeAlias = list[ListedToken]


class ListedPolicy(TypedDict):
    """A policy in a list."""

    ID: str
    Name: str
    Description: str
    Datacenters: list[str] | None
    Hash: str
    CreateIndex: int
    ModifyIndex: int


ListedPolicies: TypeAlias = list[ListedPolicy]


class _MethodBase(TypedDict):
    Name: str
    Type: str
    CreateIndex: int
    ModifyIndex: int


class ListedAuthMethod(_MethodBase, total=False):
    """An auth method in a list."""

    DisplayName: str
    Description: str


ListedAuthMethods: TypeAlias = list[ListedAuthMethod]


class LegacyToken(TypedDict):
    """A token in the form of the older API."""

    ID: str
    Name: str
    Type: str
    Rules: str
    CreateIndex: int
    ModifyIndex: int


LegacyTokens: TypeAlias = list[LegacyToken]


class _VerdictBase(TypedDict):
    Resource: str
    Access: str
    Allow: bool


class AclVerdict(_VerdictBase, total=False):
    """What was asked, and whether the caller may."""

    Segment: str


AclVerdicts: TypeAlias = list[AclVerdict]


class AclReplication(TypedDict):
    """How tokens come from another datacenter."""

    Enabled: Literal[False]
    Running: Literal[False]
    SourceDatacenter: str
    ReplicationType: str
    ReplicatedIndex: int
    ReplicatedRoleIndex: int
    ReplicatedTokenIndex: int
    LastSuccess: str
    LastError: str
