"""`lictor info`."""

from __future__ import annotations

from typing import cast

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.terminal import bold

__all__ = ["command"]


@click.command(cls=ApiCommand, asks_server=False, examples=("lictor info",))
@pass_api
def command(api: Api, args: tuple[str, ...]) -> None:
    """Show what the agent counts: checks, services, Raft, memory."""
    stats = api.send(agent.self()).get("Stats")
    if not isinstance(stats, dict):
        return
    for section, values in sorted(cast("dict[str, dict[str, object]]", stats).items()):
        print(bold(f"{section}:"))
        for name, value in sorted(values.items()):
            print(f"\t{name} = {value}")
