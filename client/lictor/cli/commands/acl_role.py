"""`lictor acl role`: create, read, update, delete, list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from lictor.api.calls import acl
from lictor.cli.access import (
    META,
    NODE_IDENTITY,
    POLICY_ID,
    POLICY_NAME,
    SERVICE_IDENTITY,
    Kind,
    doing,
    linked,
    merged,
    node_identities,
    policy_id,
    print_one,
    role_id,
    service_identities,
    taking,
)
from lictor.cli.access_shown import listed_roles, role_lines
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option
from lictor.cli.formats import Format, format_option
from lictor_core.acl.records import Role
from lictor_core.records import JsonObject

__all__ = ["role"]

F = TypeVar("F", bound=Callable[..., object])

_ID = option("-id", "The role's id, or enough of its first digits.", metavar="id")
_NAME = option("-name", "The role's name.", metavar="name")
_DESCRIPTION = option("-description", "What it is for.", metavar="text")
_ROLES = Kind[Role](
    "role",
    role_id,
    by_id=lambda api, id: api.send(acl.role(id, api.options())),
    by_name=lambda api, name: api.send(acl.role_named(name, api.options())),
)

role = GoGroup(
    "role",
    help="Make and change roles: policies and identities under one name, that tokens link to.",
    examples=(
        ("lictor acl role create -name=ops -policy-name=operating", "a role of a policy"),
        ("lictor acl role update -id=57147 -service-identity=web", "what a service needs, too"),
    ),
)


@role.command("create", cls=ApiCommand, examples=("lictor acl role create -name=ops -policy-name=operating",))
@_DESCRIPTION
@format_option
@META
@_NAME
@taking(POLICY_ID, POLICY_NAME, SERVICE_IDENTITY, NODE_IDENTITY)
@pass_api
def create(
    api: Api,
    args: tuple[str, ...],
    description: str,
    format: Format,
    meta: bool,
    name: str,
    policy_id: tuple[str, ...],
    policy_name: tuple[str, ...],
    service_identity: tuple[str, ...],
    node_identity: tuple[str, ...],
) -> None:
    """Make a role."""
    refuse_arguments(args)
    if not name:
        raise CommandError("-name is needed: what the role is called")
    if not any((policy_id, policy_name, service_identity, node_identity)):
        raise CommandError(
            "a role needs something that it may: -policy-name, -policy-id, -service-identity or -node-identity"
        )
    body = _given(api, policy_id, policy_name, service_identity, node_identity)
    with doing(api, "making the role"):
        made = api.send(acl.create_role({"Name": name, "Description": description, **body}, dc=api.datacenter))
    print_one(made, role_lines(made, meta=meta), format)


@role.command("read", cls=ApiCommand, examples=("lictor acl role read -name=ops",))
@format_option
@_ID
@META
@_NAME
@pass_api
def read(api: Api, args: tuple[str, ...], format: Format, id: str, meta: bool, name: str) -> None:
    """Show a role."""
    refuse_arguments(args)
    found = _ROLES.found(api, id, name)
    print_one(found, role_lines(found, meta=meta), format)


@role.command("update", cls=ApiCommand, examples=("lictor acl role update -id=57147 -service-identity=web",))
@_DESCRIPTION
@format_option
@_ID
@META
@option("-name", "The new name.", metavar="name")
@flag("-no-merge", "Keep nothing of what it said.")
@taking(POLICY_ID, POLICY_NAME, SERVICE_IDENTITY, NODE_IDENTITY)
@pass_api
def update(
    api: Api,
    args: tuple[str, ...],
    description: str,
    format: Format,
    id: str,
    meta: bool,
    name: str,
    no_merge: bool,
    policy_id: tuple[str, ...],
    policy_name: tuple[str, ...],
    service_identity: tuple[str, ...],
    node_identity: tuple[str, ...],
) -> None:
    """Change a role; who has it may what it says now. What it has stays, unless -no-merge is given."""
    refuse_arguments(args)
    if not id:
        raise CommandError("-id is needed: the role's id, or its first digits")
    former = _ROLES.found(api, id, "")
    new = _given(api, policy_id, policy_name, service_identity, node_identity)
    old: JsonObject = {} if no_merge else msgspec.to_builtins(former)
    keys = {"Policies": ("ID", "Name"), "ServiceIdentities": ("ServiceName",), "NodeIdentities": ("NodeName",)}
    body: JsonObject = {key: merged(old.get(key), new[key], *by) for key, by in keys.items()}
    body["Name"] = name if name or no_merge else former.name
    body["Description"] = description if description or no_merge else former.description
    with doing(api, f'updating role "{former.id}"'):
        made = api.send(acl.update_role(former.id, {"ID": former.id, **body}, dc=api.datacenter))
    print_one(made, role_lines(made, meta=meta), format)


@role.command("delete", cls=ApiCommand, examples=("lictor acl role delete -name=ops",))
@_ID
@_NAME
@pass_api
def delete(api: Api, args: tuple[str, ...], id: str, name: str) -> None:
    """Delete a role: who had it has it no more."""
    refuse_arguments(args)
    whole = _ROLES.id(api, id) if id else _ROLES.found(api, "", name).id
    with doing(api, f'deleting role "{whole}"'):
        api.send(acl.delete_role(whole, dc=api.datacenter))
    print(f'Role "{whole}" deleted successfully')


@role.command("list", cls=ApiCommand, examples=("lictor acl role list",))
@format_option
@META
@pass_api
def list_(api: Api, args: tuple[str, ...], format: Format, meta: bool) -> None:
    """List all roles."""
    refuse_arguments(args)
    with doing(api, "listing the roles"):
        found = api.send(acl.roles(api.options()))
    print_one(found, listed_roles(found, meta=meta), format)


def _given(
    api: Api, policy_ids: tuple[str, ...], names: tuple[str, ...], services: tuple[str, ...], nodes: tuple[str, ...]
) -> dict[str, list[JsonObject]]:
    identities = {"ServiceIdentities": service_identities(services), "NodeIdentities": node_identities(nodes)}
    with doing(api, "looking for the policies"):
        return {"Policies": linked([policy_id(api, one) for one in policy_ids], names), **identities}
