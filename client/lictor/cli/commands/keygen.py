"""`lictor keygen`."""

from __future__ import annotations

from base64 import b64encode
from secrets import token_bytes
from typing import Final

import click

from lictor.cli.flags import GoCommand

__all__ = ["command"]

_KEY_BYTES: Final = 32


@click.command(cls=GoCommand, examples=("lictor keygen", 'echo "encrypt = \\"$(lictor keygen)\\"" > encrypt.hcl'))
def command(args: tuple[str, ...]) -> None:
    """Make a new key of 32 bytes for the setting `encrypt`, in base64 as that takes it. Whoever has it can speak as a
    member of the cluster: keep it where only the agents can read it.
    """
    print(b64encode(token_bytes(_KEY_BYTES)).decode())
