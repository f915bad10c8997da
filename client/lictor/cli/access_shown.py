"""How commands print tokens, policies, roles, auth methods and binding rules: for people, and as JSON.

The layout is that of Consul 1.8.7's command, for scripts read it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from lictor.api.calls.acl_records import ListedAuthMethod, ListedPolicy, ListedToken
    from lictor_core.acl.records import (
        AuthMethod,
        BindingRule,
        Link,
        NodeIdentity,
        Policy,
        Role,
        ServiceIdentity,
        Token,
    )

__all__ = [
    "listed_methods",
    "listed_policies",
    "listed_roles",
    "listed_rules",
    "listed_tokens",
    "method_lines",
    "policy_json",
    "policy_lines",
    "role_lines",
    "rule_lines",
    "token_json",
    "token_lines",
]

Lines: TypeAlias = Iterator[str]

_WIDE: Final = 18
_NARROW: Final = 14
_METHOD: Final = 15
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_STEP: Final = "   "


def token_lines(token: Token, *, meta: bool) -> Lines:
    """One token."""
    yield _pair("AccessorID", token.accessor_id, _WIDE)
    yield _pair("SecretID", token.secret_id, _WIDE)
    yield from _token_rest(token, (), meta=meta)
    if token.rules:
        yield "Rules:"
        yield token.rules
    yield ""


def listed_tokens(tokens: Iterable[ListedToken], *, meta: bool) -> Lines:
    """Tokens in a list."""
    for token in tokens:
        yield _pair("AccessorID", token.accessor_id, _WIDE)
        yield from _token_rest(token, (_pair("Legacy", _truth(token.legacy), _WIDE),), meta=meta)
        yield ""


def policy_lines(policy: Policy, *, meta: bool) -> Lines:
    """One policy."""
    yield _pair("ID", policy.id, _NARROW)
    yield _pair("Name", policy.name, _NARROW)
    yield from _policy_rest(policy, "", meta=meta)
    yield "Rules:"
    yield policy.rules


def listed_policies(policies: Sequence[ListedPolicy], *, meta: bool) -> Lines:
    """Policies in a list."""
    for policy in policies:
        yield f"{policy.name}:"
        yield _STEP + _pair("ID", policy.id, _NARROW)
        yield from _policy_rest(policy, _STEP, meta=meta)
    if policies:
        yield ""


def role_lines(role: Role, *, meta: bool) -> Lines:
    """One role."""
    yield _pair("ID", role.id, _NARROW)
    yield _pair("Name", role.name, _NARROW)
    yield from _role_rest(role, "", meta=meta)
    yield ""


def listed_roles(roles: Sequence[Role], *, meta: bool) -> Lines:
    """Roles in a list."""
    for role in roles:
        yield f"{role.name}:"
        yield _STEP + _pair("ID", role.id, _NARROW)
        yield from _role_rest(role, _STEP, meta=meta)
    if roles:
        yield ""


def method_lines(method: AuthMethod, *, meta: bool) -> Lines:
    """One auth method."""
    yield _pair("Name", method.name, _METHOD)
    yield _pair("Type", method.type, _METHOD)
    if method.display_name:
        yield _pair("DisplayName", method.display_name, _METHOD)
    yield _pair("Description", method.description, _METHOD)
    if method.max_token_ttl:
        yield _pair("MaxTokenTTL", method.max_token_ttl, _METHOD)
    if method.token_locality:
        yield _pair("TokenLocality", method.token_locality, _METHOD)
    if meta:
        yield from _indexes(method.create_index, method.modify_index, "", _METHOD)
    yield "Config:"
    yield json.dumps(method.config, indent=2, sort_keys=True, ensure_ascii=False)


def listed_methods(methods: Sequence[ListedAuthMethod], *, meta: bool) -> Lines:
    """Auth methods in a list."""
    for method in methods:
        yield f"{method.name}:"
        yield _STEP + _pair("Type", method.type, _NARROW)
        if method.display_name:
            yield _STEP + _pair("DisplayName", method.display_name, _NARROW)
        yield _STEP + _pair("Description", method.description, _NARROW)
        if meta:
            yield from _indexes(method.create_index, method.modify_index, _STEP, _NARROW)
    if methods:
        yield ""


def rule_lines(rule: BindingRule, *, meta: bool) -> Lines:
    """One binding rule."""
    yield _pair("ID", rule.id, _NARROW)
    yield from _rule_rest(rule, "", meta=meta)
    yield ""


def listed_rules(rules: Sequence[BindingRule], *, meta: bool) -> Lines:
    """Binding rules in a list."""
    for rule in rules:
        yield f"{rule.id}:"
        yield from _rule_rest(rule, _STEP, meta=meta)
    if rules:
        yield ""


def token_json(token: Token | ListedToken) -> object:
    """A token with its members in the order of Consul's command; one of a list says whether its rules are its own."""
    from lictor.cli.access_printed import TokenPrinted

    return TokenPrinted.of(token)


