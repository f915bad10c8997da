"""`lictor event`: tell other agents that something happened."""

from __future__ import annotations

import click

from lictor.api.calls import event
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count
from lictor.cli.errors import CommandError
from lictor.cli.flags import option
from lictor.cli.formats import Format, format_option, print_json

__all__ = ["command"]


@click.command(
    cls=ApiCommand,
    usage="[PAYLOAD]",
    examples=("lictor event -name=deploy 1.2.3", "lictor event -name=deploy -service=web -tag=v1"),
)
@format_option
@option("-name", "Name of the event.", metavar="name")
@option("-node", "Regular expression: only agents whose node's name it finds.", metavar="expression")
@option("-service", "Regular expression: only agents with such a service.", metavar="expression")
@option("-tag", "Regular expression: only with such a tag on it; goes with -service.", metavar="expression")
@pass_api
def command(api: Api, args: tuple[str, ...], format: Format, name: str, node: str, service: str, tag: str) -> None:
    """Tell other agents that something happened. The payload is small: name a key where there is more to say."""
    if not name:
        raise CommandError("-name is needed: the name of the event")
    check_count(args, 0, 1, "")
    payload = args[0].encode(errors="surrogateescape") if args else b""
    fired = api.send(event.fire(name, payload, node=node, service=service, tag=tag, dc=api.datacenter))
    if format is Format.JSON:
        print_json(fired)
    else:
        print(f"Event ID: {fired.id}")
