"""`/v1/internal/service-virtual-ip`: which service of the mesh has which virtual address, `<service>.virtual` in DNS.

Later versions of Consul have the path for setting further addresses; this lists those that were given.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.blocking import CATALOG, answer_query
from lictor_agent.http.described import BLOCKING, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.virtual_addresses import VirtualAddress, VirtualAddressesQuery

__all__ = ["ROUTES"]


@described(list[VirtualAddress], *BLOCKING)
async def addresses(site: Site, request: Request) -> Answer:
    """The services that have a virtual address, by name in lower case."""
    return await answer_query(site, request, VirtualAddressesQuery(), CATALOG)


ROUTES: Final = (Route("/v1/internal/service-virtual-ip", {"GET": addresses}),)
