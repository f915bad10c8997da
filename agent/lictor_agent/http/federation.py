"""`/v1/internal/federation-state*`: the mesh gateways of each datacenter. Consul does not document it; 1.8.7 was asked.

There is one datacenter, whose state follows from its catalog: nothing is kept of it, so it is as new as the answer, and
who waits for another one is woken by any change of the catalog.
"""

from __future__ import annotations

import datetime
from typing import Final

from lictor_agent.http.blocking import Manner, freshness_shown, meta_headers, read
from lictor_agent.http.described import BLOCKING, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.null_tags import with_null_tags
from lictor_agent.http.requests import Request, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.commands import ReadMode
from lictor_core.dumps import AllServiceHealthQuery
from lictor_core.records import JsonObject, ServiceHealth
from lictor_core.registry import Reading

__all__ = ["ROUTES"]

_MANNER: Final = Manner(marks_errors=True, is_cacheable=True)
_GATEWAYS: Final = AllServiceHealthQuery(filter='Service.Kind == "mesh-gateway"')

Found = Reading[list[ServiceHealth]]


@described("FederationStates", *BLOCKING)
async def all_states(site: Site, request: Request) -> Answer:
    """The states of all datacenters."""
    reading, mode = await _read(site, request)
    return site.answer_json(request, [_state(site, reading)], headers=meta_headers(reading, mode, _MANNER))


@described("FederationGateways", *BLOCKING)
async def gateways(site: Site, request: Request) -> Answer:
    """The mesh gateways by datacenter, of those that have any."""
    reading, mode = await _read(site, request)
    body: JsonObject = {site.datacenter: _rows(reading)} if reading.value else {}
    return site.answer_json(request, body, headers=meta_headers(reading, mode, _MANNER))


@described("FederationAnswer", *BLOCKING, tail="datacenter", also={404: "There is no such datacenter."})
async def state(site: Site, request: Request) -> Answer:
    """The state of one datacenter."""
    name = required_tail(request, "datacenter name")
    reading, mode = await _read(site, request)
    if name != site.datacenter:
        return Answer(status=404)
    body: JsonObject = {"State": _state(site, reading), **freshness_shown(reading), "Index": reading.index}
    return site.answer_json(request, body, headers=meta_headers(reading, mode, _MANNER))


async def _read(site: Site, request: Request) -> tuple[Found, ReadMode]:
    reading, mode, _ = await read(site, request, _GATEWAYS, _MANNER)
    return reading, mode


def _state(site: Site, reading: Found) -> JsonObject:
    now = datetime.datetime.fromtimestamp(site.clock.now(), datetime.UTC)
    indexes: JsonObject = {
        "UpdatedAt": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        "PrimaryModifyIndex": reading.index,
        "CreateIndex": min((row.service.create_index for row in reading.value), default=reading.index),
        "ModifyIndex": reading.index,
    }
    shown: JsonObject = {"MeshGateways": _rows(reading)} if reading.value else {}
    return {"Datacenter": site.datacenter, **shown, **indexes}


def _rows(reading: Found) -> list[JsonObject]:
    return [
        {
            "Node": row.node,
            "Service": with_null_tags(row.service),
            "Checks": [with_null_tags(check) for check in row.checks] or None,
        }
        for row in sorted(reading.value, key=lambda row: (row.node.node, row.service.id))
    ]


ROUTES: Final = (
    Route("/v1/internal/federation-states", {"GET": all_states}),
    Route("/v1/internal/federation-states/mesh-gateways", {"GET": gateways}),
    Route("/v1/internal/federation-state/", {"GET": state}),
)
