"""`lictor reload`."""

from __future__ import annotations

import sys

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError

__all__ = ["command"]


@click.command(cls=ApiCommand, asks_server=False, examples=("lictor reload",))
@pass_api
def command(api: Api, args: tuple[str, ...]) -> None:
    """Make the agent read its configuration again, as SIGHUP does: services, checks, watches, tokens, level of the log.

    Connections stay open. A configuration that cannot be used changes nothing, and what is wrong with it is told.
    """
    refuse_arguments(args)
    reloaded = api.send_long(agent.reload(), "reloading")
    click.echo("Configuration reload triggered")
    if reloaded.needs_restart:
        print(f"Warning: the agent must be restarted for {', '.join(reloaded.needs_restart)}", file=sys.stderr)
    if reloaded.failures:
        raise CommandError(f"not all was taken over: {'; '.join(reloaded.failures)}")
