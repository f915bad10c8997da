"""`/v1/acl/token*`, `/v1/acl/tokens`. Source: Consul's document `api-docs/acl/tokens`; answers are those of 1.8.7."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_agent.http.acl_bodies import TokenDraft, read_clone, read_token
from lictor_agent.http.acl_calls import (
    ALSO,
    BAD,
    KNOWN,
    NOT_FOUND,
    UNKNOWN,
    found_headers,
    guarded,
    list_of,
    one_of,
    read_body,
    required,
    said,
    said_done,
    show_one,
)
from lictor_agent.http.acl_shown import listed_tokens, token_shown
from lictor_agent.http.described import BLOCKING, DC, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.acl.queries import TokenQuery, TokenSelfQuery, TokensQuery
from lictor_core.acl.requests import AclAnswer, TokenClone, TokenDelete, TokenWrite
from lictor_core.errors import MethodError

__all__ = ["ROUTES"]

_FORBIDDEN: Final = 403
_CLONE: Final = "/clone"
_DECODING: Final = "Token decoding failed"
_POLICY: Final = Parameter("policy", "Tokens that link to the policy of this id.")
_ROLE: Final = Parameter("role", "Tokens that link to the role of this id.")
_METHOD: Final = Parameter("authmethod", "Tokens that came of a login by this auth method.")


@described("ListedTokens", _POLICY, _ROLE, _METHOD, *BLOCKING, also=ALSO)
async def list_all(site: Site, request: Request) -> Answer:
    """Tokens, without their secrets."""
    parameters = request.parameters
    query = TokensQuery(
        policy=parameters.get("policy"), role=parameters.get("role"), auth_method=parameters.get("authmethod")
    )
    if sum(map(bool, (query.policy, query.role, query.auth_method))) > 1:
        raise Refusal("can only filter by one of policy, role, or authmethod at a time", status=500, headers=UNKNOWN)
    return await list_of(site, request, query, listed_tokens)


@described("TokenShown", DC, body=Body("TokenToSet"), also=ALSO)
async def create(site: Site, request: Request) -> Answer:
    """Make a token; the answer has its secret."""
    draft = await read_body(site, request, _DECODING, read_token)
    return await _written(site, request, draft, is_update=False)


@described("TokenShown", *BLOCKING, also=ALSO)
async def own(site: Site, request: Request) -> Answer:
    """The token that the caller shows."""
    try:
        found, reading, mode = await one_of(site, request, TokenSelfQuery(secret_id=request.token))
    except Refusal as refusal:
        if refusal.status != _FORBIDDEN:
            raise
        raise Refusal(str(refusal), status=_FORBIDDEN, headers=KNOWN) from refusal
    if found is None:
        raise Refusal(NOT_FOUND, status=403, headers=found_headers(reading, mode))
    return site.answer_json(request, token_shown(found), headers=found_headers(reading, mode))


@described("TokenShown", *BLOCKING, tail="accessor_id", also=ALSO)
async def get(site: Site, request: Request) -> Answer:
    """One token by its accessor; who may only read sees no secret."""
    accessor = required(request.tail, "token ID")
    query = TokenQuery(accessor_id=accessor)
    return await show_one(site, request, query, id=accessor, what="token", shape=token_shown, is_hidden=True)


@described("TokenShown", DC, tail="accessor_id", body=Body("TokenToSet"), also=ALSO)
async def update(site: Site, request: Request) -> Answer:
    """Replace what a token says; with `/clone` behind its accessor make one like it."""
    accessor = required(request.tail, "token ID")
    if accessor.endswith(_CLONE):
        accessor = required(accessor.removesuffix(_CLONE), "token ID")
        description = await read_body(site, request, _DECODING, read_clone)
        return _answer(
            site, request, await said(site, request, TokenClone(accessor_id=accessor, description=description))
        )
    token, ends_in_s = await read_body(site, request, _DECODING, read_token)
    if token.accessor_id and token.accessor_id != accessor:
        raise Refusal(f"{BAD}Token Accessor ID in URL and payload do not match")
    draft = (msgspec.structs.replace(token, accessor_id=accessor), ends_in_s)
    return await _written(site, request, draft, is_update=True)


@described(bool, DC, tail="accessor_id", also=ALSO)
async def delete(site: Site, request: Request) -> Answer:
    """Delete a token: what it allowed ends now. One that is not there is no error."""
    if request.tail.endswith(_CLONE):
        raise MethodError(request.method, ("OPTIONS", "PUT"))
    accessor = required(request.tail, "token ID")
    return await said_done(site, request, TokenDelete(accessor_id=accessor))


async def _written(site: Site, request: Request, draft: TokenDraft, *, is_update: bool) -> Answer:
    token, ends_in_s = draft
    return _answer(
        site, request, await said(site, request, TokenWrite(token=token, is_update=is_update, expires_in_s=ends_in_s))
    )


def _answer(site: Site, request: Request, answer: AclAnswer) -> Answer:
    assert answer.token is not None, "the leader answers with the token"
    return site.answer_json(request, token_shown(answer.token))


ROUTES: Final = (
    Route("/v1/acl/tokens", {"GET": guarded(list_all)}),
    Route("/v1/acl/token", {"PUT": guarded(create)}),
    Route("/v1/acl/token/self", {"GET": guarded(own)}),
    Route("/v1/acl/token/", {"GET": guarded(get), "PUT": guarded(update), "DELETE": guarded(delete)}),
)