def policy_json(policy: Policy) -> object:
    """A policy with its datacenters told in any case."""
    from lictor.cli.access_printed import PolicyPrinted

    return PolicyPrinted.of(policy)


def _token_rest(token: Token | ListedToken, behind: Sequence[str], *, meta: bool) -> Lines:
    yield _pair("Description", token.description, _WIDE)
    yield _pair("Local", _truth(token.local), _WIDE)
    if token.auth_method:
        yield _pair("Auth Method", token.auth_method, _WIDE)
    yield _pair("Create Time", _time(token.create_time), _WIDE)
    if token.expiration_time:
        yield _pair("Expiration Time", _time(token.expiration_time), _WIDE)
    yield from behind
    if meta:
        yield _pair("Hash", _hex(token.hash), _WIDE)
        yield from _indexes(token.create_index, token.modify_index, "", _WIDE)
    yield from _links("Policies", token.policies, "")
    yield from _links("Roles", token.roles, "")
    yield from _identities(token.service_identities, token.node_identities, "")


def _policy_rest(policy: Policy | ListedPolicy, margin: str, *, meta: bool) -> Lines:
    yield margin + _pair("Description", policy.description, _NARROW)
    yield margin + _pair("Datacenters", ", ".join(policy.datacenters or ()), _NARROW)
    if meta:
        yield margin + _pair("Hash", _hex(policy.hash), _NARROW)
        yield from _indexes(policy.create_index, policy.modify_index, margin, _NARROW)


def _role_rest(role: Role, margin: str, *, meta: bool) -> Lines:
    yield margin + _pair("Description", role.description, _NARROW)
    if meta:
        yield margin + _pair("Hash", _hex(role.hash), _NARROW)
        yield from _indexes(role.create_index, role.modify_index, margin, _NARROW)
    yield from _links("Policies", role.policies, margin)
    yield from _identities(role.service_identities, role.node_identities, margin)


def _rule_rest(rule: BindingRule, margin: str, *, meta: bool) -> Lines:
    pairs = (
        ("AuthMethod", rule.auth_method),
        ("Description", rule.description),
        ("BindType", rule.bind_type),
        ("BindName", rule.bind_name),
        ("Selector", rule.selector),
    )
    for name, value in pairs:
        yield margin + _pair(name, value, _NARROW)
    if meta:
        yield from _indexes(rule.create_index, rule.modify_index, margin, _NARROW)


def _links(name: str, links: Sequence[Link] | None, margin: str) -> Lines:
    if links:
        yield f"{margin}{name}:"
        for link in links:
            yield f"{margin}{_STEP}{link.id} - {link.name}"


def _identities(services: Sequence[ServiceIdentity] | None, nodes: Sequence[NodeIdentity] | None, margin: str) -> Lines:
    if services:
        yield f"{margin}Service Identities:"
        for service in services:
            yield f"{margin}{_STEP}{service.service_name} (Datacenters: {', '.join(service.datacenters) or 'all'})"
    if nodes:
        yield f"{margin}Node Identities:"
        for node in nodes:
            yield f"{margin}{_STEP}{node.node_name} (Datacenter: {node.datacenter})"


def _indexes(created: int, modified: int, margin: str, width: int) -> Lines:
    yield margin + _pair("Create Index", str(created), width)
    yield margin + _pair("Modify Index", str(modified), width)


def _pair(name: str, value: str, width: int) -> str:
    return f"{name + ':':<{width}}{value}"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _time(text: str) -> str:
    """A time of RFC 3339 as Go prints it; whatever cannot be read stays as it is."""
    found = _TIME.fullmatch(text)
    if found is None:
        return text
    zone = "+0000 UTC" if found[4] == "Z" else f"{(zone := found[4].replace(':', ''))} {zone}"
    return f"{found[1]} {found[2]}{found[3] or ''} {zone}"


def _hex(text: str | None) -> str:
    """A hash in hexadecimal digits; the API gives base64."""
    try:
        return base64.b64decode(text or "", validate=True).hex()
    except binascii.Error:
        return text or ""
