"""`/v1/openapi.json`: the description of this API for programs. Consul has no such thing."""

from __future__ import annotations

import asyncio
from typing import Final

from lictor_agent.http.described import described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.records import JsonObject

__all__ = ["ROUTES"]


@described(JsonObject)
async def document(site: Site, request: Request) -> Answer:
    """This document: every endpoint with its parameters, bodies and answers, as OpenAPI 3.1.

    It is made from the running agent's own table of routes.
    """
    # Made beside the loop, and kept by nobody: it is asked for seldom, and large.
    return site.answer_json(request, await asyncio.to_thread(_made, site.agent.identity.lictor_version))


def _made(version: str) -> JsonObject:
    from lictor_agent.http.document import openapi_document
    from lictor_agent.http.routes import ROUTES as ALL  # this route is among them

    return openapi_document(ALL, version)


ROUTES: Final = (Route("/v1/openapi.json", {"GET": document}),)
