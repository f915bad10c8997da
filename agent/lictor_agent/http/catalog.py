"""`/v1/catalog/*`: nodes, services and instances as the servers know them. Source: Consul's `api-docs/catalog`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from lictor_agent.http.blocking import CACHED_MISS, CATALOG, answer_query, cache_headers
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import (
    BLOCKING,
    CACHE_CONTROL,
    CACHED,
    CONSISTENT,
    DC,
    FILTER,
    LEADER,
    MAX_STALE,
    NEAR,
    NODE_META,
    STALE,
    TAG,
    Body,
    described,
)
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.registrations import read_registration, service_flaw
from lictor_agent.http.requests import Request, cache_control, freshness, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.http.uuids import UUID_CHARS, first_bad_digit
from lictor_core.commands import Deregister, ReadMode, Register
from lictor_core.config_records import GatewayService
from lictor_core.errors import LictorError
from lictor_core.queries import (
    DatacentersQuery,
    GatewayServicesQuery,
    NodeHasAgentQuery,
    NodeServiceListQuery,
    NodeServicesQuery,
    NodesQuery,
    ServiceInstancesQuery,
    ServicesQuery,
)
from lictor_core.records import CatalogService, Node, NodeServiceList, NodeServices
from lictor_core.registry import ReadOptions

__all__ = ["ROUTES", "id_flaw"]

_CACHEABLE: Final = replace(CATALOG, is_cacheable=True)
_WARNING: Final = "X-Lictor-Warning"
_HEADER_SAFE: Final = " "
_UUID_DASHES: Final = (8, 13, 18, 23)


@described(list[Node], *BLOCKING, NODE_META, NEAR, FILTER)
async def nodes(site: Site, request: Request) -> Answer:
    """All nodes."""
    query = NodesQuery(node_meta=request.parameters.pairs("node-meta"), near=site.near(request), filter=request.filter)
    return await answer_query(site, request, query, CATALOG)


@described(dict[str, list[str]], *BLOCKING, NODE_META)
async def services(site: Site, request: Request) -> Answer:
    """All service names with their tags."""
    query = ServicesQuery(node_meta=request.parameters.pairs("node-meta"))
    return await answer_query(site, request, query, _CACHEABLE)


@described(list[str], STALE, CONSISTENT, LEADER, MAX_STALE, CACHED, CACHE_CONTROL, headers=("X-Cache", "Age"))
async def datacenters(site: Site, request: Request) -> Answer:
    """The known datacenters. It neither blocks nor looks at `dc`, and says nothing of its index, as in Consul."""
    options = freshness(request)
    if not (request.is_cached and site.settings.use_cache):
        reading = await site.registry.read(DatacentersQuery(), options)
        return site.answer_json(request, reading.value)
    control = cache_control(request)
    kept = await site.agent.kept.read(DatacentersQuery(), ReadOptions(token=request.token))
    was_asked = site.recall("datacenters")
    is_hit = was_asked if kept.is_hit is None else kept.is_hit
    if is_hit and control.max_age_s is not None and (kept.age_s > control.max_age_s or control.max_age_s == 0):
        try:
            reading = await site.registry.read(DatacentersQuery(), options)
            return site.answer_json(request, reading.value, headers=CACHED_MISS)
        except LictorError:
            if kept.age_s > control.stale_if_error_s:
                raise
    return site.answer_json(request, kept.reading.value, headers=cache_headers(kept, is_hit=is_hit))


@described(list[CatalogService], *BLOCKING, TAG, NODE_META, NEAR, FILTER, tail="service")
async def service(site: Site, request: Request) -> Answer:
    """The instances of a service."""
    return await _instances(site, request, request.parameters.all("tag"), connect=False)


@described(list[CatalogService], *BLOCKING, NODE_META, NEAR, FILTER, tail="service")
async def connect(site: Site, request: Request) -> Answer:
    """The mesh-capable instances of a service."""
    # Consul overlooks tags here: a proxy stands for its service whatever its own tags are.
    return await _instances(site, request, (), connect=True)


@described(NodeServices | None, *BLOCKING, FILTER, tail="node")
async def node(site: Site, request: Request) -> Answer:
    """A node with its instances by id."""
    query = NodeServicesQuery(node=required_tail(request, "node name"), filter=request.filter)
    return await answer_query(site, request, query, CATALOG)


@described("CatalogNodeServices", *BLOCKING, FILTER, tail="node")
async def node_services(site: Site, request: Request) -> Answer:
    """A node with its instances in a list."""
    query = NodeServiceListQuery(node=required_tail(request, "node name"), filter=request.filter)
    shape = _null_without_node if query.filter else _null_when_empty
    return await answer_query(site, request, query, CATALOG, shape=shape)


@described(list[GatewayService] | None, *BLOCKING, tail="gateway")
async def gateway_services(site: Site, request: Request) -> Answer:
    """The services behind a gateway."""
    query = GatewayServicesQuery(gateway=required_tail(request, "gateway name"))
    return await answer_query(site, request, query, _CACHEABLE, shape=_rows_or_null)


@described(bool, DC, body=Body("CatalogRegistration"), headers=(_WARNING,))
async def register(site: Site, request: Request) -> Answer:
    """Create or replace a node, an instance and checks."""
    reader = await read_mapping(request, site.settings.body_bytes_max)
    registration = read_registration(reader, site.datacenter)
    refuse_problems(reader)
    command = registration.command
    if not command.node.node:
        raise Refusal("Must provide node", status=500)
    if not command.node.address and not command.skip_node_update:
        raise Refusal("Must provide address if SkipNodeUpdate is not set", status=500)
    if (flaw := id_flaw(command.node.id)) is not None:
        raise Refusal(f"Bad node ID: {flaw}", status=500)
    _check_service(command)
    site.check_datacenter(registration.datacenter or request.parameters.get("dc"))
    with refusing_with(500):
        await site.registry.write(command, token=request.token)
    return site.answer_json(request, True, headers=await _warning(site, command, request.token))


@described(bool, DC, body=Body("CatalogRemoval"))
async def deregister(site: Site, request: Request) -> Answer:
    """Remove a check, an instance or a whole node."""
    reader = await read_mapping(request, site.settings.body_bytes_max)
    datacenter = reader.text("Datacenter")
    command = Deregister(node=reader.text("Node"), service_id=reader.text("ServiceID"), check_id=reader.text("CheckID"))
    reader.text("Address")
    reader.done()
    refuse_problems(reader)
    if not command.node:
        raise Refusal("Must provide node", status=500)
    site.check_datacenter(datacenter or request.parameters.get("dc"))
    with refusing_with(500):
        await site.registry.write(command, token=request.token)
    return site.answer_json(request, True)


async def _warning(site: Site, command: Register, token: str) -> tuple[tuple[str, str], ...]:
    """What to tell who registers something on a node that an agent answers for; Consul lets it vanish in silence."""
    if command.service is None and not command.checks:
        return ()
    try:
        stale = ReadOptions(mode=ReadMode.STALE, token=token)
        reading = await site.registry.read(NodeHasAgentQuery(node=command.node.node), stale)
    except LictorError:
        return ()  # it is registered: what could be said besides is not worth an error
    if not reading.value:
        return ()
    node = quote(command.node.node, safe=_HEADER_SAFE)
    return ((_WARNING, f"the agent of node {node} removes what it does not know: register it through that agent"),)


async def _instances(site: Site, request: Request, tags: tuple[str, ...], *, connect: bool) -> Answer:
    query = ServiceInstancesQuery(
        service=required_tail(request, "service name"),
        tags=tags,
        node_meta=request.parameters.pairs("node-meta"),
        near=site.near(request),
        connect=connect,
        filter=request.filter,
    )
    return await answer_query(site, request, query, _CACHEABLE)


def _check_service(command: Register) -> None:
    if (flaw := service_flaw(command)) is not None:
        raise Refusal(flaw, status=500)
    for check in command.checks:
        if check.node.lower() != command.node.node.lower():
            raise Refusal(f'check node "{check.node}" does not match node "{command.node.node}"', status=500)
        if not check.check_id:
            raise Refusal("Must provide check name or CheckID", status=500)


def id_flaw(node_id: str) -> str | None:
    """Why this cannot be the id of a node, in Consul's words; None when it can, or is none."""
    if not node_id:
        return None
    if len(node_id) != UUID_CHARS:
        return "uuid string is wrong length"
    if any(node_id[place] != "-" for place in _UUID_DASHES):
        return "uuid is improperly formatted"
    return first_bad_digit(node_id.replace("-", ""))


def _null_without_node(value: NodeServiceList) -> dict[str, object]:
    return {"Node": value.node, "Services": None if value.node is None else value.services}


def _null_when_empty(value: NodeServiceList) -> dict[str, object]:
    return {"Node": value.node, "Services": value.services or None}


def _rows_or_null(rows: list[GatewayService]) -> list[GatewayService] | None:
    return rows or None


ROUTES: Final = (
    Route("/v1/catalog/register", {"PUT": register}),
    Route("/v1/catalog/deregister", {"PUT": deregister}),
    Route("/v1/catalog/datacenters", {"GET": datacenters}),
    Route("/v1/catalog/nodes", {"GET": nodes}),
    Route("/v1/catalog/services", {"GET": services}),
    Route("/v1/catalog/service/", {"GET": service}),
    Route("/v1/catalog/connect/", {"GET": connect}),
    Route("/v1/catalog/gateway-services/", {"GET": gateway_services}),
    Route("/v1/catalog/node/", {"GET": node}),
    Route("/v1/catalog/node-services/", {"GET": node_services}),
)
