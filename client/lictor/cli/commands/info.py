"""`lictor info`."""

from __future__ import annotations

from typing import cast

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import bold

__all__ = ["command"]


@click.command(cls=ApiCommand, asks_server=False, examples=("lictor info", "lictor info -format=json"))
@format_option
@pass_api
def command(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Show what the agent counts: checks, services, Raft, memory."""
    stats = api.send(agent.self()).get("Stats")
    if not isinstance(stats, dict):
        return
    figures = cast("dict[str, dict[str, object]]", stats)
    if format is Format.JSON:
        print_json(figures)
        return
    for section, values in sorted(figures.items()):
        print(bold(f"{section}:"))
        for name, value in sorted(values.items()):
            print(f"\t{name} = {value}")
