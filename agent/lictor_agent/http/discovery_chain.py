"""`/v1/discovery-chain/:service`: what requests to a service go through.

Source: Consul's document `api-docs/discovery-chain`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lictor_agent.http.blocking import CATALOG, answer_query, meta_headers, read
from lictor_agent.http.bodies import read_mapping
from lictor_agent.http.described import BLOCKING, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.reading import Reader
from lictor_core.config_records import ChainAnswer
from lictor_core.durations import format_duration
from lictor_core.queries import DiscoveryChainQuery
from lictor_core.records import JsonObject

__all__ = ["ROUTES"]

_CACHEABLE: Final = replace(CATALOG, is_cacheable=True)
_COMPILED_FOR: Final = Parameter("compile-dc", "The datacenter whose chain is meant; this one by default.")
_DECODE_FAILED: Final = "Bad request: Request decoding failed: "
_MODES: Final = ("", "none", "local", "remote")


@described("ChainShown", *BLOCKING, _COMPILED_FOR, tail="service")
async def get(site: Site, request: Request) -> Answer:
    """The chain as the entries make it."""
    query = DiscoveryChainQuery(service=_service(request), datacenter=request.parameters.get("compile-dc"))
    return await answer_query(site, request, query, _CACHEABLE, _shown)


@described("ChainShown", *BLOCKING, _COMPILED_FOR, tail="service", body=Body("ChainOverrides"))
async def post(site: Site, request: Request) -> Answer:
    """The chain with the asker's own protocol, timeout and gateways in place of what the entries say."""
    service = _service(request)
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=_DECODE_FAILED)
    timeout_s = reader.duration("OverrideConnectTimeout")
    protocol = reader.text("OverrideProtocol")
    gateway = reader.child("OverrideMeshGateway")
    mode = gateway.text("Mode") if gateway is not None else ""
    _refuse_problems(reader)
    if mode not in _MODES:
        raise Refusal(f"Invalid OverrideMeshGateway.Mode parameter: it is none, local or remote, not {mode[:40]!r}")
    query = DiscoveryChainQuery(
        service=service,
        datacenter=request.parameters.get("compile-dc"),
        protocol=protocol,
        connect_timeout=format_duration(timeout_s) if timeout_s > 0 else "",
        mesh_gateway=mode,
    )
    reading, read_mode, _ = await read(site, request, query, _CACHEABLE)
    # The body is part of the question: an answer to it is good for no other request.
    return site.answer_json(request, _shown(reading.value), headers=meta_headers(reading, read_mode, CATALOG))


def _service(request: Request) -> str:
    if not request.tail:
        raise Refusal("Bad request: Missing chain name")
    return request.tail


def _refuse_problems(reader: Reader) -> None:
    """Keys that nobody knows are overlooked, as by Consul: later versions have more of them."""
    if reader.problems:
        raise Refusal(_DECODE_FAILED + "; ".join(str(one) for one in reader.problems))


def _shown(answer: ChainAnswer) -> JsonObject:
    if answer.chain is None:
        raise Refusal(answer.flaw, status=500)
    return {"Chain": answer.chain}


ROUTES: Final = (Route("/v1/discovery-chain/", {"GET": get, "POST": post}),)
