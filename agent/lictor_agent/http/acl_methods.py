"""`/v1/acl/auth-method*`, `/v1/acl/binding-rule*`, `/v1/acl/login`, `/v1/acl/logout`.

Sources: Consul's documents `api-docs/acl/{auth-methods,binding-rules,index}`; answers are those of 1.8.7.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_agent.http.acl_bodies import read_auth_method, read_binding_rule, read_login
from lictor_agent.http.acl_calls import (
    ALSO,
    BAD,
    guarded,
    list_of,
    read_body,
    required,
    said,
    said_done,
    show_one,
)
from lictor_agent.http.acl_shown import listed_methods, token_shown
from lictor_agent.http.described import BLOCKING, DC, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.acl.queries import AuthMethodQuery, AuthMethodsQuery, BindingRuleQuery, BindingRulesQuery
from lictor_core.acl.records import AuthMethod, BindingRule
from lictor_core.acl.requests import (
    AuthMethodDelete,
    AuthMethodWrite,
    BindingRuleDelete,
    BindingRuleWrite,
    Logout,
)

__all__ = ["ROUTES"]

_METHOD: Final = Parameter("authmethod", "Rules of this auth method.")
_NO_METHOD: Final = {**ALSO, 404: "There is no such auth method."}
_NO_RULE: Final = {**ALSO, 404: "There is no such binding rule."}
_METHOD_DECODING: Final = "AuthMethod decoding failed"
_RULE_DECODING: Final = "BindingRule decoding failed"


@described("ListedAuthMethods", *BLOCKING, also=ALSO)
async def methods(site: Site, request: Request) -> Answer:
    """All auth methods, without their settings."""
    return await list_of(site, request, AuthMethodsQuery(), listed_methods)


@described(AuthMethod, DC, body=Body("AuthMethodToSet"), also=ALSO)
async def create_method(site: Site, request: Request) -> Answer:
    """Make an auth method, or replace the one of this name."""
    method = await read_body(site, request, _METHOD_DECODING, read_auth_method)
    return await _method_written(site, request, method, is_update=False)


@described(AuthMethod, *BLOCKING, tail="name", also=_NO_METHOD)
async def method(site: Site, request: Request) -> Answer:
    """One auth method."""
    return await show_one(site, request, AuthMethodQuery(name=required(request.tail, "auth method name")))


@described(AuthMethod, DC, tail="name", body=Body("AuthMethodToSet"), also=ALSO)
async def update_method(site: Site, request: Request) -> Answer:
    """Replace an auth method; its type stays."""
    name = required(request.tail, "auth method name")
    method = await read_body(site, request, _METHOD_DECODING, read_auth_method)
    if method.name and method.name != name:
        raise Refusal(f"{BAD}AuthMethod Name in URL and payload do not match")
    return await _method_written(site, request, msgspec.structs.replace(method, name=name), is_update=True)


@described(bool, DC, tail="name", also=ALSO)
async def delete_method(site: Site, request: Request) -> Answer:
    """Delete an auth method, its binding rules, and the tokens of those who logged in by it."""
    return await said_done(site, request, AuthMethodDelete(name=required(request.tail, "auth method name")))


@described(list[BindingRule], _METHOD, *BLOCKING, also=ALSO)
async def rules(site: Site, request: Request) -> Answer:
    """Binding rules."""
    return await list_of(site, request, BindingRulesQuery(auth_method=request.parameters.get("authmethod")))


@described(BindingRule, DC, body=Body("BindingRuleToSet"), also=ALSO)
async def create_rule(site: Site, request: Request) -> Answer:
    """Make a binding rule."""
    rule = await read_body(site, request, _RULE_DECODING, read_binding_rule)
    if rule.id:
        raise Refusal(f"{BAD}BindingRule ID in URL and payload do not match")
    return await _rule_written(site, request, rule, is_update=False)


@described(BindingRule, *BLOCKING, tail="id", also=_NO_RULE)
async def rule(site: Site, request: Request) -> Answer:
    """One binding rule."""
    id = required(request.tail, "binding rule ID")
    return await show_one(site, request, BindingRuleQuery(id=id), id=id, what="binding rule")


@described(BindingRule, DC, tail="id", body=Body("BindingRuleToSet"), also=ALSO)
async def update_rule(site: Site, request: Request) -> Answer:
    """Replace a binding rule; its auth method stays."""
    id = required(request.tail, "binding rule ID")
    rule = await read_body(site, request, _RULE_DECODING, read_binding_rule)
    if rule.id and rule.id != id:
        raise Refusal(f"{BAD}BindingRule ID in URL and payload do not match")
    return await _rule_written(site, request, msgspec.structs.replace(rule, id=id), is_update=True)


@described(bool, DC, tail="id", also=ALSO)
async def delete_rule(site: Site, request: Request) -> Answer:
    """Delete a binding rule. One that is not there is no error."""
    return await said_done(site, request, BindingRuleDelete(id=required(request.tail, "binding rule ID")))


@described("TokenShown", DC, body=Body("LoginToDo"), also=ALSO)
async def login(site: Site, request: Request) -> Answer:
    """A token for who shows what an auth method vouches for."""
    order = await read_body(site, request, "Failed to decode request body", read_login)
    answer = await said(site, request, order)
    assert answer.token is not None, "the leader answers with the token"
    return site.answer_json(request, token_shown(answer.token))


@described(bool, DC, also=ALSO)
async def logout(site: Site, request: Request) -> Answer:
    """Destroy the token that the caller shows, which came of a login."""
    return await said_done(site, request, Logout())


async def _method_written(site: Site, request: Request, method: AuthMethod, *, is_update: bool) -> Answer:
    answer = await said(site, request, AuthMethodWrite(method=method, is_update=is_update))
    return site.answer_json(request, answer.method)


async def _rule_written(site: Site, request: Request, rule: BindingRule, *, is_update: bool) -> Answer:
    answer = await said(site, request, BindingRuleWrite(rule=rule, is_update=is_update))
    return site.answer_json(request, answer.rule)


ROUTES: Final = (
    Route("/v1/acl/auth-methods", {"GET": guarded(methods)}),
    Route("/v1/acl/auth-method", {"PUT": guarded(create_method)}),
    Route(
        "/v1/acl/auth-method/",
        {"GET": guarded(method), "PUT": guarded(update_method), "DELETE": guarded(delete_method)},
    ),
    Route("/v1/acl/binding-rules", {"GET": guarded(rules)}),
    Route("/v1/acl/binding-rule", {"PUT": guarded(create_rule)}),
    Route("/v1/acl/binding-rule/", {"GET": guarded(rule), "PUT": guarded(update_rule), "DELETE": guarded(delete_rule)}),
    Route("/v1/acl/login", {"POST": guarded(login)}),
    Route("/v1/acl/logout", {"POST": guarded(logout)}),
)
