"""The bodies of `/v1/acl/*`: read, and made into records; the servers judge them. Pure.

Sources: Consul's documents `api-docs/acl/*`. What the registry gives itself (`Hash`, indexes, `CreateTime`) is read and
passed over: clients send things back as they got them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lictor_config.reading import Reader
from lictor_core.acl.records import AuthMethod, BindingRule, Link, NodeIdentity, Policy, Role, ServiceIdentity, Token
from lictor_core.acl.requests import LegacyWrite, Login
from lictor_core.durations import format_duration

__all__ = [
    "TokenDraft",
    "read_auth_method",
    "read_binding_rule",
    "read_clone",
    "read_legacy",
    "read_login",
    "read_policy",
    "read_role",
    "read_token",
]

TokenDraft = tuple[Token, float | None]
"""A token, and in how many seconds it ends; None where it says a time of its own, or none."""

_NO_TIME: Final = "0001-01-01T00:00:00Z"
"""A time that was never set, as Go writes it."""
_INDEXES: Final = ("CreateIndex", "ModifyIndex")


def read_token(reader: Reader) -> TokenDraft:
    """The token in a mapping, problems noted in the reader."""
    token = Token(
        accessor_id=reader.text("AccessorID"),
        secret_id=reader.text("SecretID"),
        description=reader.text("Description"),
        policies=_links(reader, "Policies"),
        roles=_links(reader, "Roles"),
        service_identities=_service_identities(reader),
        node_identities=_node_identities(reader),
        local=reader.boolean("Local"),
        auth_method=reader.text("AuthMethod"),
        expiration_time=_time(reader, "ExpirationTime"),
        create_time="",
        hash="",
        create_index=0,
        modify_index=0,
        rules=reader.text("Rules"),
    )
    ends_in_s = reader.duration("ExpirationTTL")
    _time(reader, "CreateTime")
    _pass_over(reader)
    return token, ends_in_s or None


def read_clone(reader: Reader) -> str:
    """The description of a copy."""
    return read_token(reader)[0].description


def read_policy(reader: Reader) -> Policy:
    """The policy in a mapping."""
    policy = Policy(
        id=reader.text("ID"),
        name=reader.text("Name"),
        description=reader.text("Description"),
        rules=reader.text("Rules"),
        datacenters=reader.texts("Datacenters"),
        hash="",
        create_index=0,
        modify_index=0,
    )
    _pass_over(reader)
    return policy


def read_role(reader: Reader) -> Role:
    """The role in a mapping."""
    role = Role(
        id=reader.text("ID"),
        name=reader.text("Name"),
        description=reader.text("Description"),
        policies=_links(reader, "Policies"),
        service_identities=_service_identities(reader),
        node_identities=_node_identities(reader),
        hash="",
        create_index=0,
        modify_index=0,
    )
    _pass_over(reader)
    return role


def read_auth_method(reader: Reader) -> AuthMethod:
    """The auth method in a mapping."""
    ttl_s = reader.duration("MaxTokenTTL")
    method = AuthMethod(
        name=reader.text("Name"),
        type=reader.text("Type"),
        display_name=reader.text("DisplayName"),
        description=reader.text("Description"),
        max_token_ttl=format_duration(ttl_s) if ttl_s else "",
        token_locality=reader.text("TokenLocality"),
        config=reader.free("Config") or {},
        create_index=0,
        modify_index=0,
    )
    _pass_over(reader)
    return method


def read_binding_rule(reader: Reader) -> BindingRule:
    """The binding rule in a mapping."""
    rule = BindingRule(
        id=reader.text("ID"),
        description=reader.text("Description"),
        auth_method=reader.text("AuthMethod"),
        selector=reader.text("Selector"),
        bind_type=reader.text("BindType"),
        bind_name=reader.text("BindName"),
        create_index=0,
        modify_index=0,
    )
    _pass_over(reader)
    return rule


def read_login(reader: Reader) -> Login:
    """Who logs in, by what."""
    login = Login(
        auth_method=reader.text("AuthMethod"),
        bearer_token=reader.text("BearerToken"),
        meta=reader.text_map("Meta"),
    )
    reader.done()
    return login


def read_legacy(reader: Reader, *, is_update: bool) -> LegacyWrite:
    """A token of the older API."""
    order = LegacyWrite(
        id=reader.text("ID"),
        name=reader.text("Name"),
        type=reader.text("Type"),
        rules=reader.text("Rules"),
        is_update=is_update,
    )
    _pass_over(reader)
    return order


def _links(reader: Reader, name: str) -> tuple[Link, ...]:
    found: list[Link] = []
    for child in reader.children(name):
        found.append(Link(id=child.text("ID"), name=child.text("Name")))
        child.done()
    return tuple(found)


def _service_identities(reader: Reader) -> tuple[ServiceIdentity, ...]:
    found: list[ServiceIdentity] = []
    for child in reader.children("ServiceIdentities"):
        found.append(ServiceIdentity(service_name=child.text("ServiceName"), datacenters=child.texts("Datacenters")))
        child.done()
    return tuple(found)


def _node_identities(reader: Reader) -> tuple[NodeIdentity, ...]:
    found: list[NodeIdentity] = []
    for child in reader.children("NodeIdentities"):
        found.append(NodeIdentity(node_name=child.text("NodeName"), datacenter=child.text("Datacenter")))
        child.done()
    return tuple(found)


def _time(reader: Reader, name: str) -> str:
    """A time as it was written; empty for one that was never set."""
    text = reader.text(name)
    if not text or text == _NO_TIME:
        return ""
    try:
        is_whole = datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        is_whole = False
    if not is_whole:
        reader.note(name, f"must be a time such as 2030-01-31T10:00:00Z, not {text[:40]!r}")
        return ""
    return text


def _pass_over(reader: Reader) -> None:
    """What the registry gives itself is read, and nothing else may be there."""
    reader.text("Hash")
    for name in _INDEXES:
        reader.integer(name)
    reader.done()
