"""`/v1/internal/ui/*`: the catalog as user interfaces want it. Consul does not document it; 1.8.7 was asked."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from lictor_agent.http.blocking import Manner, answer_query, meta_headers, read
from lictor_agent.http.described import BLOCKING, FILTER, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.null_tags import with_null_tags
from lictor_agent.http.requests import Request, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.http.summaries import ServiceSummary, behind_gateway, summaries
from lictor_core.dumps import (
    AllServiceHealthQuery,
    BehindGateway,
    BehindGatewayQuery,
    NodeInFull,
    NodeInFullQuery,
    NodesInFullQuery,
)
from lictor_core.records import JsonObject

__all__ = ["ROUTES"]

_UI: Final = Manner(marks_errors=True)


@described("NodesShownInFull", *BLOCKING, FILTER)
async def nodes(site: Site, request: Request) -> Answer:
    """All nodes with their instances and checks."""
    return await answer_query(site, request, NodesInFullQuery(filter=request.filter), _UI, _all_shown)


@described("NodeShownInFull", *BLOCKING, tail="node", also={404: "There is no such node."})
async def node(site: Site, request: Request) -> Answer:
    """A node with its instances and checks."""
    reading, mode, _ = await read(site, request, NodeInFullQuery(node=required_tail(request, "node name")), _UI)
    if reading.value is None:
        return Answer(status=404)
    return site.answer_json(request, _shown(reading.value), headers=meta_headers(reading, mode, _UI))


@described(list[ServiceSummary], *BLOCKING, FILTER)
async def services(site: Site, request: Request) -> Answer:
    """All services in brief; the filter is one of instances, as for their health."""
    return await answer_query(site, request, AllServiceHealthQuery(filter=request.filter), _UI, summaries)


@described(list[ServiceSummary], *BLOCKING, tail="gateway")
async def gateway_services(site: Site, request: Request) -> Answer:
    """The services behind a gateway in brief; there are none behind what is no gateway."""
    query = BehindGatewayQuery(gateway=required_tail(request, "gateway name"))
    suffix = f".ingress.{site.datacenter}.{site.agent.identity.domain.strip('.')}."

    def brief(services: list[BehindGateway]) -> object:
        return behind_gateway(services, suffix)

    return await answer_query(site, request, query, _UI, brief)


def _all_shown(nodes: list[NodeInFull]) -> object:
    return [_shown(one) for one in nodes]


def _shown(node: NodeInFull) -> JsonObject:
    shown = cast("JsonObject", msgspec.to_builtins(msgspec.structs.replace(node, services=[], checks=[])))
    services, checks = map(with_null_tags, node.services), map(with_null_tags, node.checks)
    return {**shown, "Services": list(services), "Checks": list(checks)}


ROUTES: Final = (
    Route("/v1/internal/ui/nodes", {"GET": nodes}),
    Route("/v1/internal/ui/node/", {"GET": node}),
    Route("/v1/internal/ui/services", {"GET": services}),
    Route("/v1/internal/ui/gateway-services-nodes/", {"GET": gateway_services}),
)
