"""`lictor acl token`: create, read, update, delete, list, clone."""

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
    doing,
    linked,
    merged,
    node_identities,
    policy_id,
    print_one,
    role_id,
    service_identities,
    taking,
    token_id,
)
from lictor.cli.access_shown import listed_tokens, token_json, token_lines
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option
from lictor.cli.formats import Format, format_option
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["token"]

F = TypeVar("F", bound=Callable[..., object])

_ID = option("-id", "The token's accessor, or enough of its first digits; or anonymous.", metavar="id")
_ROLE_ID = option(
    "-role-id", "A role by its id, or enough of its first digits; may be repeated.", metavar="id", multiple=True
)
_ROLE_NAME = option("-role-name", "A role by its name; may be repeated.", metavar="name", multiple=True)
_DESCRIPTION = option("-description", "What it is for.", metavar="text")

token = GoGroup(
    "token",
    help="Make and change tokens, by which requests are judged.",
    examples=(
        ('lictor acl token create -description="agent of n1" -node-identity=n1:dc1', "what an agent needs"),
        ("lictor acl token create -service-identity=web", "what a service of the mesh needs"),
        ("lictor acl token read -self", "what the token in use may"),
        ("lictor acl token delete -id=986193", "it may nothing from now on"),
    ),
)


@token.command(
    "create",
    cls=ApiCommand,
    examples=(
        "lictor acl token create -policy-name=web",
        "lictor acl token create -role-name=ops -expires-ttl=8h",
        "lictor acl token create -node-identity=n1:dc1",
    ),
)
@option("-accessor", "The accessor it is to have, a UUID; else one is made.", metavar="id")
@_DESCRIPTION
@option("-expires-ttl", "How long it is good for, such as 8h; from a minute to a day.", metavar="duration")
@format_option
@flag("-local", "It counts in this datacenter alone.")
@META
@taking(POLICY_ID, POLICY_NAME, _ROLE_ID, _ROLE_NAME, SERVICE_IDENTITY, NODE_IDENTITY)
@option("-secret", "The secret it is to have, a UUID; else one is made.", metavar="secret")
@pass_api
def create(
    api: Api,
    args: tuple[str, ...],
    accessor: str,
    description: str,
    expires_ttl: str,
    format: Format,
    local: bool,
    meta: bool,
    policy_id: tuple[str, ...],
    policy_name: tuple[str, ...],
    role_id: tuple[str, ...],
    role_name: tuple[str, ...],
    service_identity: tuple[str, ...],
    node_identity: tuple[str, ...],
    secret: str,
) -> None:
    """Make a token. Its secret is what requests show; its accessor is its name, and no secret."""
    refuse_arguments(args)
    if not any((policy_id, policy_name, role_id, role_name, service_identity, node_identity)):
        raise CommandError(
            "a token needs something that it may: -policy-name, -policy-id, -role-name, -role-id, -service-identity or "
            "-node-identity"
        )
    body: JsonObject = dict[str, object](
        _given(api, policy_id, policy_name, role_id, role_name, service_identity, node_identity)
    )
    body |= {"Description": description, "Local": local, "AccessorID": accessor, "SecretID": secret}
    if expires_ttl:
        try:
            parse_duration(expires_ttl)
        except RequestError as error:
            raise CommandError(f"-expires-ttl: {error}") from error
        body["ExpirationTTL"] = expires_ttl
    with doing(api, "making the token"):
        made = api.send(acl.create_token(body, dc=api.datacenter))
    print_one(token_json(made), token_lines(made, meta=meta), format)


@token.command("read", cls=ApiCommand, examples=("lictor acl token read -id=986193", "lictor acl token read -self"))
@format_option
@_ID
@META
@flag("-self", "The token that is in use.")
@pass_api
def read(api: Api, args: tuple[str, ...], format: Format, id: str, meta: bool, self: bool) -> None:
    """Show a token. Who may only read sees no secret."""
    refuse_arguments(args)
    if self:
        with doing(api, "reading the token in use"):
            found = api.send(acl.own_token(api.options()))
    else:
        accessor = _accessor(api, id)
        with doing(api, f'reading token "{accessor}"'):
            found = api.send(acl.token(accessor, api.options()))
    print_one(token_json(found), token_lines(found, meta=meta), format)


