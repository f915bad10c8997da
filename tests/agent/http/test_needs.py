"""The table of what each endpoint needs."""

from __future__ import annotations

import pytest

from lictor_agent.http.errors import Refusal
from lictor_agent.http.needs import NEEDS, Judge, Need, Permission, require_gate
from lictor_agent.http.routes import ROUTES
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import PermissionDeniedError


def test_every_method_of_every_route_has_a_row_and_no_row_is_left_over() -> None:
    there = {(route.path, method) for route in ROUTES for method in route.endpoints}
    assert there - NEEDS.keys() == set(), "say in lictor_agent.http.needs what these need"
    assert NEEDS.keys() - there == set(), "these are no routes any more"


def test_who_is_judged_needs_something_and_who_is_not_is_told_why() -> None:
    for (path, method), need in NEEDS.items():
        assert bool(need.permissions) or bool(need.why), f"{method} {path}"
        assert need.judge is not Judge.NOBODY or not need.permissions, f"{method} {path}"


def test_what_is_gated_names_nothing_but_this_node() -> None:
    for (path, method), need in NEEDS.items():
        if need.judge is Judge.GATED:
            assert {one.of for one in need.permissions} <= {"", "this node"}, f"{method} {path}"


def authorizer(*rules: Rule) -> Authorizer:
    policy = GrantedPolicy(name="p", rules=rules)
    return Authorizer(Grants(accessor_id="a", policies=(policy,), default=DefaultPolicy.DENY))


def test_the_gate_asks_for_this_agent_and_no_other() -> None:
    need = NEEDS["/v1/agent/self", "GET"]
    rule = Rule(resource=Resource.AGENT, name="n1", access=Access.READ)
    require_gate(need, authorizer(rule), "n1")
    with pytest.raises(PermissionDeniedError, match=r'agent:read.* on "n2"'):
        require_gate(need, authorizer(rule), "n2")


def test_a_keyring_is_denied_in_words_and_by_a_status_of_its_own() -> None:
    with pytest.raises(Refusal, match=r"^Reading keyring denied by ACLs: .*keyring:read") as caught:
        require_gate(NEEDS["/v1/operator/keyring", "GET"], authorizer(), "n1")
    assert caught.value.status == 500
    with pytest.raises(Refusal, match=r"^Modifying keyring denied due to ACLs"):
        require_gate(NEEDS["/v1/operator/keyring", "DELETE"], authorizer(), "n1")


def test_what_is_needed_is_told_in_a_sentence() -> None:
    read = (Permission(Resource.SERVICE, Access.READ, "each service"),)
    assert Need(Judge.SERVERS_FILTER, read).text == "Shows what service:read of each service allows."
    assert Need(Judge.GATED, (Permission(Resource.OPERATOR, Access.WRITE),), "and more").text == (
        "Needs operator:write; and more."
    )
    assert Need(Judge.NOBODY, why="it is public").text == "Needs no permission: it is public."
