"""How `/v1/acl/*` shows what is kept: lists are short, and not every member of a record is told. Pure.

Asked of Consul 1.8.7: lists of tokens have no secrets and no rules, those of policies no rules, those of auth
methods no settings. In the list of policies the datacenters are null where a policy counts in all; elsewhere they are
left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lictor_core.acl.records import MANAGEMENT_ID, AuthMethod, Policy, Token
from lictor_core.records import JsonObject, Record

__all__ = ["legacy_shown", "legacy_type", "listed_methods", "listed_policies", "listed_tokens", "token_shown"]

MANAGEMENT_NAME: Final = "global-management"
MANAGEMENT_TYPE: Final = "management"
CLIENT_TYPE: Final = "client"


def token_shown(token: Token) -> JsonObject:
    """One token, with its secret as the servers gave it."""
    return _linked(token, _without(token, "Type", "Legacy"))


def listed_tokens(tokens: Iterable[Token]) -> list[JsonObject]:
    """Tokens in a list; those whose rules stand in themselves say so."""
    return [
        _linked(
            token,
            {**_without(token, "SecretID", "Rules", "Type", "Legacy"), **({"Legacy": True} if token.rules else {})},
        )
        for token in tokens
    ]


def listed_policies(policies: Iterable[Policy]) -> list[JsonObject]:
    """Policies in a list."""
    return [{**_without(one, "Rules"), "Datacenters": list(one.datacenters) or None} for one in policies]


def listed_methods(methods: Iterable[AuthMethod]) -> list[JsonObject]:
    """Auth methods in a list."""
    return [_without(method, "Config", "MaxTokenTTL", "TokenLocality") for method in methods]


def legacy_shown(token: Token) -> JsonObject | None:
    """A token in the form of the older API; None for one that this cannot express."""
    kind = legacy_type(token)
    if not kind:
        return None
    return {
        "ID": token.secret_id,
        "Name": token.description,
        "Type": kind,
        "Rules": token.rules,
        "CreateIndex": token.create_index,
        "ModifyIndex": token.modify_index,
    }


def legacy_type(token: Token) -> str:
    """What the older API calls a token: `management`, `client`, or empty for one that it cannot express."""
    if token.type or token.rules:
        return token.type or CLIENT_TYPE
    return MANAGEMENT_TYPE if any(link.id == MANAGEMENT_ID for link in token.policies) else ""


def _linked(token: Token, shown: JsonObject) -> JsonObject:
    """A management token of the older API is shown with what it comes to, as if it were of today's."""
    if token.type != MANAGEMENT_TYPE:
        return shown
    return {**shown, "Policies": [{"ID": MANAGEMENT_ID, "Name": MANAGEMENT_NAME}]}


def _without(record: Record, *names: str) -> JsonObject:
    shown: JsonObject = msgspec.to_builtins(record)
    for name in names:
        shown.pop(name, None)
    return shown
