"""`lictor version`."""

from __future__ import annotations

import json

import click

from lictor.cli.errors import CommandError
from lictor.cli.flags import GoCommand, option
from lictor_core.version import COMPATIBLE, LICTOR

__all__ = ["command"]

_PROTOCOL = 2


@click.command(cls=GoCommand, examples=("lictor version -format=json",))
@option("-format", "pretty or json.", metavar="format", default="pretty")
def command(args: tuple[str, ...], format: str) -> None:
    """Show the version of this program, and the one of Consul whose protocols it speaks."""
    if format == "pretty":
        print(f"Lictor v{LICTOR}")
        print(f"Speaks the protocols of Consul v{COMPATIBLE}: protocol {_PROTOCOL} by default, understands 2 to 3")
    elif format == "json":
        protocols = {"Default": _PROTOCOL, "Min": 2, "Max": 3}
        shown = {"Version": LICTOR, "Compatible": COMPATIBLE, "Revision": "", "Prerelease": "", "RPC": protocols}
        print(json.dumps(shown, indent=3))
    else:
        raise CommandError(f"-format={format}: write pretty or json")
