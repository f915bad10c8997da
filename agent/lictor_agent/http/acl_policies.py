"""`/v1/acl/polic*` and `/v1/acl/role*`. Sources: Consul's documents `api-docs/acl/{policies,roles}`; answers are those
of 1.8.7.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_agent.http.acl_bodies import read_policy, read_role
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
from lictor_agent.http.acl_shown import listed_policies
from lictor_agent.http.described import BLOCKING, DC, Body, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.acl.queries import PoliciesQuery, PolicyQuery, RoleQuery, RolesQuery
from lictor_core.acl.records import Policy, Role
from lictor_core.acl.requests import PolicyDelete, PolicyWrite, RoleDelete, RoleWrite

__all__ = ["ROUTES"]

_POLICY: Final = Parameter("policy", "Roles that link to the policy of this id.")
_NO_ROLE: Final = {**ALSO, 404: "There is no such role."}


@described("ListedPolicies", *BLOCKING, also=ALSO)
async def policies(site: Site, request: Request) -> Answer:
    """All policies, without their rules."""
    return await list_of(site, request, PoliciesQuery(), listed_policies)


@described(Policy, DC, body=Body("PolicyToSet"), also=ALSO)
async def create_policy(site: Site, request: Request) -> Answer:
    """Make a policy."""
    policy = await read_body(site, request, "Policy decoding failed", read_policy)
    if policy.id:
        raise Refusal(f"{BAD}Cannot specify the ID when creating a new policy")
    return await _policy_written(site, request, policy, is_update=False)


@described(Policy, *BLOCKING, tail="id", also=ALSO)
async def policy(site: Site, request: Request) -> Answer:
    """One policy by its id."""
    id = required(request.tail, "policy ID")
    return await show_one(site, request, PolicyQuery(id=id), id=id, what="policy", is_hidden=True)


@described(Policy, *BLOCKING, tail="name", also=ALSO)
async def named_policy(site: Site, request: Request) -> Answer:
    """One policy by its name."""
    name = required(request.tail, "policy Name")
    return await show_one(site, request, PolicyQuery(name=name), is_hidden=True)


@described(Policy, DC, tail="id", body=Body("PolicyToSet"), also=ALSO)
async def update_policy(site: Site, request: Request) -> Answer:
    """Replace a policy: who has it may do what it says now."""
    policy = await read_body(site, request, "Policy decoding failed", read_policy)
    if policy.id and policy.id != request.tail:
        raise Refusal(f"{BAD}Policy ID in URL and payload do not match")
    policy = msgspec.structs.replace(policy, id=request.tail)
    return await _policy_written(site, request, policy, is_update=bool(request.tail))


@described(bool, DC, tail="id", also=ALSO)
async def delete_policy(site: Site, request: Request) -> Answer:
    """Delete a policy; who had it has it no more. One that is not there is no error."""
    return await said_done(site, request, PolicyDelete(id=required(request.tail, "policy ID")))


@described(list[Role], _POLICY, *BLOCKING, also=ALSO)
async def roles(site: Site, request: Request) -> Answer:
    """Roles."""
    return await list_of(site, request, RolesQuery(policy=request.parameters.get("policy")))


@described(Role, DC, body=Body("RoleToSet"), also=ALSO)
async def create_role(site: Site, request: Request) -> Answer:
    """Make a role."""
    role = await read_body(site, request, "Role decoding failed", read_role)
    if role.id:
        raise Refusal(f"{BAD}Role ID in URL and payload do not match")
    return await _role_written(site, request, role, is_update=False)


@described(Role, *BLOCKING, tail="id", also=_NO_ROLE)
async def role(site: Site, request: Request) -> Answer:
    """One role by its id."""
    id = required(request.tail, "role ID")
    return await show_one(site, request, RoleQuery(id=id), id=id, what="role")


@described(Role, *BLOCKING, tail="name", also=_NO_ROLE)
async def named_role(site: Site, request: Request) -> Answer:
    """One role by its name."""
    return await show_one(site, request, RoleQuery(name=required(request.tail, "role Name")))


@described(Role, DC, tail="id", body=Body("RoleToSet"), also=ALSO)
async def update_role(site: Site, request: Request) -> Answer:
    """Replace a role."""
    id = required(request.tail, "role ID")
    role = await read_body(site, request, "Role decoding failed", read_role)
    if role.id and role.id != id:
        raise Refusal(f"{BAD}Role ID in URL and payload do not match")
    return await _role_written(site, request, msgspec.structs.replace(role, id=id), is_update=True)


@described(bool, DC, tail="id", also=ALSO)
async def delete_role(site: Site, request: Request) -> Answer:
    """Delete a role; who had it has it no more. One that is not there is no error."""
    return await said_done(site, request, RoleDelete(id=required(request.tail, "role ID")))


async def _policy_written(site: Site, request: Request, policy: Policy, *, is_update: bool) -> Answer:
    answer = await said(site, request, PolicyWrite(policy=policy, is_update=is_update))
    return site.answer_json(request, answer.policy)


async def _role_written(site: Site, request: Request, role: Role, *, is_update: bool) -> Answer:
    answer = await said(site, request, RoleWrite(role=role, is_update=is_update))
    return site.answer_json(request, answer.role)


ROUTES: Final = (
    Route("/v1/acl/policies", {"GET": guarded(policies)}),
    Route("/v1/acl/policy", {"PUT": guarded(create_policy)}),
    Route(
        "/v1/acl/policy/",
        {"GET": guarded(policy), "PUT": guarded(update_policy), "DELETE": guarded(delete_policy)},
    ),
    Route("/v1/acl/policy/name/", {"GET": guarded(named_policy)}),
    Route("/v1/acl/roles", {"GET": guarded(roles)}),
    Route("/v1/acl/role", {"PUT": guarded(create_role)}),
    Route("/v1/acl/role/", {"GET": guarded(role), "PUT": guarded(update_role), "DELETE": guarded(delete_role)}),
    Route("/v1/acl/role/name/", {"GET": guarded(named_role)}),
)
