"""`lictor acl explain`: why a token may do something, or not."""

from __future__ import annotations

import click

from lictor.api.calls import acl
from lictor.cli.access import doing, token_id
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_pairs, print_table
from lictor_core.acl.explained import AclExplanation

__all__ = ["explain"]

_DENIED_EXIT = 2


@click.command(
    "explain",
    cls=ApiCommand,
    examples=(
        "lictor acl explain -token-accessor=986193 -resource=service:web -access=write",
        "lictor acl explain -self -resource=operator",
        "lictor acl explain -token-accessor=anonymous -resource=key:app/config -format=json",
    ),
)
@option("-access", "read, list or write.", metavar="access", default="read")
@format_option
@option("-resource", "What it is about, and the name where it has one.", metavar="kind[:name]")
@flag("-self", "About the token in use.")
@option("-token-accessor", "The token's accessor, or enough of its first digits; or anonymous.", metavar="id")
@pass_api
def explain(
    api: Api, args: tuple[str, ...], access: str, format: Format, resource: str, self: bool, token_accessor: str
) -> None:
    """Show which rules speak of something that a token would do, which of them decides, and which policy, role or
    identity brings it. Exits with 0 when it may, with 2 when it may not.
    """
    refuse_arguments(args)
    kind, _, name = resource.partition(":")
    if not kind:
        raise CommandError("-resource is needed, such as service:web, key:app/config or operator")
    if self == bool(token_accessor):
        raise CommandError("-token-accessor or -self is needed: whose rights are meant")
    with doing(api, "explaining"):
        accessor = api.send(acl.own_token(api.options())).accessor_id if self else token_id(api, token_accessor)
        found = api.send(acl.explain(accessor, kind, name, access, api.options()))
    if format is Format.JSON:
        print_json(found)
    else:
        _print(found)
    if not found.allowed:
        raise SystemExit(_DENIED_EXIT)


def _print(found: AclExplanation) -> None:
    about = f"{found.resource}:{found.access}" + (f' on "{found.segment}"' if found.segment else "")
    print_pairs(
        [
            ("Token", found.accessor_id),
            ("Asked", about),
            ("Verdict", "allowed" if found.allowed else "denied"),
            ("Because of", found.reason),
            ("Policies", ", ".join(found.policies) or "none"),
            ("Default", found.default_policy),
        ],
        width=12,
    )
    if found.considered:
        print()
        rows = [("decides" if one.decides else "", one.rule, one.policy) for one in found.considered]
        print_table([("", "Rule", "Policy"), *rows])
