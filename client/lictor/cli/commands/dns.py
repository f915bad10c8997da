"""`lictor dns`: explain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lictor.api.calls import dns
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count
from lictor.cli.flags import GoGroup, ValueKind, flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_pairs, print_table
from lictor_core.durations import format_duration
from lictor_core.explanations import DnsExplanation, DnsInstance

__all__ = ["command"]

_WIDTH: Final = 12
_INDENT: Final = "  "

command = GoGroup(
    "dns",
    help="Look into the answers that the agent gives over DNS.",
    examples=(("lictor dns explain web.service.consul SRV", "why these instances, and why not others"),),
)


@command.command(
    "explain",
    cls=ApiCommand,
    asks_server=False,
    usage="NAME [TYPE]",
    examples=(
        "lictor dns explain web.service.consul",
        "lictor dns explain -tcp web.service.consul SRV",
        "lictor dns explain -edns=1232 -subnet=192.0.2.0/24 near.query.consul",
    ),
)
@option("-edns", "As if the client took so many bytes over UDP; 512 by default.", metavar="bytes", kind=ValueKind.WHOLE)
@format_option
@option("-subnet", "As if asked for clients in this subnet.", metavar="network")
@flag("-tcp", "As if it were asked over TCP.")
@pass_api
def explain(api: Api, args: tuple[str, ...], edns: int, format: Format, subnet: str, tcp: bool) -> None:
    """Say why the agent answers a question as it does: how it reads the name, which instances it looks at and why each
    is in the answer or not, which settings make the answer shorter, and how old what it knows is. TYPE is A by default.
    """
    check_count(args, 1, 2, "name the question, as in: lictor dns explain web.service.consul SRV")
    found = api.send(dns.explain(args[0], args[1] if len(args) > 1 else "A", edns=edns, tcp=tcp, subnet=subnet))
    if format is Format.JSON:
        print_json(found)
        return
    print_pairs(_head(found), _WIDTH)
    if found.instances:
        print()
        print_table([["Node", "ID", "Address", "Port", "Health", "Given", "Why"], *map(_row, found.instances)])
        if found.instances_more:
            print(f"and {found.instances_more} more, which are not explained")
    _print_section("Settings", [f"{one.name} = {one.value}: {one.effect}" for one in found.settings])
    _print_section("Answers", found.answers)
    _print_section("Authority", found.authority)
    _print_section("Additional", found.additional)


def _head(found: DnsExplanation) -> list[tuple[str, str]]:
    cut = ", TC is set" if found.truncated else ""
    return [
        ("Question", f"{found.name} {found.type} over {found.transport}, at most {found.bytes_max} bytes"),
        ("Read as", found.reading),
        ("Answer", f"{found.code}: {found.reason}; {found.bytes} bytes{cut}" if found.code else found.reason),
        ("Made from", "; ".join(_sources(found))),
    ]


def _sources(found: DnsExplanation) -> Iterator[str]:
    names = [f"{one.name} at index {one.index}" for one in found.depends_on]
    yield ", ".join(names) or "nothing in the catalog by name"
    if found.age_s is None:
        yield "not known to be current yet"
    elif found.age_s:
        yield f"{found.age_s:.1f} s old, {format_duration(found.age_s_max)} allowed"
    else:
        yield "current"
    if found.fetched:
        yield "fetched from the servers for this question"


def _row(one: DnsInstance) -> Sequence[str]:
    return [one.node, one.id, one.address, str(one.port), one.status, "yes" if one.given else "no", one.reason]


def _print_section(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"\n{title}")
        for line in lines:
            print(_INDENT + line)
