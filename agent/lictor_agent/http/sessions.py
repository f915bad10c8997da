"""`/v1/session/*`: sessions, by which keys are locked. Source: Consul's document `api-docs/session`.

Statuses and texts of refusals are those of Consul 1.8.7, where most are 500.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.blocking import Manner, answer_query, read
from lictor_agent.http.bodies import refuse_problems
from lictor_agent.http.described import BLOCKING, DC, Body, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.session_bodies import read_body, read_session
from lictor_agent.http.site import Site
from lictor_agent.http.uuids import uuid_flaw
from lictor_core.commands import SessionCreate, SessionDestroy
from lictor_core.queries import NodeSessionsQuery, SessionQuery, SessionsQuery
from lictor_core.records import Session

__all__ = ["ROUTES"]

_SESSIONS: Final = Manner(marks_errors=True)


@described("Id", DC, body=Body("SessionToCreate", required=False))
async def create(site: Site, request: Request) -> Answer:
    """Begin a session on this node, or the one that the body names; the answer names its id."""
    site.check_datacenter(request.parameters.get("dc"))
    reader = await read_body(request, site.settings.body_bytes_max)
    with refusing_with(500):
        session = read_session(reader, id=site.rng.uuid4(), own_node=site.agent.identity.node_name)
        refuse_problems(reader)
        await site.registry.write(SessionCreate(session=session), token=request.token)
    return site.answer_json(request, {"ID": session.id})


@described(bool, DC, tail="session")
async def destroy(site: Site, request: Request) -> Answer:
    """End a session; true also when there was none."""
    session_id = required_tail(request, "session")
    site.check_datacenter(request.parameters.get("dc"))
    _check_id(session_id)
    with refusing_with(500):
        outcome = await site.registry.write(SessionDestroy(id=session_id), token=request.token)
    return site.answer_json(request, outcome.value)


@described(list[Session], DC, tail="session", also={404: "There is no such session."})
async def renew(site: Site, request: Request) -> Answer:
    """Begin a session's TTL anew."""
    session_id = required_tail(request, "session")
    site.check_datacenter(request.parameters.get("dc"))
    _check_id(session_id)
    session = await site.registry.renew_session(session_id, token=request.token)
    if session is None:
        raise Refusal(f"Session id '{session_id}' not found", status=404)
    return site.answer_json(request, [session])


@described(list[Session], *BLOCKING, tail="session")
async def info(site: Site, request: Request) -> Answer:
    """One session in a list, which is empty when there is none."""
    session_id = required_tail(request, "session")
    if (flaw := uuid_flaw(session_id)) is not None:
        # The reading is made all the same: its errors come first, and those have the headers of an index.
        await read(site, request, SessionsQuery(), _SESSIONS)
        headers = (("X-Consul-Index", "1"), ("X-Consul-Knownleader", "false"), ("X-Consul-Lastcontact", "0"))
        raise Refusal(_lookup_failed(flaw), status=500, headers=headers)
    return await answer_query(site, request, SessionQuery(id=session_id), _SESSIONS, _listed)


@described(list[Session], *BLOCKING, tail="node")
async def on_node(site: Site, request: Request) -> Answer:
    """The sessions of a node."""
    node = required_tail(request, "node name")
    return await answer_query(site, request, NodeSessionsQuery(node=node), _SESSIONS)


@described(list[Session], *BLOCKING)
async def list_all(site: Site, request: Request) -> Answer:
    """All sessions."""
    return await answer_query(site, request, SessionsQuery(), _SESSIONS)


def _listed(session: Session | None) -> list[Session]:
    return [] if session is None else [session]


def _check_id(session_id: str) -> None:
    if (flaw := uuid_flaw(session_id)) is not None:
        raise Refusal(_lookup_failed(flaw), status=500)


def _lookup_failed(flaw: str) -> str:
    return f"failed session lookup: index error: {flaw}"


ROUTES: Final = (
    Route("/v1/session/create", {"PUT": create}),
    Route("/v1/session/destroy/", {"PUT": destroy}),
    Route("/v1/session/renew/", {"PUT": renew}),
    Route("/v1/session/info/", {"GET": info}),
    Route("/v1/session/node/", {"GET": on_node}),
    Route("/v1/session/list", {"GET": list_all}),
)
