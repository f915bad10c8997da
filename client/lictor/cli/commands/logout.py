"""`lictor logout`: destroys a token that came of a login."""

from __future__ import annotations

import click

from lictor.api.calls import acl
from lictor.cli.access import doing
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments

__all__ = ["command"]


@click.command(cls=ApiCommand, examples=("lictor logout -token-file=token",))
@pass_api
def command(api: Api, args: tuple[str, ...]) -> None:
    """Destroy the token in use, which must have come of `lictor login`."""
    refuse_arguments(args)
    with doing(api, "logging out"):
        api.send(acl.logout(dc=api.datacenter))
