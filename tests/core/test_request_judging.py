"""Rules about requests, against a twin and by the cases that hurt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.entries.permissions import (
    IntentionJWT,
    JWTRequirement,
    Permission,
    PermissionHeader,
    PermissionHTTP,
    VerifyClaim,
)
from lictor_core.request_judging import Judged, RequestFacts, can_allow, is_for_all, judge, misses, request_facts
from tests.core import requests as any_of

OKTA = IntentionJWT(providers=(JWTRequirement(name="okta"),))
ADMIN = Permission(action="allow", http=PermissionHTTP(path_prefix="/admin"), jwt=OKTA)
REST = Permission(action="allow", http=PermissionHTTP(path_prefix="/"))


@given(any_of.permissions | st.just(()), st.none() | any_of.demands, any_of.request_facts, st.booleans())
def test_the_verdict_is_the_twins(
    permissions: tuple[Permission, ...], jwt: IntentionJWT | None, request: RequestFacts, default_allow: bool
) -> None:
    expected = any_of.naive_verdict(permissions, jwt, request, default_allow)
    assert judge(permissions, jwt, request, otherwise=default_allow).allowed == expected


@given(any_of.permissions, st.none() | any_of.demands, any_of.request_facts, st.booleans())
def test_who_can_allow_nothing_allows_no_request(
    permissions: tuple[Permission, ...], jwt: IntentionJWT | None, request: RequestFacts, default_allow: bool
) -> None:
    judged = judge(permissions, jwt, request, otherwise=default_allow)
    assert can_allow(permissions, otherwise=default_allow) or not judged.allowed


@given(any_of.permissions, any_of.request_facts)
def test_the_permission_that_decides_misses_nothing_and_those_before_it_do(
    permissions: tuple[Permission, ...], request: RequestFacts
) -> None:
    judged = judge(permissions, None, request, otherwise=False)
    last = len(permissions) if judged.permission is None else judged.permission
    assert all(misses(one, request) for one in permissions[:last])
    assert judged.permission is None or not misses(permissions[last], request)
    assert not any(is_for_all(one) for one in permissions[:last])


def test_the_first_permission_that_matches_decides() -> None:
    rules = (Permission(action="deny", http=PermissionHTTP(path_exact="/admin")), REST)
    assert judge(rules, None, RequestFacts(path="/admin"), otherwise=True) == Judged(False, 0)
    assert judge(rules, None, RequestFacts(path="/other"), otherwise=False) == Judged(True, 1)
    assert judge(rules[:1], None, RequestFacts(path="/other"), otherwise=True) == Judged(True, None, fell_through=True)


def test_a_demanded_token_does_not_fall_to_a_default_that_allows() -> None:
    request = RequestFacts(path="/admin/x")
    assert judge((ADMIN,), None, request, otherwise=True) == Judged(False, None, ("okta",))
    assert judge((ADMIN, REST), None, request, otherwise=True) == Judged(True, 1)
    with_token = RequestFacts(path="/admin/x", tokens={"okta": {}})
    assert judge((ADMIN,), None, with_token, otherwise=False) == Judged(True, 0)


def test_a_demand_of_the_whole_intention_holds_for_all_it_allows() -> None:
    assert judge((), OKTA, RequestFacts(), otherwise=True) == Judged(False, None, ("okta",))
    assert judge((REST,), OKTA, RequestFacts(), otherwise=True) == Judged(False, 0, ("okta",))
    assert judge((REST,), OKTA, RequestFacts(tokens={"okta": {}}), otherwise=False) == Judged(True, 0)


@pytest.mark.parametrize("claim", [True, 1, ["admin"], {"admin": 1}, None])
def test_only_text_is_the_value_of_a_claim(claim: object) -> None:
    wanted = VerifyClaim(path=("perms", "role"), value="admin")
    jwt = IntentionJWT(providers=(JWTRequirement(name="okta", verify_claims=(wanted,)),))
    held = RequestFacts(tokens={"okta": {"perms": {"role": "admin"}}})
    assert judge((), jwt, held, otherwise=True).allowed
    for claims in ({"perms": {"role": claim}}, {"perms": "role"}, {"role": "admin"}):
        assert not judge((), jwt, RequestFacts(tokens={"okta": claims}), otherwise=True).allowed


def test_a_missing_header_is_what_an_inverted_form_means() -> None:
    header = PermissionHeader(name="X-Key", exact="secret", invert=True)
    rules = (Permission(action="deny", http=PermissionHTTP(header=(header,))), REST)
    assert not judge(rules, None, RequestFacts(), otherwise=True).allowed
    assert judge(rules, None, RequestFacts(headers={"x-key": ("secret",)}), otherwise=True).allowed


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a?b=/c", "/a"),
        ("/%61dmin", "/admin"),
        ("/a/../admin", "/admin"),
        ("//admin///x", "/admin/x"),
        ("/a/%2e%2e/admin", "/admin"),
        ("/a%2Fb", "/a/b"),
        ("\\admin", "/admin"),
        ("/a/./b/", "/a/b/"),
        ("/a/b/..", "/a/"),
        ("/../../x", "/x"),
        ("/%c3%a4%20", "/%C3%A4%20"),
        ("/%252e%252e/x", "/%252e%252e/x"),
        ("", "/"),
        ("/", "/"),
    ],
)
def test_a_path_is_judged_without_its_tricks(target: str, path: str) -> None:
    assert request_facts("GET", target).path == path


def test_a_header_that_comes_twice_hides_no_value() -> None:
    facts = request_facts("GET", "/", [("X-Role", "user"), ("x-role", "admin")])
    assert facts.headers == {"x-role": ("user", "admin")}
    for exact, is_meant in (("user", True), ("admin", True), ("user,admin", False)):
        header = PermissionHeader(name="x-role", exact=exact)
        permission = Permission(action="deny", http=PermissionHTTP(header=(header,)))
        assert (misses(permission, facts) == "") is is_meant
    contains = PermissionHeader(name="X-ROLE", contains="ADMIN", ignore_case=True)
    assert misses(Permission(action="deny", http=PermissionHTTP(header=(contains,))), facts) == ""


@given(st.text(), st.text())
def test_any_request_line_has_a_path(method: str, target: str) -> None:
    facts = request_facts(method, target)
    assert facts.path.startswith("/")
    assert "//" not in facts.path
    assert not {"..", "."} & set(facts.path.split("/"))
