"""`lictor intention explain`: every rule that was looked at, which one decided, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from lictor.api.calls import intentions
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_pairs, print_table
from lictor_core.intention_explanations import IntentionExplanation, RuleExplanation

__all__ = ["explain"]

_WIDTH: Final = 12
_HEADER: Final = ("", "Source", "Destination", "Says", "Precedence", "Why")


@click.command(
    "explain",
    cls=ApiCommand,
    usage="SRC DST",
    examples=(
        "lictor intention explain web db",
        "lictor intention explain -method=GET -path=/admin -header=x-team:red web api",
        """lictor intention explain -path=/ -jwt='okta={"role":"admin"}' web api""",
    ),
)
@option("-header", "A header of the request; may be repeated.", metavar="name:value", multiple=True)
@format_option
@option(
    "-jwt",
    "A valid token of a provider: its name, or with its claims as JSON; may be repeated.",
    metavar="provider[=claims]",
    multiple=True,
)
@option("-method", "The method of the request; GET by default.", metavar="method")
@option("-path", "The path of the request; / by default.", metavar="path")
@pass_api
def explain(
    api: Api,
    args: tuple[str, ...],
    header: Sequence[str],
    format: Format,
    jwt: Sequence[str],
    method: str,
    path: str,
) -> None:
    """Say why a connection from SRC to DST would be allowed or not, or with a method, path, header or token why such a
    request would be: which intentions were looked at, which one decided, and which default holds.
    """
    if len(args) != 2:
        raise CommandError("two arguments are needed: source and destination")
    found = api.send(
        intentions.explain(
            args[0], args[1], method=method, path=path, headers=header, tokens=jwt, options=api.options()
        )
    )
    if format is Format.JSON:
        print_json(found)
        return
    print_pairs(_head(found), _WIDTH)
    if found.rules:
        print()
        print_table([_HEADER, *(row for rule in found.rules for row in _rows(rule))])


def _head(found: IntentionExplanation) -> list[tuple[str, str]]:
    asked = f"{found.source} => {found.destination}"
    verdict = {"allow": "Allowed", "deny": "Denied", "depends": "Depends on the request"}[found.verdict]
    pairs = [
        ("Asked", f"{asked}, {found.request}" if found.request else f"{asked}, a connection"),
        ("Verdict", verdict),
        ("Reason", found.reason),
        ("Default", f"{found.default}{', which applied' if found.default_applied else ''}"),
        ("Certificate", found.certificate or "none yet: the cluster has no certificate authority"),
        ("Policy", f"index {found.policy_index}"),
    ]
    return [*pairs, ("Note", found.note)] if found.note else pairs


def _rows(rule: RuleExplanation) -> list[Sequence[str]]:
    mark = "->" if rule.decided else ""
    rows: list[Sequence[str]] = [(mark, rule.source, rule.destination, rule.says, str(rule.precedence), rule.reason)]
    for one in rule.permissions:
        rows.append(("->" if one.decided else "", "", f"  #{one.number}", one.action, "", one.reason))
    return rows
