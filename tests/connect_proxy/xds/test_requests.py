"""Rules about requests as RBAC, against the engine that everything else asks."""

from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_connect_proxy.xds.intentions import sources_of
from lictor_connect_proxy.xds.requests import NAMED_MAX, route_rules
from lictor_core.entries.permissions import (
    IntentionJWT,
    JWTRequirement,
    Permission,
    PermissionHeader,
    PermissionHTTP,
    VerifyClaim,
)
from lictor_core.intentions import Rule, decide, precedence, stated_rule
from lictor_core.records import IntentionAction
from lictor_core.request_judging import RequestFacts
from tests.connect_proxy.build import TRUST_DOMAIN, rule, service_id
from tests.connect_proxy.xds.envoy_twin import judged

PATHS = st.sampled_from(["/", "/a", "/a/b", "/admin", "/A"])
WORDS = st.sampled_from(["x", "y", "xy", "X"])
FORMS = ("present", "exact", "prefix", "suffix", "contains", "regex")


def _header(name: str, form: str, word: str, invert: bool, folds: bool) -> PermissionHeader:
    said = PermissionHeader(name=name, invert=invert, ignore_case=folds and form not in ("present", "regex"))
    return msgspec.structs.replace(said, **{form: True if form == "present" else word})


HEADERS = st.builds(
    _header,
    st.sampled_from(["X-One", "x-two", ":path", ":method"]),
    st.sampled_from(FORMS),
    WORDS,
    st.booleans(),
    st.booleans(),
)
JWTS = st.builds(
    IntentionJWT,
    providers=st.lists(
        st.builds(
            JWTRequirement,
            name=st.sampled_from(["okta", "other"]),
            verify_claims=st.lists(
                st.builds(VerifyClaim, path=st.sampled_from([("role",), ("a", "b")]), value=WORDS), max_size=2
            ).map(tuple),
        ),
        min_size=1,
        max_size=2,
        unique_by=lambda one: one.name,
    ).map(tuple),
)
HTTPS = st.builds(
    PermissionHTTP,
    path_exact=st.just("") | PATHS,
    path_prefix=st.just("") | PATHS,
    path_regex=st.sampled_from(["", "", "/a.*", "/[a-z]+"]),
    methods=st.lists(st.sampled_from(["GET", "PUT"]), max_size=2, unique=True).map(tuple),
    header=st.lists(HEADERS, max_size=2).map(tuple),
)
PERMISSIONS = st.builds(
    Permission,
    action=st.sampled_from(["allow", "deny"]),
    http=st.none() | HTTPS,
    jwt=st.none() | st.none() | JWTS,
)
SOURCES = ("web", "api", "x y", "other")


def _rule(source: str, destination: str, allows: bool, permissions: list[Permission], jwt: IntentionJWT | None) -> Rule:
    action = IntentionAction.ALLOW if allows and not permissions else IntentionAction.DENY
    return Rule(
        source=source,
        destination=destination,
        action=action,
        precedence=precedence(source, destination),
        permissions=tuple(permissions),
        jwt=jwt if permissions or allows else None,
    )


RULES = st.builds(
    _rule,
    st.sampled_from(["web", "api", "x y", "*"]),
    st.sampled_from(["db", "*"]),
    st.booleans(),
    st.lists(PERMISSIONS, max_size=4),
    st.none() | st.none() | JWTS,
)
REQUESTS = st.builds(
    RequestFacts,
    method=st.sampled_from(["GET", "PUT", "POST"]),
    path=PATHS,
    headers=st.dictionaries(st.sampled_from(["x-one", "x-two"]), st.lists(WORDS, min_size=1, max_size=2).map(tuple)),
    tokens=st.dictionaries(
        st.sampled_from(["okta", "other"]),
        st.dictionaries(st.sampled_from(["role", "a"]), WORDS | st.dictionaries(st.just("b"), WORDS) | st.integers()),
    ),
)


@settings(max_examples=150)
@given(
    rules=st.lists(RULES, max_size=5, unique_by=lambda one: (one.source, one.destination)),
    requests=st.lists(REQUESTS, min_size=1, max_size=4),
    is_open=st.booleans(),
)
def test_routes_say_of_each_request_what_the_engine_says(
    rules: list[Rule], requests: list[RequestFacts], is_open: bool
) -> None:
    found = route_rules(sources_of("db", rules, default_allow=is_open), TRUST_DOMAIN, default_allow=is_open)
    for source in SOURCES:
        for request in requests:
            decision = decide(source, "db", rules, default_allow=is_open, request=request)
            allowed, reason = judged(found, service_id(source).uri(), request)
            assert allowed is decision.allowed
            if allowed:
                continue
            summary = decision.summary()
            # One header names one demand; the engine names those of all permissions that asked in vain.
            assert reason.partition(" token of ")[0] == summary.partition(" token of ")[0]


def test_nobody_may_do_anything_without_a_policy() -> None:
    found = route_rules(None, TRUST_DOMAIN, default_allow=True)
    assert judged(found, service_id("web").uri(), RequestFacts()) == (False, "")


def test_whoever_is_no_service_of_ours_may_do_nothing() -> None:
    found = route_rules(sources_of("db", [], default_allow=True), TRUST_DOMAIN, default_allow=True)
    assert judged(found, service_id("web").uri(), RequestFacts())[0] is True
    assert judged(found, "spiffe://elsewhere/ns/default/dc/dc1/svc/web", RequestFacts())[0] is False


def test_rules_that_cannot_be_read_allow_nothing() -> None:
    unreadable = stated_rule(rule("web", "allow"), [{"Action": "perhaps"}], None)
    found = route_rules(sources_of("db", [unreadable], default_allow=True), TRUST_DOMAIN, default_allow=True)
    assert judged(found, service_id("web").uri(), RequestFacts())[0] is False


@pytest.mark.parametrize("count", [NAMED_MAX + 1, 500])
def test_very_many_permissions_are_not_nested_deeper_than_few(count: int) -> None:
    permissions = [
        Permission(action="allow" if number % 2 else "deny", http=PermissionHTTP(path_exact=f"/{number}"))
        for number in range(count)
    ]
    many = _rule("web", "db", False, permissions, None)
    found = route_rules(sources_of("db", [many], default_allow=False), TRUST_DOMAIN, default_allow=False)
    assert _depth(found) < 30
    uri = service_id("web").uri()
    assert judged(found, uri, RequestFacts(path="/1"))[0] is True
    assert judged(found, uri, RequestFacts(path="/2"))[0] is False
    assert "web->db" in judged(found, uri, RequestFacts(path="/2"))[1]


def test_very_many_denied_sources_cost_no_more_than_few() -> None:
    rules = [rule(f"source-{number}", "deny") for number in range(500)]
    found = route_rules(sources_of("db", rules, default_allow=True), TRUST_DOMAIN, default_allow=True)
    assert str(found).count("precedence 9") == NAMED_MAX
    for number in (0, 499):
        assert judged(found, service_id(f"source-{number}").uri(), RequestFacts())[0] is False
    assert judged(found, service_id("web").uri(), RequestFacts())[0] is True


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(one) for one in cast("dict[str, object]", value).values()), default=0)
    if isinstance(value, list):
        return max((_depth(one) for one in cast("list[object]", value)), default=0)
    return 0
