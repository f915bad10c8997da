"""`/v1/acl/{create,update,destroy,info,clone,list}`: the older API, which names tokens by their secret.

Source: Consul's document `api-docs/acl/legacy`; answers are those of 1.8.7, where its tokens live on among the others.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from lictor_agent.http.acl_bodies import read_legacy
from lictor_agent.http.acl_calls import (
    ALSO,
    KNOWN,
    UNKNOWN,
    found_headers,
    guarded,
    one_of,
    read_body,
    said,
    said_done,
)
from lictor_agent.http.acl_shown import legacy_shown
from lictor_agent.http.described import BLOCKING, DC, Body, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.acl.denial import DENIED
from lictor_core.acl.queries import TokenSelfQuery, TokensQuery
from lictor_core.acl.requests import AclAnswer, LegacyDelete, LegacyWrite
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import PermissionDeniedError

__all__ = ["ROUTES"]

_DECODING: Final = "Request decode failed"
_NO_ID: Final = "Missing ACL"


@described("Id", DC, body=Body("LegacyTokenToSet", required=False), also=ALSO)
async def create(site: Site, request: Request) -> Answer:
    """Make a token in the older form; the answer is its secret."""
    return _answer(site, request, await said(site, request, await _read(site, request, is_update=False)))


@described("Id", DC, body=Body("LegacyTokenToSet"), also=ALSO)
async def update(site: Site, request: Request) -> Answer:
    """Replace a token of the older form, or make it."""
    order = await _read(site, request, is_update=True)
    if not order.id:
        raise Refusal("ACL ID must be set")
    return _answer(site, request, await said(site, request, order))


@described(bool, DC, tail="id", also=ALSO)
async def destroy(site: Site, request: Request) -> Answer:
    """Delete a token by its secret."""
    return await said_done(site, request, LegacyDelete(id=_secret(request)))


@described("LegacyTokens", *BLOCKING, tail="id", also=ALSO)
async def info(site: Site, request: Request) -> Answer:
    """One token by its secret, which is all that is needed to see it; an empty list when there is none."""
    found, reading, mode = await one_of(site, request, TokenSelfQuery(secret_id=_secret(request)))
    shown = None if found is None else legacy_shown(found)
    return site.answer_json(request, [] if shown is None else [shown], headers=found_headers(reading, mode))


@described("Id", *BLOCKING, tail="id", also=ALSO)
async def clone(site: Site, request: Request) -> Answer:
    """Make a token like one that is named by its secret."""
    await _require_write(site, request, KNOWN)
    found, reading, mode = await one_of(site, request, TokenSelfQuery(secret_id=_secret(request)))
    shown = None if found is None else legacy_shown(found)
    if shown is None:
        raise Refusal(DENIED, status=403, headers=found_headers(reading, mode))
    order = LegacyWrite(name=str(shown["Name"]), type=str(shown["Type"]), rules=str(shown["Rules"]))
    answer = await said(site, request, order)
    return _answer(site, request, answer, headers=found_headers(reading, mode))


@described("LegacyTokens", *BLOCKING, also=ALSO)
async def list_all(site: Site, request: Request) -> Answer:
    """All tokens that the older form can express, with their secrets: for who may write them."""
    await _require_write(site, request)
    tokens, reading, mode = await one_of(site, request, TokensQuery())
    shown = [legacy for token in tokens or [] if (legacy := legacy_shown(token)) is not None]
    return site.answer_json(request, shown, headers=found_headers(reading, mode))


async def _read(site: Site, request: Request, *, is_update: bool) -> LegacyWrite:
    if request.content_length == 0:
        return LegacyWrite(is_update=is_update)
    return await read_body(site, request, _DECODING, partial(read_legacy, is_update=is_update), prefix="")


async def _require_write(site: Site, request: Request, headers: tuple[tuple[str, str], ...] = UNKNOWN) -> None:
    """The answer has secrets, or makes one: reading is not enough."""
    try:
        (await site.caller(request)).authorizer.require(Resource.ACL, access=Access.WRITE)
    except PermissionDeniedError as error:
        raise Refusal(str(error), status=403, headers=headers) from error


def _secret(request: Request) -> str:
    if not request.tail:
        raise Refusal(_NO_ID)
    return request.tail


def _answer(site: Site, request: Request, answer: AclAnswer, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    assert answer.token is not None, "the leader answers with the token"
    return site.answer_json(request, {"ID": answer.token.secret_id}, headers=headers)


ROUTES: Final = (
    Route("/v1/acl/create", {"PUT": guarded(create)}),
    Route("/v1/acl/update", {"PUT": guarded(update)}),
    Route("/v1/acl/destroy/", {"PUT": guarded(destroy)}),
    Route("/v1/acl/info/", {"GET": guarded(info)}),
    Route("/v1/acl/clone/", {"PUT": guarded(clone)}),
    Route("/v1/acl/list", {"GET": guarded(list_all)}),
)
