"""`lictor members`."""

from __future__ import annotations

import re

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_table
from lictor_core.addresses import join_host_port
from lictor_core.records import Member, MemberStatus

__all__ = ["command"]

_NONE_FOUND_EXIT = 2
_ALL_SEGMENTS = "_all"
_TYPES = {"consul": "server", "node": "client"}


@click.command(cls=ApiCommand, asks_server=False, examples=("lictor members", "lictor members -status=failed"))
@flag("-detailed", "Show every tag of the members.")
@format_option
@option("-segment", "Taken for Consul's sake; there are no segments.", metavar="name")
@option("-status", "Only members whose status matches this regular expression.", metavar="regexp", default=".*")
@flag("-wan", "Show the servers of all datacenters.")
@pass_api
def command(
    api: Api, args: tuple[str, ...], detailed: bool, format: Format, segment: str, status: str, wan: bool
) -> None:
    """List the members of the cluster that the agent belongs to: their addresses, whether they are alive, and what they
    run. Exits with 2 when no member matches.
    """
    try:
        wanted = re.compile(status)
    except re.error as error:
        raise CommandError(f"-status={status} is no regular expression: {error}") from error
    found = api.send(agent.members(wan=wan, segment="" if wan else segment or _ALL_SEGMENTS))
    shown = sorted((one for one in found if wanted.search(_status(one))), key=_order)
    if format is Format.JSON:
        print_json(shown)
    if not shown:
        raise click.exceptions.Exit(_NONE_FOUND_EXIT)
    if format is Format.JSON:
        return
    if detailed:
        print_table([["Node", "Address", "Status", "Tags"], *(_detailed_row(one) for one in shown)])
    else:
        heading = ["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Segment"]
        print_table([heading, *(_row(one) for one in shown)])


def _order(member: Member) -> tuple[str, bool, str, str]:
    """Datacenter first, servers before clients within it, then by segment and name."""
    tags = member.tags
    return tags.get("dc", ""), tags.get("role", "") != "consul", tags.get("segment", ""), member.name


def _row(member: Member) -> list[str]:
    tags = member.tags
    role = tags.get("role", "")
    build = tags.get("build", "").partition(":")[0] or "< 0.3"
    segment = tags.get("segment", "")
    if role == "consul":
        segment = "<all>"
    return [
        *_head(member),
        _TYPES.get(role, "unknown"),
        build,
        tags.get("vsn", ""),
        tags.get("dc", ""),
        segment or "<default>",
    ]


def _detailed_row(member: Member) -> list[str]:
    tags = dict(member.tags)
    if tags.get("role") == "consul":
        tags["segment"] = "<all>"
    return [*_head(member), ",".join(f"{key}={value}" for key, value in sorted(tags.items()))]


def _head(member: Member) -> list[str]:
    return [member.name, join_host_port(member.addr, member.port), _status(member)]


def _status(member: Member) -> str:
    return "none" if member.status is MemberStatus.NONE else member.status.name.lower()