@token.command(
    "update",
    cls=ApiCommand,
    examples=('lictor acl token update -id=986193 -description="of web" -merge-policies -policy-name=keys',),
)
@_DESCRIPTION
@format_option
@_ID
@flag("-merge-node-identities", "Keep the node identities that it has.")
@flag("-merge-policies", "Keep the policies that it has.")
@flag("-merge-roles", "Keep the roles that it has.")
@flag("-merge-service-identities", "Keep the service identities that it has.")
@META
@taking(POLICY_ID, POLICY_NAME, _ROLE_ID, _ROLE_NAME, SERVICE_IDENTITY, NODE_IDENTITY)
@flag("-upgrade-legacy", "Drop the rules that stand in a token of before Consul 1.4: it may what its links say.")
@pass_api
def update(
    api: Api,
    args: tuple[str, ...],
    description: str,
    format: Format,
    id: str,
    merge_node_identities: bool,
    merge_policies: bool,
    merge_roles: bool,
    merge_service_identities: bool,
    meta: bool,
    policy_id: tuple[str, ...],
    policy_name: tuple[str, ...],
    role_id: tuple[str, ...],
    role_name: tuple[str, ...],
    service_identity: tuple[str, ...],
    node_identity: tuple[str, ...],
    upgrade_legacy: bool,
) -> None:
    """Change a token: it has the policies, roles and identities that are given, those from before only with -merge-...
    Its description stays where none is given.
    """
    refuse_arguments(args)
    accessor = _accessor(api, id)
    with doing(api, f'reading token "{accessor}"'):
        former: JsonObject = msgspec.to_builtins(api.send(acl.token(accessor, api.options())))
    new = _given(api, policy_id, policy_name, role_id, role_name, service_identity, node_identity)
    kept = {
        "Policies": merge_policies,
        "Roles": merge_roles,
        "ServiceIdentities": merge_service_identities,
        "NodeIdentities": merge_node_identities,
    }
    keys = {"ServiceIdentities": ("ServiceName",), "NodeIdentities": ("NodeName",)}
    body = former | {
        name: merged(former.get(name) if keeps else [], new[name], *keys.get(name, ("ID", "Name")))
        for name, keeps in kept.items()
    }
    if description:
        body["Description"] = description
    if upgrade_legacy:
        body.pop("Rules", None)
    for name in ("Legacy", "Type"):
        body.pop(name, None)
    with doing(api, f"updating token {accessor}"):
        made = api.send(acl.update_token(accessor, body, dc=api.datacenter))
    print_one(token_json(made), token_lines(made, meta=meta), format)


@token.command("delete", cls=ApiCommand, examples=("lictor acl token delete -id=986193",))
@_ID
@pass_api
def delete(api: Api, args: tuple[str, ...], id: str) -> None:
    """Delete a token: what it allowed ends now."""
    refuse_arguments(args)
    accessor = _accessor(api, id)
    with doing(api, f'deleting token "{accessor}"'):
        api.send(acl.delete_token(accessor, dc=api.datacenter))
    print(f'Token "{accessor}" deleted successfully')


@token.command("list", cls=ApiCommand, examples=("lictor acl token list",))
@format_option
@META
@pass_api
def list_(api: Api, args: tuple[str, ...], format: Format, meta: bool) -> None:
    """List all tokens, without their secrets."""
    refuse_arguments(args)
    with doing(api, "listing the tokens"):
        found = api.send(acl.tokens(api.options()))
    print_one([token_json(one) for one in found], listed_tokens(found, meta=meta), format)


@token.command("clone", cls=ApiCommand, examples=('lictor acl token clone -id=986193 -description="another"',))
@_DESCRIPTION
@format_option
@_ID
@META
@pass_api
def clone(api: Api, args: tuple[str, ...], description: str, format: Format, id: str, meta: bool) -> None:
    """Make a token that may what another may."""
    refuse_arguments(args)
    accessor = _accessor(api, id)
    with doing(api, "cloning the token"):
        made = api.send(acl.clone_token(accessor, description, dc=api.datacenter))
    print_one(token_json(made), token_lines(made, meta=meta), format)


def _accessor(api: Api, id: str) -> str:
    if not id:
        raise CommandError("-id is needed: the token's accessor, or its first digits")
    with doing(api, "looking for the token"):
        return token_id(api, id)


def _given(
    api: Api,
    policy_ids: tuple[str, ...],
    policy_names: tuple[str, ...],
    role_ids: tuple[str, ...],
    role_names: tuple[str, ...],
    services: tuple[str, ...],
    nodes: tuple[str, ...],
) -> dict[str, list[JsonObject]]:
    identities = {"ServiceIdentities": service_identities(services), "NodeIdentities": node_identities(nodes)}
    with doing(api, "looking for what is linked"):
        return {
            "Policies": linked([policy_id(api, one) for one in policy_ids], policy_names),
            "Roles": linked([role_id(api, one) for one in role_ids], role_names),
            **identities,
        }
