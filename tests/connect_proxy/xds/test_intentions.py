"""Who may connect, as certificates and RBAC say it, against the engine that everything else asks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.xds import intentions
from lictor_connect_proxy.xds.intentions import (
    Admission,
    admission,
    all_but,
    allowed_names,
    any_service,
    principals,
    services,
    sources_of,
)
from lictor_core.entries.permissions import Permission, PermissionHTTP
from lictor_core.intentions import Rule, decide
from lictor_core.patterns import whole_match
from lictor_core.records import IntentionAction
from tests.connect_proxy.build import OTHER_DOMAIN, TRUST_DOMAIN, rule, service_id
from tests.connect_proxy.xds.envoy_twin import is_principal, lets_in

SOURCES = st.sampled_from(["web", "we", "webb", "w", "a b", "a%20b", 'a"b', "a/b", "*", "ä", "x-y.z", "other"])


def _on_requests(source: str, allows: bool) -> Rule:
    permission = Permission(action="allow" if allows else "deny", http=PermissionHTTP(path_prefix="/a"))
    action = IntentionAction.DENY
    return Rule(source=source, destination="db", action=action, precedence=9, permissions=(permission,))


_ON_CONNECTIONS = st.builds(rule, SOURCES, st.sampled_from(["allow", "deny"]), st.sampled_from(["db", "*", "cache"]))
RULES = _ON_CONNECTIONS | st.builds(_on_requests, SOURCES, st.booleans())


def verdicts(admitted: Admission | None, uri: str) -> tuple[bool, bool]:
    by_list = lets_in(allowed_names(admitted, TRUST_DOMAIN), uri)
    by_rbac = any(is_principal(one, uri) for one in principals(admitted, TRUST_DOMAIN))
    return by_list, by_rbac


@given(rules=st.lists(RULES, max_size=8, unique_by=lambda one: (one.source, one.destination)), open=st.booleans())
def test_both_layers_say_what_the_engine_says(rules: list[Rule], open: bool) -> None:
    sources = sources_of("db", rules, default_allow=open)
    for sees_requests in (False, True):
        admitted = admission(sources, sees_requests=sees_requests)
        for source in ("web", "we", "webb", "w", "web2", "a b", "a%20b", 'a"b', "a/b", "ä", "x-y.z", "other", "q"):
            decision = decide(source, "db", rules, default_allow=open)
            expected = decision.may_allow if sees_requests else decision.allowed
            for datacenter in ("dc1", "dc2"):
                assert verdicts(admitted, service_id(source, datacenter=datacenter).uri()) == (expected, expected)


@pytest.mark.parametrize(
    "uri",
    [
        service_id("web", trust_domain=OTHER_DOMAIN).uri(),
        f"spiffe://{TRUST_DOMAIN}/ns/other/dc/dc1/svc/web",
        f"spiffe://{TRUST_DOMAIN}/ns/default/dc/dc1/svc/web/more",
        f"spiffe://{TRUST_DOMAIN}/ns/default/dc/dc1/svc/",
        f"spiffe://{TRUST_DOMAIN}/agent/client/dc/dc1/id/web",
        f"spiffe://{TRUST_DOMAIN}",
        f"spiffe://{TRUST_DOMAIN.replace('.', 'x')}/ns/default/dc/dc1/svc/web",
        "",
    ],
)
def test_what_is_no_service_of_ours_gets_in_by_no_rules(uri: str) -> None:
    for admitted in (Admission(("web",), False), Admission(("api",), True), Admission((), True)):
        assert verdicts(admitted, uri) == (False, False)


@pytest.mark.parametrize("written", ["%77eb", "w%65b", "%2e", "%2d", "%7E", 'a"b', "a b", "%5b", "%"])
def test_a_name_written_otherwise_than_by_our_ca_does_not_pass_the_second_layer(written: str) -> None:
    uri = f"spiffe://{TRUST_DOMAIN}/ns/default/dc/dc1/svc/{written}"
    assert verdicts(Admission(("web",), True), uri)[1] is False


def test_every_name_has_a_form_that_counts_as_a_service() -> None:
    for code in range(1, 0x180):
        assert whole_match(any_service(TRUST_DOMAIN), service_id(chr(code)).uri()), chr(code)


@pytest.mark.parametrize("admitted", [None, Admission((), False)])
def test_nobody_is_never_an_empty_list(admitted: Admission | None) -> None:
    assert allowed_names(admitted, TRUST_DOMAIN)
    assert verdicts(admitted, service_id("web").uri()) == (False, False)


@given(names=st.sets(st.text("ab%", min_size=1, max_size=4), max_size=6))
def test_everybody_but_some_is_the_complement(names: set[str]) -> None:
    expression = all_but(names, "td")
    for length in range(4):
        for letters in itertools.product("ab%/", repeat=length):
            name = "".join(letters)
            expected = bool(name) and "/" not in name and name not in {one.replace("%", "%25") for one in names}
            assert whole_match(expression, f"spiffe://td/ns/default/dc/x/svc/{name}") is expected


def test_many_names_are_cut_into_pieces_that_envoy_takes() -> None:
    names = [f"service-{number}" for number in range(5_000)]
    found = services(names, TRUST_DOMAIN)
    assert len(found) > 1
    assert max(map(len, found)) <= intentions.CHUNK_CHARS_MAX + 200
    assert all(any(whole_match(one, service_id(name).uri()) for one in found) for name in (names[0], names[-1]))


def test_too_many_exceptions_are_left_to_the_second_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intentions, "LIST_CHARS_MAX", 200)
    denied = Admission(tuple(f"service-{number}" for number in range(50)), True)
    assert verdicts(denied, service_id("service-7").uri()) == (True, False)
    assert verdicts(denied, service_id("web").uri()) == (True, True)
