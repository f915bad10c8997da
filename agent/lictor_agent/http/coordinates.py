"""`/v1/coordinate/*`: where nodes and servers stand in the network. Source: Consul's `api-docs/coordinate`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Final

import msgspec

from lictor_agent.http.blocking import Manner, answer_query, meta_headers, read
from lictor_agent.http.bodies import DECODE_FAILED, read_mapping, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, NOTHING, Body, Parameter, Reply, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Endpoint, Route
from lictor_agent.http.site import Site
from lictor_core.acl.rules import Access, Resource
from lictor_core.coordinates import Coordinate, NodeCoordinate
from lictor_core.membership import WAN_PORT_TAG
from lictor_core.queries import CoordinatesQuery, NodeCoordinatesQuery
from lictor_core.records import JsonObject, Member
from lictor_core.registry import ReadOptions
from lictor_core.vivaldi import ORIGIN

__all__ = ["ROUTES", "shown_coordinate"]

_SEGMENT: Final = Parameter("segment", "Only the coordinates of this segment.")
_DISABLED: Final[Mapping[int, str]] = {401: "Coordinates are switched off."}
_UNKNOWN: Final[Mapping[int, Reply | str]] = {**_DISABLED, 404: Reply("No coordinates are known.")}
_WAN: Final = "wan"
_MANNER: Final = Manner(marks_errors=True)


class _Place(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    """A coordinate as it is reported: what is left out is zero."""

    vec: list[float] = []
    error: float = 0.0
    adjustment: float = 0.0
    height: float = 0.0


@described("CoordinateMaps", also=_DISABLED)
async def datacenters(site: Site, request: Request) -> Answer:
    """The servers of each datacenter with their coordinates."""
    members = await site.registry.members()
    known = (await site.registry.read(CoordinatesQuery(), ReadOptions(token=request.token))).value
    places = {row.node.lower(): row.coord for row in known if not row.segment}
    servers = [_placed(one, places.get(one.name.lower(), ORIGIN)) for one in members if WAN_PORT_TAG in one.tags]
    shown = {"Datacenter": site.datacenter, "AreaID": _WAN, "Coordinates": _shown(servers)}
    return site.answer_json(request, [shown])


@described("CoordinateRows", *BLOCKING, _SEGMENT, also=_DISABLED)
async def nodes(site: Site, request: Request) -> Answer:
    """The coordinates of all nodes; with `segment` those of that segment."""
    if "segment" not in request.parameters:
        return await answer_query(site, request, CoordinatesQuery(), _MANNER, shape=_shown)
    reading, mode, _ = await read(site, request, CoordinatesQuery(), _MANNER)
    rows = _of_segment(request, reading.value)
    return site.answer_json(request, _shown(rows), headers=meta_headers(reading, mode, _MANNER))


@described("CoordinateRows", *BLOCKING, _SEGMENT, tail="node", also=_UNKNOWN)
async def node(site: Site, request: Request) -> Answer:
    """The coordinates of one node; 404 when none are known."""
    reading, mode, _ = await read(site, request, NodeCoordinatesQuery(node=request.tail), _MANNER)
    rows = _of_segment(request, reading.value)
    if not rows:
        return Answer(status=404)
    return site.answer_json(request, _shown(rows), headers=meta_headers(reading, mode, _MANNER))


@described(NOTHING, DC, body=Body("CoordinateReport"), also=_DISABLED)
async def update(site: Site, request: Request) -> Answer:
    """Take a report of where a node stands."""
    reader = await read_mapping(request, site.settings.body_bytes_max)
    datacenter, name, segment = reader.text("Datacenter"), reader.text("Node"), reader.text("Segment")
    place = reader.free("Coord")
    reader.done()
    refuse_problems(reader)
    if place is None:
        raise Refusal("Missing Coord: a report says where the node stands")
    coordinate = _coordinate(place)
    site.check_datacenter(datacenter or request.parameters.get("dc"))
    (await site.caller(request)).authorizer.require(Resource.NODE, name, Access.WRITE)
    with refusing_with(500):
        update = NodeCoordinate(node=name, segment=segment, coord=coordinate)
        await site.registry.place(update, token=request.token)
    return Answer()


def shown_coordinate(coordinate: Coordinate) -> JsonObject:
    """A coordinate with its numbers as Go writes them: a whole one has no point."""
    return {
        "Vec": [_number(part) for part in coordinate.vec],
        "Error": _number(coordinate.error),
        "Adjustment": _number(coordinate.adjustment),
        "Height": _number(coordinate.height),
    }


def _shown(rows: list[NodeCoordinate]) -> list[JsonObject]:
    return [{"Node": row.node, "Segment": row.segment, "Coord": shown_coordinate(row.coord)} for row in rows]


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _of_segment(request: Request, rows: list[NodeCoordinate]) -> list[NodeCoordinate]:
    if "segment" not in request.parameters:
        return rows
    return [row for row in rows if row.segment == request.parameters.get("segment")]


def _coordinate(value: JsonObject) -> Coordinate:
    try:
        place = msgspec.convert(value, _Place)
    except msgspec.ValidationError as error:
        raise Refusal(f"{DECODE_FAILED}Coord: {error}") from error
    return Coordinate(vec=place.vec, error=place.error, adjustment=place.adjustment, height=place.height)


def _placed(server: Member, coordinate: Coordinate) -> NodeCoordinate:
    return NodeCoordinate(node=server.name, segment="", coord=coordinate)


def _unless_disabled(endpoint: Callable[[Site, Request], Awaitable[Answer]]) -> Endpoint:
    @wraps(endpoint)
    async def answer(site: Site, request: Request) -> Answer:
        if site.agent.configuration.coordinates.disabled:
            raise Refusal("Coordinate support disabled", status=401)
        return await endpoint(site, request)

    return answer


ROUTES: Final = (
    Route("/v1/coordinate/datacenters", {"GET": _unless_disabled(datacenters)}),
    Route("/v1/coordinate/nodes", {"GET": _unless_disabled(nodes)}),
    Route("/v1/coordinate/node/", {"GET": _unless_disabled(node)}),
    Route("/v1/coordinate/update", {"PUT": _unless_disabled(update)}),
)
