"""`/v1/health/*`: instances and their checks, checks by node, service and state. Source: Consul's `api-docs/health`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lictor_agent.http.blocking import CATALOG, answer_query
from lictor_agent.http.described import BLOCKING, FILTER, NEAR, NODE_META, TAG, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request, parse_bool, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.queries import (
    ChecksInStateQuery,
    IngressHealthQuery,
    NodeChecksQuery,
    ServiceChecksQuery,
    ServiceHealthQuery,
)
from lictor_core.records import Check, ServiceHealth

__all__ = ["ROUTES"]

_PASSING: Final = Parameter("passing", "Only instances whose checks all pass.", Kind.TRUTH)
_CACHEABLE: Final = replace(CATALOG, is_cacheable=True)


@described(list[Check], *BLOCKING, FILTER, tail="node")
async def node(site: Site, request: Request) -> Answer:
    """All checks of a node."""
    query = NodeChecksQuery(node=required_tail(request, "node name"), filter=request.filter)
    return await answer_query(site, request, query, CATALOG)


@described(list[Check], *BLOCKING, NODE_META, NEAR, FILTER, tail="service")
async def checks(site: Site, request: Request) -> Answer:
    """The checks of a service's instances."""
    query = ServiceChecksQuery(
        service=required_tail(request, "service name"),
        node_meta=request.parameters.pairs("node-meta"),
        near=site.near(request),
        filter=request.filter,
    )
    return await answer_query(site, request, query, CATALOG)


@described(list[Check], *BLOCKING, NODE_META, NEAR, FILTER, tail="state")
async def state(site: Site, request: Request) -> Answer:
    """All checks in a state."""
    query = ChecksInStateQuery(
        state=required_tail(request, "check state"),
        node_meta=request.parameters.pairs("node-meta"),
        near=site.near(request),
        filter=request.filter,
    )
    return await answer_query(site, request, query, CATALOG)


@described(list[ServiceHealth], *BLOCKING, TAG, NODE_META, NEAR, _PASSING, FILTER, tail="service")
async def service(site: Site, request: Request) -> Answer:
    """The instances of a service with their checks."""
    return await _instances(site, request, request.parameters.all("tag"), connect=False)


@described(list[ServiceHealth], *BLOCKING, NODE_META, NEAR, _PASSING, FILTER, tail="service")
async def connect(site: Site, request: Request) -> Answer:
    """The mesh-capable instances of a service with their checks."""
    # Consul overlooks tags here: a proxy stands for its service whatever its own tags are.
    return await _instances(site, request, (), connect=True)


@described(list[ServiceHealth], *BLOCKING, NODE_META, NEAR, _PASSING, FILTER, tail="service")
async def ingress(site: Site, request: Request) -> Answer:
    """The instances of the gateways that let traffic in to a service, with their checks."""
    passing = _wants_passing(request)
    query = IngressHealthQuery(
        service=required_tail(request, "service name"),
        node_meta=request.parameters.pairs("node-meta"),
        near=site.near(request),
        passing=passing is True,
        filter=request.filter,
    )
    answer = await answer_query(site, request, query, CATALOG)
    if passing is None:
        raise Refusal("Invalid value for ?passing")
    return answer


async def _instances(site: Site, request: Request, tags: tuple[str, ...], *, connect: bool) -> Answer:
    passing = _wants_passing(request)
    query = ServiceHealthQuery(
        service=required_tail(request, "service name"),
        tags=tags,
        node_meta=request.parameters.pairs("node-meta"),
        near=site.near(request),
        connect=connect,
        passing=passing is True,
        filter=request.filter,
    )
    answer = await answer_query(site, request, query, _CACHEABLE)
    if passing is None:  # Consul looks at it last: whatever else is wrong is told first
        raise Refusal("Invalid value for ?passing")
    return answer


def _wants_passing(request: Request) -> bool | None:
    """None for what is no truth value."""
    if "passing" not in request.parameters:
        return False
    text = request.parameters.get("passing")
    if not text:
        return True  # `?passing` alone means yes
    return parse_bool(text)


ROUTES: Final = (
    Route("/v1/health/node/", {"GET": node}),
    Route("/v1/health/checks/", {"GET": checks}),
    Route("/v1/health/state/", {"GET": state}),
    Route("/v1/health/service/", {"GET": service}),
    Route("/v1/health/connect/", {"GET": connect}),
    Route("/v1/health/ingress/", {"GET": ingress}),
)
