"""`lictor rtt`."""

from __future__ import annotations

from typing import cast

import click

from lictor.api.calls import agent, coordinate
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag
from lictor.cli.formats import Format, format_option, print_json
from lictor_core.coordinates import Coordinate, NodeCoordinate, distance_s

__all__ = ["command"]

_MS_PER_S = 1000.0


@click.command(
    cls=ApiCommand,
    asks_server=False,
    usage="NODE1 [NODE2]",
    examples=("lictor rtt alpha", "lictor rtt alpha beta", "lictor rtt -wan alpha.dc1 beta.dc1"),
)
@format_option
@flag("-wan", "Between servers, by the coordinates that datacenters know of one another; names are NODE.DATACENTER.")
@pass_api
def command(api: Api, args: tuple[str, ...], format: Format, wan: bool) -> None:
    """Estimate the round trip between two nodes from their network coordinates; the second node is the agent's own when
    it is not named. Nothing is sent between the nodes: each has measured the way to servers and moved accordingly.
    """
    if not 1 <= len(args) <= 2:
        raise CommandError("One or two node names must be specified")
    first, second, source = _wide(api, args) if wan else _local(api, args)
    estimate_ms = distance_s(first[1], second[1]) * _MS_PER_S
    if format is Format.JSON:
        rounded = round(estimate_ms, 3)
        print_json({"Nodes": [first[0], second[0]], "RoundTripMilliseconds": rounded, "Coordinates": source})
        return
    print(f"Estimated {first[0]} <-> {second[0]} rtt: {estimate_ms:.3f} ms (using {source} coordinates)")


Place = tuple[str, Coordinate]


def _local(api: Api, args: tuple[str, ...]) -> tuple[Place, Place, str]:
    names = [*args, _own_name(api)] if len(args) == 1 else list(args)
    rows = [row for row in api.send(coordinate.nodes()) if not row.segment]
    first, second = (_found(rows, name, name) for name in names)
    return first, second, "LAN"


def _wide(api: Api, args: tuple[str, ...]) -> tuple[Place, Place, str]:
    names = [name.rpartition(".") for name in args]
    if any(not node or not datacenter for node, _, datacenter in names):
        raise CommandError("Node names must be specified as <node name>.<datacenter> with -wan")
    if len(names) == 1:
        names.append((_own_name(api), ".", _own_datacenter(api)))
    known = {one.datacenter: one.coordinates for one in api.send(coordinate.datacenters())}
    first, second = (_found(known.get(datacenter, []), node, f"{node}.{datacenter}") for node, _, datacenter in names)
    return first, second, "WAN"


def _found(rows: list[NodeCoordinate], node: str, shown: str) -> Place:
    for row in rows:
        if row.node == node:
            return shown, row.coord
    raise CommandError(f'Could not find a coordinate for node "{shown}"')


def _own_name(api: Api) -> str:
    return _own(api, "NodeName")


def _own_datacenter(api: Api) -> str:
    return _own(api, "Datacenter")


def _own(api: Api, key: str) -> str:
    config = api.send(agent.self()).get("Config")
    found = cast("dict[str, object]", config).get(key) if isinstance(config, dict) else None
    if not isinstance(found, str):
        raise CommandError(f"the agent does not say its {key}: name both nodes")
    return found
