"""`lictor version`."""

from __future__ import annotations

import json

import click

from lictor.cli.flags import GoCommand
from lictor.cli.formats import Format, format_option
from lictor_core.protocol import OWN
from lictor_core.version import COMPATIBLE, LICTOR

__all__ = ["command"]

_PROTOCOL = 2


@click.command(cls=GoCommand, examples=("lictor version -format=json",))
@format_option
def command(args: tuple[str, ...], format: Format) -> None:
    """Show the version of this program, and the one of Consul whose protocols it speaks."""
    if format is Format.PRETTY:
        print(f"Lictor v{LICTOR}")
        print(f"Speaks the protocols of Consul v{COMPATIBLE}: protocol {_PROTOCOL} by default, understands 2 to 3")
        which = f"{OWN.minimum}" if OWN.minimum == OWN.maximum else f"{OWN.minimum} to {OWN.maximum}"
        print(f"Speaks the protocol of Lictor with other servers and agents: {which}")
    else:
        protocols = {"Default": _PROTOCOL, "Min": 2, "Max": 3}
        wire = {"Min": OWN.minimum, "Max": OWN.maximum}
        shown = {
            "Version": LICTOR,
            "Compatible": COMPATIBLE,
            "Revision": "",
            "Prerelease": "",
            "RPC": protocols,
            "Wire": wire,
        }
        print(json.dumps(shown, indent=3))
