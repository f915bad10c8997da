"""`/v1/agent/token/<slot>`: the tokens that this agent uses. Source: Consul's document `api-docs/agent/index`."""

from __future__ import annotations

from typing import Final

from lictor_agent.acl.slots import NAMES
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import NOTHING, Body, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site

__all__ = ["ROUTES"]

_ALSO: Final = {401: "The agent has no access control.", 404: "There is no such slot."}


@described(NOTHING, tail="slot", body=Body("AgentToken"), also=_ALSO)
async def tell(site: Site, request: Request) -> Answer:
    """Have the agent use another token from now on: `default`, `agent`, `agent_recovery` or `replication`."""
    agent = site.agent
    if not agent.identity.acls_enabled:
        raise Refusal("ACL support disabled", status=401)
    reader = await read_mapping(request, site.settings.body_bytes_max)
    secret = reader.text("Token")
    reader.done()
    refuse_problems(reader)
    slot = NAMES.get(request.tail)
    if slot is None:
        raise Refusal(f'Token "{request.tail[:64]}" is unknown', status=404)
    await agent.gate.tell(slot, secret)
    return Answer()


ROUTES: Final = (Route("/v1/agent/token/", {"PUT": tell}),)
