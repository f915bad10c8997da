"""`lictor acl binding-rule`: create, read, update, delete, list."""

from __future__ import annotations

from lictor.api.calls import acl
from lictor.cli.access import META, doing, print_one, rule_id
from lictor.cli.access_shown import listed_rules, rule_lines
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option
from lictor.cli.formats import Format, format_option
from lictor_core.acl.records import BindingRule
from lictor_core.records import JsonObject

__all__ = ["binding_rule"]

_ID = option("-id", "The rule's id, or enough of its first digits.", metavar="id")
_DESCRIPTION = option("-description", "What it is for.", metavar="text")
_BIND_NAME = option(
    "-bind-name", "The service, role or node; ${...} stands for what is known of who logs in.", metavar="name"
)
_SELECTOR = option("-selector", "Only for those of whom this expression is true.", metavar="expression")
_SERVICE = "service"

binding_rule = GoGroup(
    "binding-rule",
    help="Say what they get who log in by an auth method.",
    examples=(
        (
            "lictor acl binding-rule create -method=corp -bind-type=role -bind-name=ops -selector='ops in list.groups'",
            "the role of their group",
        ),
        ("lictor acl binding-rule list -method=corp", "all of an auth method"),
    ),
)


@binding_rule.command(
    "create",
    cls=ApiCommand,
    examples=("lictor acl binding-rule create -method=corp -bind-type=service -bind-name='${value.name}'",),
)
@_BIND_NAME
@option("-bind-type", "service, role or node.", metavar="kind", default=_SERVICE)
@_DESCRIPTION
@format_option
@META
@option("-method", "The auth method's name.", metavar="name")
@_SELECTOR
@pass_api
def create(
    api: Api,
    args: tuple[str, ...],
    bind_name: str,
    bind_type: str,
    description: str,
    format: Format,
    meta: bool,
    method: str,
    selector: str,
) -> None:
    """Make a binding rule."""
    refuse_arguments(args)
    for flag_name, value in (("-method", method), ("-bind-type", bind_type), ("-bind-name", bind_name)):
        if not value:
            raise CommandError(f"{flag_name} is needed")
    body = {
        "AuthMethod": method,
        "BindType": bind_type,
        "BindName": bind_name,
        "Description": description,
        "Selector": selector,
    }
    with doing(api, "making the binding rule"):
        made = api.send(acl.create_binding_rule(body, dc=api.datacenter))
    print_one(made, rule_lines(made, meta=meta), format)


@binding_rule.command("read", cls=ApiCommand, examples=("lictor acl binding-rule read -id=43cb7",))
@format_option
@_ID
@META
@pass_api
def read(api: Api, args: tuple[str, ...], format: Format, id: str, meta: bool) -> None:
    """Show a binding rule."""
    refuse_arguments(args)
    found = _found(api, id)
    print_one(found, rule_lines(found, meta=meta), format)


@binding_rule.command(
    "update", cls=ApiCommand, examples=("lictor acl binding-rule update -id=43cb7 -selector='ops in list.groups'",)
)
@_BIND_NAME
@option("-bind-type", "service, role or node.", metavar="kind")
@_DESCRIPTION
@format_option
@_ID
@META
@flag("-no-merge", "Keep nothing of what it said.")
@_SELECTOR
@pass_api
def update(
    api: Api,
    args: tuple[str, ...],
    bind_name: str,
    bind_type: str,
    description: str,
    format: Format,
    id: str,
    meta: bool,
    no_merge: bool,
    selector: str,
) -> None:
    """Change a binding rule; its auth method stays. What is not given stays, unless -no-merge is."""
    refuse_arguments(args)
    former = _found(api, id)
    new: JsonObject = {
        "BindType": bind_type,
        "BindName": bind_name,
        "Description": description,
        "Selector": selector,
    }
    old: JsonObject = {
        "BindType": former.bind_type,
        "BindName": former.bind_name,
        "Description": former.description,
        "Selector": former.selector,
    }
    body: JsonObject = new if no_merge else {key: new[key] or old[key] for key in new}
    body |= {"ID": former.id, "AuthMethod": former.auth_method}
    with doing(api, f'updating binding rule "{former.id}"'):
        made = api.send(acl.update_binding_rule(former.id, body, dc=api.datacenter))
    print_one(made, rule_lines(made, meta=meta), format)


@binding_rule.command("delete", cls=ApiCommand, examples=("lictor acl binding-rule delete -id=43cb7",))
@_ID
@pass_api
def delete(api: Api, args: tuple[str, ...], id: str) -> None:
    """Delete a binding rule."""
    refuse_arguments(args)
    whole = _whole(api, id)
    with doing(api, f'deleting binding rule "{whole}"'):
        api.send(acl.delete_binding_rule(whole, dc=api.datacenter))
    print(f'Binding rule "{whole}" deleted successfully')


@binding_rule.command("list", cls=ApiCommand, examples=("lictor acl binding-rule list -method=corp",))
@format_option
@META
@option("-method", "Only those of this auth method.", metavar="name")
@pass_api
def list_(api: Api, args: tuple[str, ...], format: Format, meta: bool, method: str) -> None:
    """List binding rules."""
    refuse_arguments(args)
    with doing(api, "listing the binding rules"):
        found = api.send(acl.binding_rules(api.options(), auth_method=method))
    print_one(found, listed_rules(found, meta=meta), format)


def _found(api: Api, id: str) -> BindingRule:
    whole = _whole(api, id)
    with doing(api, f'reading binding rule "{whole}"'):
        found = api.send(acl.binding_rule(whole, api.options()))
    if found is None:
        raise CommandError(f"there is no binding rule with the id {whole}")
    return found


def _whole(api: Api, id: str) -> str:
    if not id:
        raise CommandError("-id is needed: the rule's id, or its first digits")
    with doing(api, "looking for the binding rule"):
        return rule_id(api, id)
