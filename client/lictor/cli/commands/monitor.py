"""`lictor monitor`."""

from __future__ import annotations

import sys

import click

from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag, option

__all__ = ["command"]


@click.command(
    cls=ApiCommand, asks_server=False, examples=("lictor monitor", "lictor monitor -log-level=debug -log-json")
)
@option("-log-level", "From which level on: trace, debug, info, warn or err.", metavar="level", default="INFO")
@flag("-log-json", "Each line as a JSON object.")
@pass_api
def command(api: Api, args: tuple[str, ...], log_level: str, log_json: bool) -> None:
    """Show the agent's log as it comes, until you interrupt it. The level is that of this listener alone: the agent's
    own log stays as it is. Lines that are not read fast enough are dropped, and their number is told.
    """
    refuse_arguments(args)
    parameters = (("loglevel", log_level), *((("logjson", "true"),) if log_json else ()))
    try:
        for part in api.client().parts("/v1/agent/monitor", parameters):
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        return
    raise CommandError("the agent ended the log: it stops, or was asked by too many")
