"""When live connections are ended because somebody may less."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.snapshot import Policy, ProxySnapshot
from lictor_connect_proxy.xds.intentions import Admission
from lictor_connect_proxy.xds.revoking import Revocations, drain_arguments, is_narrower
from lictor_core.intentions import Rule
from tests.connect_proxy.build import rule, snapshot

CLOSE: dict[str, object] = {"envoy_denied_connections": "close"}
NAMES = ("a", "b", "c")
ADMISSIONS = st.builds(
    Admission, st.sets(st.sampled_from(NAMES)).map(lambda names: tuple(sorted(names))), st.booleans()
)


def at(index: int, *rules: Rule) -> ProxySnapshot:
    return msgspec.structs.replace(snapshot(), policy=Policy(rules=rules, index=index), config=CLOSE)


def gets_in(admitted: Admission, name: str) -> bool:
    return (name in admitted.names) is not admitted.is_denied


@given(before=ADMISSIONS, now=ADMISSIONS)
def test_narrower_is_where_somebody_is_shut_out(before: Admission, now: Admission) -> None:
    everybody = (*NAMES, "anybody else")
    assert is_narrower(before, now) is any(gets_in(before, one) and not gets_in(now, one) for one in everybody)


def test_only_a_change_that_shuts_somebody_out_ends_connections() -> None:
    revocations = Revocations()
    steps = [
        (at(1, rule("web", "allow"), rule("*", "deny")), ""),
        (at(2, rule("web", "allow"), rule("api", "allow"), rule("*", "deny")), ""),
        (at(3, rule("web", "allow"), rule("*", "deny")), "3"),
        (at(4, rule("web", "allow")), "3"),
        (at(5, rule("web", "deny")), "5"),
        (at(6, rule("web", "allow")), "5"),
        (at(7, rule("web", "deny")), "7"),
    ]
    for one, expected in steps:
        assert revocations.marked("db-1", one).revoked_since == expected


def test_a_policy_that_is_away_ends_nothing_and_is_no_new_beginning() -> None:
    revocations = Revocations()
    revocations.marked("db-1", at(1, rule("web", "allow")))
    gone = msgspec.structs.replace(at(2), policy=None)
    assert revocations.marked("db-1", gone).revoked_since == ""
    assert revocations.marked("db-1", at(3, rule("web", "deny"))).revoked_since == "3"


def test_proxies_are_told_apart() -> None:
    revocations = Revocations()
    for proxy, index in itertools.product(("a", "b"), (1,)):
        revocations.marked(proxy, at(index, rule("web", "allow")))
    assert revocations.marked("a", at(2, rule("web", "deny"))).revoked_since == "2"
    assert revocations.marked("b", at(3, rule("web", "allow"))).revoked_since == ""


@pytest.mark.parametrize("config", [{}, {"envoy_denied_connections": "keep"}, {"envoy_denied_connections": True}])
def test_connections_are_kept_unless_the_service_says_otherwise(config: dict[str, object]) -> None:
    revocations = Revocations()
    for index, word in ((1, "allow"), (2, "deny")):
        one = msgspec.structs.replace(at(index, rule("web", word)), config=config)
        assert revocations.marked("db-1", one).revoked_since == ""
    assert drain_arguments(config) == []
    assert drain_arguments(CLOSE) == ["--drain-time-s", "1", "--drain-strategy", "immediate"]
