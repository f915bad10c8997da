"""What a token comes to: the policies that count, and for how long that may be believed."""

from __future__ import annotations

import enum

import msgspec

from lictor_core.acl.rules import Rule

__all__ = ["DefaultPolicy", "GrantedPolicy", "Grants"]


class DefaultPolicy(enum.StrEnum):
    """What counts where no rule speaks. DISABLED: there is no access control, everybody may do everything."""

    ALLOW = "allow"
    DENY = "deny"
    DISABLED = "disabled"


class GrantedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Rules under the name that explanations give them; `is_management` grants all there is."""

    name: str
    rules: tuple[Rule, ...] = ()
    is_management: bool = False


class Grants(msgspec.Struct, frozen=True, kw_only=True):
    """A token as agents and servers judge by it: never the secret.

    `expires_at_s` is seconds since 1970, None for never. `ttl_s` is how long an agent may believe it without asking.
    """

    accessor_id: str
    description: str = ""
    policies: tuple[GrantedPolicy, ...] = ()
    default: DefaultPolicy
    expires_at_s: float | None = None
    ttl_s: float = 30.0
