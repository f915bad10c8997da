"""`lictor join`."""

from __future__ import annotations

import sys

import click

from lictor.api.calls import agent
from lictor.api.errors import AgentError
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag

__all__ = ["command"]

_ADDRESSES_MAX = 1024


@click.command(
    cls=ApiCommand,
    asks_server=False,
    usage="address ...",
    examples=("lictor join 192.0.2.1", "lictor join 192.0.2.1 192.0.2.2:8300"),
)
@flag("-wan", "Join servers of another datacenter; there is none to join.")
@pass_api
def command(api: Api, args: tuple[str, ...], wan: bool) -> None:
    """Tell the running agent where servers are: it looks there at once. One address that answers is enough."""
    check_count(args, 1, _ADDRESSES_MAX, "at least one address to join must be given")
    joined = 0
    for address in args:
        try:
            api.send(agent.join(address, wan=wan))
        except AgentError as error:
            print(f"Error joining address '{address}': {error}", file=sys.stderr)
        else:
            joined += 1
    if not joined:
        raise CommandError("failed to join any nodes")
    print(f"Successfully joined cluster by contacting {joined} nodes.")
