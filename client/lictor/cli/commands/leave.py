"""`lictor leave`."""

from __future__ import annotations

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments

__all__ = ["command"]


@click.command(cls=ApiCommand, asks_server=False, examples=("lictor leave",))
@pass_api
def command(api: Api, args: tuple[str, ...]) -> None:
    """Make the agent leave the cluster and end. Its registrations go with it; a server first hands over what it leads,
    and stays until the others need its vote no more.
    """
    refuse_arguments(args)
    api.send(agent.leave())
    click.echo("Graceful leave complete")
