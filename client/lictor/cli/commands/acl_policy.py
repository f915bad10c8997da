"""`lictor acl policy`: create, read, update, delete, list."""

from __future__ import annotations

from lictor.api.calls import acl
from lictor.cli.access import META, Kind, doing, given, policy_id, print_one, text_argument
from lictor.cli.access_shown import listed_policies, policy_json, policy_lines
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.commands.acl_rules import rules_of_token, translated
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option
from lictor.cli.formats import Format, format_option
from lictor_core.acl.records import Policy
from lictor_core.records import JsonObject

__all__ = ["policy"]

_ID = option("-id", "The policy's id, or enough of its first digits.", metavar="id")
_NAME = option("-name", "The policy's name.", metavar="name")
_DESCRIPTION = option("-description", "What it is for.", metavar="text")
_RULES = option("-rules", "The rules, as HCL or JSON; @FILE, or - for stdin.", metavar="rules")
_DATACENTER = option(
    "-valid-datacenter", "It counts in this datacenter, not in all; may be repeated.", metavar="name", multiple=True
)
_POLICIES = Kind[Policy](
    "policy",
    policy_id,
    by_id=lambda api, id: api.send(acl.policy(id, api.options())),
    by_name=lambda api, name: api.send(acl.policy_named(name, api.options())),
)

policy = GoGroup(
    "policy",
    help="Make and change policies: named rules that tokens and roles link to.",
    examples=(
        ("lictor acl policy create -name=web -rules=@web.hcl", "rules from a file"),
        ("lictor acl policy read -name=web", "what it says"),
        ("lictor acl policy update -name=web -rules=@web.hcl", "who has it may that from now on"),
    ),
)


@policy.command(
    "create",
    cls=ApiCommand,
    examples=(
        "lictor acl policy create -name=web -rules=@web.hcl",
        'lictor acl policy create -name=keys -rules=\'key_prefix "app/" { policy = "read" }\'',
    ),
)
@_DESCRIPTION
@format_option
@option("-from-token", "Take the rules of this token of before Consul 1.4, translated.", metavar="accessor")
@META
@_NAME
@_RULES
@flag("-token-secret", "-from-token is a secret.")
@_DATACENTER
@pass_api
def create(
    api: Api,
    args: tuple[str, ...],
    description: str,
    format: Format,
    from_token: str,
    meta: bool,
    name: str,
    rules: str,
    token_secret: bool,
    valid_datacenter: tuple[str, ...],
) -> None:
    """Make a policy."""
    refuse_arguments(args)
    if not name:
        raise CommandError("-name is needed: what the policy is called")
    if from_token and rules:
        raise CommandError("-from-token and -rules cannot be given together")
    text = text_argument(rules, "-rules")
    if from_token:
        source = text_argument(from_token, "-from-token").strip()
        text = translated(rules_of_token(api, source, is_secret=token_secret))
    body = {"Name": name, "Description": description, "Rules": text, "Datacenters": list(valid_datacenter)}
    with doing(api, "making the policy"):
        made = api.send(acl.create_policy(body, dc=api.datacenter))
    print_one(policy_json(made), policy_lines(made, meta=meta), format)


@policy.command("read", cls=ApiCommand, examples=("lictor acl policy read -name=web",))
@format_option
@_ID
@META
@_NAME
@pass_api
def read(api: Api, args: tuple[str, ...], format: Format, id: str, meta: bool, name: str) -> None:
    """Show a policy."""
    refuse_arguments(args)
    found = _POLICIES.found(api, id, name)
    print_one(policy_json(found), policy_lines(found, meta=meta), format)


@policy.command(
    "update",
    cls=ApiCommand,
    examples=("lictor acl policy update -name=web -rules=@web.hcl", "lictor acl policy update -id=06acc -name=better"),
)
@_DESCRIPTION
@format_option
@_ID
@META
@option("-name", "The policy's name: with -id the new one.", metavar="name")
@flag("-no-merge", "Keep nothing of what it said.")
@_RULES
@_DATACENTER
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
    rules: str,
    valid_datacenter: tuple[str, ...],
) -> None:
    """Change a policy; who has it may what it says now. What is not given stays, unless -no-merge is."""
    refuse_arguments(args)
    former = _POLICIES.found(api, id, "" if id else name)
    text = text_argument(rules, "-rules")
    new: JsonObject = {"Name": name, "Description": description, "Rules": text, "Datacenters": list(valid_datacenter)}
    flags = {"Name": "name", "Description": "description", "Rules": "rules", "Datacenters": "valid-datacenter"}
    old: JsonObject = {
        "Name": former.name,
        "Description": former.description,
        "Rules": former.rules,
        "Datacenters": list(former.datacenters),
    }
    were_given = given()
    body = new if no_merge else {key: new[key] if flags[key] in were_given else old[key] for key in new}
    with doing(api, f'updating policy "{former.id}"'):
        made = api.send(acl.update_policy(former.id, {"ID": former.id, **body}, dc=api.datacenter))
    print_one(policy_json(made), policy_lines(made, meta=meta), format)


@policy.command("delete", cls=ApiCommand, examples=("lictor acl policy delete -name=web",))
@_ID
@_NAME
@pass_api
def delete(api: Api, args: tuple[str, ...], id: str, name: str) -> None:
    """Delete a policy: who had it has it no more."""
    refuse_arguments(args)
    whole = _POLICIES.id(api, id) if id else _POLICIES.found(api, "", name).id
    with doing(api, f'deleting policy "{whole}"'):
        api.send(acl.delete_policy(whole, dc=api.datacenter))
    print(f'Policy "{whole}" deleted successfully')


@policy.command("list", cls=ApiCommand, examples=("lictor acl policy list",))
@format_option
@META
@pass_api
def list_(api: Api, args: tuple[str, ...], format: Format, meta: bool) -> None:
    """List all policies, without their rules."""
    refuse_arguments(args)
    with doing(api, "listing the policies"):
        found = api.send(acl.policies(api.options()))
    print_one(found, listed_policies(found, meta=meta), format)
