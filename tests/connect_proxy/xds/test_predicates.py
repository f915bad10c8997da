"""Questions about requests, and how they are put together."""

from lictor_connect_proxy.xds.predicates import ALWAYS, NEVER, all_of, any_of_these, negated, speaks_of
from lictor_core.entries.permissions import PermissionHeader, PermissionHTTP
from lictor_core.records import JsonObject

ONE: JsonObject = {"header": {"name": "one", "present_match": True}}
TWO: JsonObject = {"header": {"name": "two", "present_match": True}}


def test_what_always_or_never_holds_is_left_out() -> None:
    assert all_of() == ALWAYS
    assert all_of(ALWAYS, ONE) == ONE
    assert all_of(ONE, NEVER) == NEVER
    assert any_of_these([]) == NEVER
    assert any_of_these([NEVER, ONE]) == ONE
    assert any_of_these([ONE, ALWAYS]) == ALWAYS


def test_equal_kinds_are_not_nested() -> None:
    assert all_of(all_of(ONE, TWO), ONE) == {"and_rules": {"rules": [ONE, TWO, ONE]}}


def test_a_negation_of_a_negation_is_none() -> None:
    assert negated(negated(ONE)) == ONE
    assert negated(ALWAYS) == NEVER
    assert negated(NEVER) == ALWAYS


def test_inversion_is_a_negation_so_that_a_missing_header_matches() -> None:
    http = PermissionHTTP(header=(PermissionHeader(name="X-One", exact="a", invert=True),))
    assert speaks_of(http) == {"not_rule": {"header": {"name": "x-one", "string_match": {"exact": "a"}}}}
