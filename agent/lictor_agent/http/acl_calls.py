"""What all endpoints below `/v1/acl/` have in common: whether there is access control, bodies, calls, answers.

Consul's answers, asked of 1.8.7: what is wrong in a body is 400, what is wrong in its meaning 500, who may not 403. A
token or policy that is not there is 403 as well, other things that are not there 404.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final, TypeVar

from lictor_agent.http.blocking import Manner, answer_query, meta_headers, read
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Endpoint
from lictor_agent.http.site import Site
from lictor_agent.http.uuids import uuid_flaw
from lictor_config.reading import Reader
from lictor_core.acl.requests import AclAnswer, AclOrder
from lictor_core.commands import ReadMode
from lictor_core.queries import Query
from lictor_core.registry import Reading

__all__ = [
    "ALSO",
    "BAD",
    "KNOWN",
    "MANNER",
    "NOT_FOUND",
    "UNKNOWN",
    "found_headers",
    "guarded",
    "list_of",
    "one_of",
    "read_body",
    "required",
    "said",
    "said_done",
    "show_one",
]

T = TypeVar("T")

NOT_FOUND: Final = "ACL not found"
"""What Consul says of a token or policy that is not there: clients look for it."""
BAD: Final = "Bad request: "
MANNER: Final = Manner(marks_errors=True)
ALSO: Final = {401: "The cluster has no access control."}
UNKNOWN: Final = (("X-Consul-Index", "1"), ("X-Consul-Knownleader", "false"), ("X-Consul-Lastcontact", "0"))
"""How fresh a refusal is that nobody had to be asked for."""
KNOWN: Final = (("X-Consul-Index", "1"), ("X-Consul-Knownleader", "true"), ("X-Consul-Lastcontact", "0"))
"""The same where Consul looked first."""
_OFF: Final = "ACL support disabled"


def guarded(endpoint: Endpoint) -> Endpoint:
    """`endpoint`, which a cluster without access control does not have: 401, whatever is asked or sent."""

    @wraps(endpoint)
    async def answer(site: Site, request: Request) -> Answer:
        if not site.agent.configuration.acl.enabled:
            raise Refusal(_OFF, status=401)
        return await endpoint(site, request)

    return answer


def required(tail: str, what: str) -> str:
    """What follows the path. Raises a `Refusal` when nothing does."""
    if not tail:
        raise Refusal(f"{BAD}Missing {what}")
    return tail


async def read_body(
    site: Site, request: Request, what: str, read_one: Callable[[Reader], T], *, prefix: str = BAD
) -> T:
    """What `read_one` makes of the JSON object that was sent. Raises a `Refusal` that names `what` it was to be."""
    prefix = f"{prefix}{what}: "
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=prefix)
    found = read_one(reader)
    refuse_problems(reader, prefix=prefix)
    return found


async def said(site: Site, request: Request, order: AclOrder) -> AclAnswer:
    """What the leader answers to `order` of the caller."""
    site.check_datacenter(request.parameters.get("dc"))
    return await site.registry.acl(order, token=request.token)


async def said_done(site: Site, request: Request, order: AclOrder) -> Answer:
    """That the leader has done what `order` of the caller says."""
    await said(site, request, order)
    return site.answer_json(request, True)


async def one_of(
    site: Site, request: Request, query: Query[T | None], *, id: str = "", what: str = ""
) -> tuple[T | None, Reading[T | None], ReadMode]:
    """One thing, or None; with `id`, the name of a `what`, one that is no UUID is refused once it is known who asks."""
    reading, mode, _ = await read(site, request, query, MANNER)
    if id and (flaw := uuid_flaw(id)) is not None:
        raise Refusal(f"failed acl {what} lookup: index error: {flaw}", status=500, headers=UNKNOWN)
    return reading.value, reading, mode


async def show_one(
    site: Site,
    request: Request,
    query: Query[T | None],
    *,
    id: str = "",
    what: str = "",
    shape: Callable[[T], object] | None = None,
    is_hidden: bool = False,
) -> Answer:
    """One thing, found as by `one_of`, as `shape` makes it; 404 where there is none.

    With `is_hidden` that is a `Refusal` of 403 instead.
    """
    found, reading, mode = await one_of(site, request, query, id=id, what=what)
    headers = found_headers(reading, mode)
    if found is not None:
        return site.answer_json(request, found if shape is None else shape(found), headers=headers)
    if is_hidden:
        raise Refusal(NOT_FOUND, status=403, headers=headers)
    return Answer(status=404)


def found_headers(reading: Reading[T], mode: ReadMode) -> tuple[tuple[str, str], ...]:
    """How fresh an answer is."""
    return meta_headers(reading, mode, MANNER)


async def list_of(site: Site, request: Request, query: Query[T], shape: Callable[[T], object] | None = None) -> Answer:
    """The answer to a question for several things."""
    return await answer_query(site, request, query, MANNER, shape)
