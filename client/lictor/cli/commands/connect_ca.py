"""`lictor connect ca`: the certificate authority of the mesh, its settings and how long its certificates live."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from lictor.api.calls import ca
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import file_data
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_pairs, print_table
from lictor_core.codec import from_json
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

if TYPE_CHECKING:
    from lictor_core.ca_status import CAStatus

__all__ = ["authority"]

_SHOWN_CHARS: Final = 11
"""Of a root's id: enough to tell roots apart."""
_HEADING: Final = (
    "Root",
    "Signs",
    "Key",
    "Days left",
    "Signer",
    "Signer's days left",
    "Replaced",
    "Leaves",
    "Trusted until",
)

authority = GoGroup(
    "ca",
    help="Show and change the settings of the mesh's certificate authority, and see how long its certificates live.",
    examples=(
        ("lictor connect ca status", "who signs, and until when"),
        ("lictor connect ca get-config > ca.json", "the settings as they are"),
        ("lictor connect ca set-config -config-file=ca.json", "as they shall be"),
    ),
)


@authority.command("get-config", cls=ApiCommand, examples=("lictor connect ca get-config",))
@pass_api
def get_config(api: Api, args: tuple[str, ...]) -> None:
    """Show the settings as JSON."""
    settings = api.send(ca.configuration())
    shown = {
        key: settings[key] for key in ("Provider", "Config", "State", "CreateIndex", "ModifyIndex") if key in settings
    }
    print(json.dumps(shown, indent="\t", ensure_ascii=False))


@authority.command("set-config", cls=ApiCommand, examples=("lictor connect ca set-config -config-file=ca.json",))
@option("-config-file", "File with the new settings, in the form that get-config shows.", metavar="file")
@pass_api
def set_config(api: Api, args: tuple[str, ...], config_file: str) -> None:
    """Change the settings. A new key or another provider makes a new root; the old one stays trusted for a while."""
    if not config_file:
        raise CommandError("-config-file is needed: the file with the new settings")
    try:
        settings = from_json(file_data(config_file), JsonObject)
    except RequestError as error:
        raise CommandError(f"{config_file}: {error}") from error
    api.send(ca.configure(settings))
    print("Configuration updated!")


@authority.command(
    "status",
    cls=ApiCommand,
    examples=("lictor connect ca status", "lictor connect ca status -format=json"),
)
@format_option
@pass_api
def status(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Show the trusted roots, what signs leaves, how many leaves are about, and what is replaced when. The exit code
    is 1 when something needs a hand: a certificate that has ended, or is past half of its life and not replaced.
    """
    found = api.send(ca.status())
    if format is Format.JSON:
        print_json(found)
    else:
        _print(found)
    if found.problems:
        raise CommandError("; ".join(found.problems))


def _print(found: CAStatus) -> None:
    print_pairs([("Provider", found.provider), ("Trust domain", found.trust_domain)])
    print()
    rows: list[tuple[str, ...]] = [_HEADING]
    for root in found.roots:
        rows.append(
            (
                root.id[:_SHOWN_CHARS],
                "yes" if root.active else "no",
                f"{root.private_key_type} {root.private_key_bits}",
                f"{root.days_left:g}",
                root.signer,
                f"{root.signer_days_left:g}",
                root.signer_replaced_at[:10] or root.replaced_at[:10] or ("by hand" if root.active else ""),
                str(root.leaves_outstanding),
                root.forgotten_at[:10] or root.not_after[:10],
            )
        )
    print_table(rows)
