"""Which requests a route is for."""

import pytest

from lictor_connect_proxy.xds.builders.matches import path_match, route_match
from lictor_core.entries.matching import HeaderMatch
from lictor_core.entries.routing import HTTPMatch, QueryMatch
from lictor_core.records import JsonObject


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        (("/a", "", ""), {"path": "/a"}),
        (("", "/a", ""), {"prefix": "/a"}),
        (("", "", "/a+"), {"safe_regex": {"regex": "/a+"}}),
        (("", "", ""), {"prefix": "/"}),
    ],
)
def test_a_path_has_one_form(forms: tuple[str, str, str], expected: JsonObject) -> None:
    assert path_match(*forms) == expected


def test_a_rule_without_match_is_for_everything() -> None:
    assert route_match(None) == {"prefix": "/"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HeaderMatch(name="x", present=True), {"present_match": True}),
        (HeaderMatch(name="x", present=True, invert=True), {"present_match": True, "invert_match": True}),
        (HeaderMatch(name="x", exact="a"), {"string_match": {"exact": "a"}}),
        (HeaderMatch(name="x", prefix="a"), {"string_match": {"prefix": "a"}}),
        (HeaderMatch(name="x", suffix="a"), {"string_match": {"suffix": "a"}}),
        (HeaderMatch(name="x", regex="a"), {"string_match": {"safe_regex": {"regex": "a"}}}),
    ],
)
def test_a_header_is_matched_as_it_was_written(header: HeaderMatch, expected: JsonObject) -> None:
    assert route_match(HTTPMatch(header=(header,)))["headers"] == [{"name": "x", **expected}]


def test_methods_are_alternatives() -> None:
    found = route_match(HTTPMatch(methods=("GET", "PUT")))["headers"]
    assert found == [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|PUT"}}}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (QueryMatch(name="x", present=True), {"present_match": True}),
        (QueryMatch(name="x", exact="1"), {"string_match": {"exact": "1"}}),
        (QueryMatch(name="x", regex="1+"), {"string_match": {"safe_regex": {"regex": "1+"}}}),
    ],
)
def test_a_parameter_is_matched_as_it_was_written(query: QueryMatch, expected: JsonObject) -> None:
    assert route_match(HTTPMatch(query_param=(query,)))["query_parameters"] == [{"name": "x", **expected}]
