"""`lictor force-leave`."""

from __future__ import annotations

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count
from lictor.cli.flags import flag

__all__ = ["command"]


@click.command(
    cls=ApiCommand,
    asks_server=False,
    usage="node",
    examples=("lictor force-leave web-17", "lictor force-leave -prune web-17"),
)
@flag("-prune", "Forget the member, too: it is listed no more.")
@pass_api
def command(api: Api, args: tuple[str, ...], prune: bool) -> None:
    """Declare a failed member gone, so that its node and registrations leave the catalog at once and not only after
    reconnect_timeout. A member that lives stays.
    """
    check_count(args, 1, 1, "a single node name must be given")
    api.send(agent.force_leave(args[0], prune=prune))
