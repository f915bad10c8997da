"""Ids, names, links and identities of access control: what they may be, in Consul 1.8.7's words where they may not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from lictor_core.acl.records import Link, NodeIdentity, ServiceIdentity
from lictor_core.errors import AclRefusedError
from lictor_server.state.acl_tables import AclTables

__all__ = [
    "IDENTITY_NAME_MAX",
    "LINKS_MAX",
    "checked_name",
    "is_identity_name",
    "is_node_name",
    "is_reserved",
    "is_uuid",
    "known_policies",
    "known_roles",
    "node_identities",
    "service_identities",
    "why_no_lookup",
]

LINKS_MAX: Final = 1024
"""Policies, roles, identities of a kind that one token or role may have: all are gone through to tell what it comes to.
"""
IDENTITY_NAME_MAX: Final = 256

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_UUID_CHARS: Final = 36
_RESERVED: Final = "00000000-0000-0000-0000-0000000000"
_NAME: Final = re.compile(r"[A-Za-z0-9\-_]+")
_IDENTITY: Final = re.compile(r"[a-z0-9]([a-z0-9\-_]*[a-z0-9])?")
_WORDS: Final = "Only alphanumeric characters, '-' and '_' are allowed"


def is_uuid(text: str) -> bool:
    """Whether `text` is an id."""
    return _UUID.fullmatch(text) is not None


def is_reserved(id: str) -> bool:
    """Whether only the servers themselves give such an id."""
    return id.startswith(_RESERVED)


def why_no_lookup(id: str, what: str) -> str:
    """Why nothing of the kind `what` can be looked for under `id`; empty when it can."""
    if is_uuid(id):
        return ""
    flaw = f"UUID must be {_UUID_CHARS} characters" if len(id) != _UUID_CHARS else "Invalid UUID"
    return f"failed acl {what} lookup: index error: {flaw}"


def checked_name(name: str, kind: str, chars_max: int) -> None:
    """Raise `AclRefusedError` for what cannot be the name of a `kind`, which is as it begins a message."""
    if not name:
        raise AclRefusedError(f"{kind}: no Name is set")
    if len(name) > chars_max or _NAME.fullmatch(name) is None:
        raise AclRefusedError(f"{kind}: invalid Name. {_WORDS}")


def is_identity_name(name: str) -> bool:
    """Whether a service can have an identity under this name."""
    return len(name) <= IDENTITY_NAME_MAX and _IDENTITY.fullmatch(name) is not None


is_node_name = is_identity_name
"""Whether a node can have an identity under this name: the same rule."""


def known_policies(acl: AclTables, links: Sequence[Link]) -> tuple[Link, ...]:
    """Links to policies by id, each once. Raises `AclRefusedError` for one that is not there."""
    _bounded(links, "policies")
    found: dict[str, Link] = {}
    for link in links:
        if link.id:
            if flaw := why_no_lookup(link.id, "policy"):
                raise AclRefusedError(f'Error looking up policy for id "{link.id}": {flaw}')
            policy = acl.policies.get(link.id)
            shown = f'ID "{link.id}"'
        else:
            policy, shown = acl.policies.named(link.name), f'name "{link.name}"'
        if policy is None:
            raise AclRefusedError(f"No such ACL policy with {shown}")
        found[policy.id] = Link(id=policy.id)
    return tuple(found.values())


def known_roles(acl: AclTables, links: Sequence[Link]) -> tuple[Link, ...]:
    """The same of roles."""
    _bounded(links, "roles")
    found: dict[str, Link] = {}
    for link in links:
        if link.id:
            if flaw := why_no_lookup(link.id, "role"):
                raise AclRefusedError(f'Error looking up role for id "{link.id}": {flaw}')
            role = acl.roles.get(link.id)
            shown = f'ID "{link.id}"'
        else:
            role, shown = acl.roles.named(link.name), f'name "{link.name}"'
        if role is None:
            raise AclRefusedError(f"No such ACL role with {shown}")
        found[role.id] = Link(id=role.id)
    return tuple(found.values())


def service_identities(given: Sequence[ServiceIdentity], holder: str, *, local: bool) -> tuple[ServiceIdentity, ...]:
    """The identities of services of a `holder` (token, role), each service once, with all its datacenters, by name."""
    _bounded(given, "service identities")
    found: dict[str, ServiceIdentity] = {}
    for one in given:
        name = one.service_name
        if not name:
            raise AclRefusedError(f"Service identity is missing the service name field on this {holder}")
        if local and one.datacenters:
            raise AclRefusedError(f'Service identity "{name}" cannot specify a list of datacenters on a local token')
        if not is_identity_name(name):
            raise AclRefusedError(f'Service identity "{name[:IDENTITY_NAME_MAX]}" has an invalid name. {_WORDS}')
        found[name] = _together(found.get(name), one)
    return tuple(found[name] for name in sorted(found))


def _together(known: ServiceIdentity | None, one: ServiceIdentity) -> ServiceIdentity:
    """What names no datacenter counts in all of them."""
    datacenters: Iterable[str] = one.datacenters
    if known is not None:
        datacenters = (*known.datacenters, *one.datacenters) if known.datacenters and one.datacenters else ()
    return ServiceIdentity(service_name=one.service_name, datacenters=tuple(dict.fromkeys(datacenters)))


def node_identities(given: Sequence[NodeIdentity], holder: str) -> tuple[NodeIdentity, ...]:
    """The identities of nodes of a `holder`, each once, by name."""
    _bounded(given, "node identities")
    for one in given:
        if not one.node_name:
            raise AclRefusedError(f"Node identity is missing the node name field on this {holder}")
        if not one.datacenter:
            raise AclRefusedError(f"Node identity is missing the datacenter field on this {holder}")
        if not is_node_name(one.node_name):
            raise AclRefusedError(f"Node identity has an invalid name. {_WORDS}")
    return tuple(sorted(dict.fromkeys(given), key=lambda one: (one.node_name, one.datacenter)))


def _bounded(given: Sequence[object], what: str) -> None:
    if len(given) > LINKS_MAX:
        raise AclRefusedError(f"{len(given)} {what} are too many for one token or role; at most {LINKS_MAX} are taken")
