"""What is asked of the leader to change access control: one call, `acl`, with one of these, each with its answer.

Ids and names that may be left empty are filled in by the leader. Sources: Consul's documents `api-docs/acl/*`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.acl.explained import AclExplanation
from lictor_core.acl.records import AuthMethod, BindingRule, Policy, Role, Token
from lictor_core.acl.rules import Access, Resource
from lictor_core.hiding import Bearing, shown_without

__all__ = [
    "ACL",
    "RESOLVE",
    "AclAnswer",
    "AclOrder",
    "AclRequest",
    "AuthMethodDelete",
    "AuthMethodWrite",
    "BindingRuleDelete",
    "BindingRuleWrite",
    "Bootstrap",
    "Explain",
    "LegacyDelete",
    "LegacyWrite",
    "Login",
    "Logout",
    "PolicyDelete",
    "PolicyWrite",
    "RoleDelete",
    "RoleWrite",
    "TokenClone",
    "TokenDelete",
    "TokenWrite",
]

ACL: Final = "acl"
"""The call: from an `AclRequest` to an `AclAnswer`."""
RESOLVE: Final = "resolve_token"
"""The call: from a secret to core's `Grants`."""


class _Order(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="order", forbid_unknown_fields=True):
    """Base; the class name is the tag on the wire."""


class Bootstrap(_Order, frozen=True, kw_only=True):
    """The first token of a cluster, which may do everything. Answer: the `Token`."""


class TokenWrite(_Order, frozen=True, kw_only=True):
    """Create a token (empty or unknown accessor, `is_update` False) or replace what one says.

    `expires_in_s` counts from now, None for a token that gives a time of its own or never ends. Answer: the `Token`.
    """

    token: Token
    is_update: bool
    expires_in_s: float | None = None


class TokenClone(_Order, frozen=True, kw_only=True):
    """A token like this one. Answer: the `Token`."""

    accessor_id: str
    description: str = ""


class TokenDelete(_Order, frozen=True, kw_only=True):
    """Answer: True."""

    accessor_id: str


class PolicyWrite(_Order, frozen=True, kw_only=True):
    """Answer: the `Policy`."""

    policy: Policy
    is_update: bool


class PolicyDelete(_Order, frozen=True, kw_only=True):
    """Answer: True."""

    id: str


class RoleWrite(_Order, frozen=True, kw_only=True):
    """Answer: the `Role`."""

    role: Role
    is_update: bool


class RoleDelete(_Order, frozen=True, kw_only=True):
    """Answer: True."""

    id: str


class AuthMethodWrite(_Order, frozen=True, kw_only=True):
    """Answer: the `AuthMethod`."""

    method: AuthMethod
    is_update: bool


class AuthMethodDelete(_Order, frozen=True, kw_only=True):
    """With all tokens and binding rules of it. Answer: True."""

    name: str


class BindingRuleWrite(_Order, frozen=True, kw_only=True):
    """Answer: the `BindingRule`."""

    rule: BindingRule
    is_update: bool


class BindingRuleDelete(_Order, frozen=True, kw_only=True):
    """Answer: True."""

    id: str


class Login(_Order, frozen=True, kw_only=True):
    """A token for who shows `bearer_token` to an auth method. Needs no token. Answer: the `Token`."""

    auth_method: str
    bearer_token: str
    meta: dict[str, str] = {}

    def __repr__(self) -> str:
        return shown_without(self, "bearer_token")


class Logout(_Order, frozen=True, kw_only=True):
    """Destroy the token that the caller shows, which must come of a login. Answer: True."""


class LegacyWrite(_Order, frozen=True, kw_only=True):
    """Create or replace a token of the older API: `id` is its secret. Answer: the `Token`."""

    id: str = ""
    name: str = ""
    type: str = ""
    rules: str = ""
    is_update: bool = False

    def __repr__(self) -> str:
        return f"LegacyWrite(id=<hidden>, name={self.name!r}, type={self.type!r})"


class LegacyDelete(_Order, frozen=True, kw_only=True):
    """Destroy a token of the older API by its secret. Answer: True."""

    id: str

    def __repr__(self) -> str:
        return shown_without(self, "id")


class Explain(_Order, frozen=True, kw_only=True):
    """Why the token of this accessor may do something, or not: it changes nothing, and needs acl:read alone.

    Answer: the `AclExplanation`.
    """

    accessor_id: str
    resource: Resource
    name: str = ""
    access: Access


AclOrder = (
    Bootstrap
    | TokenWrite
    | TokenClone
    | TokenDelete
    | PolicyWrite
    | PolicyDelete
    | RoleWrite
    | RoleDelete
    | AuthMethodWrite
    | AuthMethodDelete
    | BindingRuleWrite
    | BindingRuleDelete
    | Login
    | Logout
    | LegacyWrite
    | LegacyDelete
    | Explain
)
"""Whatever can be asked."""


class AclRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`acl`: what is asked, and the secret of who asks."""

    order: AclOrder


class AclAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of these is there, or none where nothing more is to be told than that it was done."""

    token: Token | None = None
    policy: Policy | None = None
    role: Role | None = None
    method: AuthMethod | None = None
    rule: BindingRule | None = None
    explanation: AclExplanation | None = None
