"""`/v1/connect/ca/*`: the roots that leaves chain to, and the settings of the CA. Source: `api-docs/connect/ca`."""

from __future__ import annotations

from typing import Final

from lictor_agent.http.blocking import Manner, answer_query, read
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, NOTHING, Body, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, parse_bool
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.ca_status import CALedgerQuery, CAStatus, ca_status
from lictor_core.queries import CAConfigurationQuery, CARootsQuery
from lictor_core.records import CAConfiguration, CARoots

__all__ = ["ROOTS", "ROUTES"]

_PEM_WANTED: Final = Parameter("pem", "Certificates one after the other.", Kind.TRUTH)
ROOTS: Final = Manner(knows_leader=False, marks_errors=True)
"""Consul 1.8.7 never says here that it knows the leader, and its clients do not look."""
_PEM: Final = ("Content-Type", "application/pem-certificate-chain")
_DECODE_FAILED: Final = "Bad request: Request decode failed: "


@described(CARoots, _PEM_WANTED, *BLOCKING, media=("application/json", "application/pem-certificate-chain"))
async def roots(site: Site, request: Request) -> Answer:
    """The roots as JSON, or with `pem` as certificates one after the other."""
    if "pem" not in request.parameters:
        return await answer_query(site, request, CARootsQuery(), ROOTS)
    text = request.parameters.get("pem")
    wants_pem = True if not text else parse_bool(text)
    if wants_pem is None:
        raise Refusal(f'The "pem" query parameter must be a boolean value: "{text}" is none')
    if not wants_pem:
        return await answer_query(site, request, CARootsQuery(), ROOTS)
    reading, _, _ = await read(site, request, CARootsQuery(), ROOTS)
    chain = "".join(part for root in reading.value.roots for part in (root.root_cert, *(root.intermediate_certs or ())))
    return Answer(headers=(_PEM,), body=chain.encode())


@described(CAConfiguration, *BLOCKING)
async def get_configuration(site: Site, request: Request) -> Answer:
    """The CA's settings, without secrets."""
    reading, _, _ = await read(site, request, CAConfigurationQuery(), Manner())
    return site.answer_json(request, reading.value)


@described(CAStatus, *BLOCKING)
async def get_status(site: Site, request: Request) -> Answer:
    """How long the certificates of the mesh still live, how many leaves are about, what is replaced when. Consul has no
    such thing.
    """
    reading, _, _ = await read(site, request, CALedgerQuery(), Manner())
    return site.answer_json(request, ca_status(reading.value, site.clock.now()))


@described(NOTHING, DC, body=Body("CAToSet"))
async def put_configuration(site: Site, request: Request) -> Answer:
    """Change the CA's settings; another key makes another root."""
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=_DECODE_FAILED)
    provider = reader.text("Provider")
    config = reader.free("Config")
    forced = reader.boolean("ForceWithoutCrossSigning")
    # A configuration is sent back as it was read; what is not settable in it is overlooked.
    for name in ("CreateIndex", "ModifyIndex"):
        reader.integer(name)
    reader.text_map("State")
    reader.done()
    refuse_problems(reader, prefix=_DECODE_FAILED)
    site.check_datacenter(request.parameters.get("dc"))
    with refusing_with(500):
        await site.registry.configure_ca(provider, config or {}, forced=bool(forced), token=request.token)
    return Answer()


ROUTES: Final = (
    Route("/v1/connect/ca/configuration", {"GET": get_configuration, "PUT": put_configuration}),
    Route("/v1/connect/ca/roots", {"GET": roots}),
    Route("/v1/connect/ca/status", {"GET": get_status}),
)
