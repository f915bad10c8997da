"""`/v1/acl/{bootstrap,replication,rules/translate}` and `/v1/internal/acl/{authorize,explain}`.

Sources: Consul's document `api-docs/acl/index`; answers are those of 1.8.7, which documents `authorize`
nowhere and has no `explain`.
"""

from __future__ import annotations

from typing import Final, cast

from lictor_agent.http.acl_calls import (
    ALSO,
    BAD,
    NOT_FOUND,
    found_headers,
    guarded,
    one_of,
    required,
    said,
)
from lictor_agent.http.acl_shown import token_shown
from lictor_agent.http.bodies import read_json, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.reading import Dialect, Reader
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.explained import AclExplanation
from lictor_core.acl.policies import POLICY_BYTES_MAX
from lictor_core.acl.queries import TokenQuery
from lictor_core.acl.requests import Bootstrap, Explain
from lictor_core.acl.rules import Access, Resource
from lictor_core.records import JsonObject

__all__ = ["AUTHORIZATIONS_MAX", "ROUTES"]

AUTHORIZATIONS_MAX: Final = 64
"""Questions in one request of `/v1/internal/acl/{authorize,explain}`."""
_NEVER: Final = "0001-01-01T00:00:00Z"
_NOT_REPLICATED: Final[JsonObject] = {
    "Enabled": False,
    "Running": False,
    "SourceDatacenter": "",
    "ReplicationType": "",
    "ReplicatedIndex": 0,
    "ReplicatedRoleIndex": 0,
    "ReplicatedTokenIndex": 0,
    "LastSuccess": _NEVER,
    "LastError": _NEVER,
}
_AUTHORIZE_DECODING: Final = f"{BAD}Failed to decode request body: "
_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")
_RESOURCES: Final = tuple(str(one) for one in Resource)
_ACCESSES: Final = tuple(one.word for one in Access if one is not Access.DENY)
_EXPLAINED: Final = (
    Parameter("accessor", "Whose rights are meant.", required=True),
    Parameter("resource", "What kind of thing it is about.", required=True, choices=_RESOURCES),
    Parameter("name", "Its name, where such things have one."),
    Parameter("access", "What would be done; `read` where it is not said.", choices=_ACCESSES),
)
_WRITE_PREFIX: Final = "write-prefix"
_ASKED: Final = {"key": ("read", "list", "write", _WRITE_PREFIX)}
_USUALLY_ASKED: Final = ("read", "write")


@described("BootstrapToken", DC, also=ALSO)
async def bootstrap(site: Site, request: Request) -> Answer:
    """The first token of a cluster, which may do everything. It is made once."""
    answer = await said(site, request, Bootstrap())
    assert answer.token is not None, "the leader answers with the token"
    return site.answer_json(request, {"ID": answer.token.secret_id, **token_shown(answer.token)})


@described("AclReplication", DC, also=ALSO)
async def replication(site: Site, request: Request) -> Answer:
    """How tokens come from another datacenter: they do not, there is one."""
    site.check_datacenter(request.parameters.get("dc"))
    return site.answer_json(request, _NOT_REPLICATED)


@described(str, media=("text/plain",), body=Body(str, "text/plain", required=False), also=ALSO)
async def translate(site: Site, request: Request) -> Answer:
    """Rules in the words of before 1.4 in those of today."""
    (await site.caller(request)).authorizer.require(Resource.ACL)
    return await _translated(await request.read_body(POLICY_BYTES_MAX))


@described(str, *BLOCKING, media=("text/plain",), tail="accessor_id", also=ALSO)
async def translate_token(site: Site, request: Request) -> Answer:
    """The rules that stand in a token of before 1.4 in the words of today."""
    accessor = required(request.tail, "token ID")
    found, reading, mode = await one_of(site, request, TokenQuery(accessor_id=accessor), id=accessor, what="token")
    headers = found_headers(reading, mode)
    if found is None:
        raise Refusal(NOT_FOUND, status=403, headers=headers)
    if not found.rules:
        raise Refusal("The specified token does not have any rules set", status=500, headers=headers)
    return await _translated(found.rules.encode())


