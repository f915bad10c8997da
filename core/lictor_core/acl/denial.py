"""How a judgement is told: the one text of denials, for answers, logs and explanations alike. Pure; never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from lictor_core.acl.granted import DefaultPolicy
from lictor_core.acl.records import ANONYMOUS_ID
from lictor_core.acl.rules import Access, Resource

if TYPE_CHECKING:
    from lictor_core.acl.authorizer import Judgement

__all__ = ["DENIED", "NAME_SHOWN_MAX", "denial", "permission", "reason"]

DENIED: Final = "Permission denied"
"""How every denial begins: Consul's words, that clients look for."""
_RULE_SHOWN_MAX: Final = 256
NAME_SHOWN_MAX: Final = 128
"""How many characters of a name a denial repeats."""


def permission(resource: Resource, name: str, access: Access) -> str:
    """What is needed: `'service:write' on "web"`; the last part for what has names."""
    needed = f"'{resource}:{access.word}'"
    return f"{needed} on {_quoted(name)}" if resource.is_named else needed


def denial(judgement: Judgement) -> str:
    """Why something is refused, in one line."""
    return f"{DENIED}: {_who(judgement.accessor_id)} lacks permission {_needed(judgement)}; {reason(judgement)}"


def reason(judgement: Judgement) -> str:
    """What decided: the nearest rule and where it stands, or the default policy."""
    if judgement.rule is not None:
        return f"nearest rule: {_line(judgement.rule.shown)} of policy {_quoted(judgement.policy)}"
    policies = ", ".join(_quoted(name) for name in judgement.policies) or "none"
    default = f'the default is "{judgement.default}"'
    if judgement.resource is Resource.ACL and judgement.default is DefaultPolicy.ALLOW:
        default += ", which leaves out access control itself"
    return f"no rule speaks of it (policies: {policies}) and {default}"


def _needed(judgement: Judgement) -> str:
    needed = permission(judgement.resource, judgement.name, judgement.access)
    return f"{needed} and all below it" if judgement.is_below else needed


def _who(accessor_id: str) -> str:
    if accessor_id == ANONYMOUS_ID:
        return f"no token was sent, nor is one set as the agent's default, and the anonymous one ('{accessor_id}')"
    return f"token with AccessorID '{accessor_id}'"


def _line(rule: str) -> str:
    shown = rule if len(rule) <= _RULE_SHOWN_MAX else rule[:_RULE_SHOWN_MAX] + "..."
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode()


def _quoted(name: str) -> str:
    shown = name if len(name) <= NAME_SHOWN_MAX else name[:NAME_SHOWN_MAX] + "..."
    return json.dumps(shown, ensure_ascii=not shown.isprintable())