@described("AclVerdicts", DC, body=Body("AclQuestions"), also=ALSO)
async def authorize(site: Site, request: Request) -> Answer:
    """Which of several things the caller may do."""
    value = await read_json(request, site.settings.body_bytes_max, prefix=_AUTHORIZE_DECODING)
    if not isinstance(value, list | None):
        raise Refusal(f"{_AUTHORIZE_DECODING}a list of questions is needed, each with Resource, Segment, Access")
    questions = _questions(cast("list[object]", value or []))
    if len(questions) > AUTHORIZATIONS_MAX:
        raise Refusal(f"{BAD}Refusing to process more than {AUTHORIZATIONS_MAX} authorizations at once")
    site.check_datacenter(request.parameters.get("dc"))
    authorizer = (await site.caller(request)).authorizer
    return site.answer_json(request, [_judged(authorizer, *question) for question in questions])


@described(AclExplanation, DC, *_EXPLAINED, also={**ALSO, 404: "There is no such token."})
async def explain(site: Site, request: Request) -> Answer:
    """Why a token may do something or not: every rule that speaks of it, and what brings it."""
    parameters = request.parameters
    resource, access = parameters.get("resource"), parameters.get("access") or "read"
    name, accessor = parameters.get("name"), parameters.get("accessor")
    if resource not in _RESOURCES:
        raise Refusal(f"{BAD}Invalid ACL resource requested: {resource[:64]!r}; there are {', '.join(_RESOURCES)}")
    if access not in _ACCESSES:
        raise Refusal(f"{BAD}Invalid access level: {access[:64]!r}; there are {', '.join(_ACCESSES)}")
    if not accessor:
        raise Refusal(f"{BAD}Missing accessor: whose rights are meant")
    order = Explain(accessor_id=accessor, resource=Resource(resource), name=name, access=Access[access.upper()])
    return site.answer_json(request, (await said(site, request, order)).explanation)


def _questions(values: list[object]) -> list[tuple[str, str, str]]:
    """Resource, segment and access of each; what is wrong in their form raises a `Refusal`."""
    root = Reader({"questions": values}, dialect=Dialect.HTTP)
    found: list[tuple[str, str, str]] = []
    for child in root.children("questions"):
        found.append((child.text("Resource"), child.text("Segment"), child.text("Access")))
        child.done()
    refuse_problems(root, prefix=_AUTHORIZE_DECODING)
    return found


def _judged(authorizer: Authorizer, resource: str, segment: str, access: str) -> JsonObject:
    if resource not in _RESOURCES:
        raise Refusal(f'{BAD}Invalid ACL resource requested: "{resource[:64]}"')
    if access not in _ASKED.get(resource, _USUALLY_ASKED):
        raise Refusal(f"{BAD}Invalid access level for {resource} resource: {access[:64]}")
    if access == _WRITE_PREFIX:
        allowed = authorizer.allows_under(segment)
    else:
        allowed = authorizer.allows(Resource(resource), segment, Access[access.upper()])
    shown: JsonObject = {"Resource": resource, "Access": access, "Allow": allowed}
    return {**shown, "Segment": segment} if segment else shown


async def _translated(rules: bytes) -> Answer:
    from lictor_server.acl.texts import translated_text  # a client agent carries nothing of the servers until asked to

    with refusing_with(400, f"{BAD}Failed to parse rules: "):
        text = translated_text(rules.decode(errors="replace"))
    return Answer(headers=(_TEXT,), body=text.encode()) if text else Answer()


ROUTES: Final = (
    Route("/v1/acl/bootstrap", {"PUT": guarded(bootstrap)}),
    Route("/v1/acl/replication", {"GET": guarded(replication)}),
    Route("/v1/acl/rules/translate", {"POST": guarded(translate)}),
    Route("/v1/acl/rules/translate/", {"GET": guarded(translate_token)}),
    Route("/v1/internal/acl/explain", {"GET": guarded(explain)}),
    Route("/v1/internal/acl/authorize", {"POST": guarded(authorize)}),
)
