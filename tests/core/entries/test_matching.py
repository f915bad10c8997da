"""Which requests a rule speaks of."""

from __future__ import annotations

import pytest

from lictor_core.entries.matching import (
    HeaderMatch,
    RequestMatch,
    match_flaws,
    one_form,
    repeated_methods,
    upper_methods,
)


@pytest.mark.parametrize(
    ("match", "places"),
    [
        (RequestMatch(), []),
        (RequestMatch(path_exact="/a", header=(HeaderMatch(name="a", present=True, invert=True),)), []),
        (RequestMatch(path_regex="no slash"), []),
        (RequestMatch(path_exact="/a", path_regex="b"), ["Here"]),
        (RequestMatch(path_exact="a"), ["Here.PathExact"]),
        (RequestMatch(path_prefix="a"), ["Here.PathPrefix"]),
        (RequestMatch(header=(HeaderMatch(name="a"),)), ["Here.Header[0]"]),
        (RequestMatch(header=(HeaderMatch(name="", exact="b"),)), ["Here.Header[0].Name"]),
        (RequestMatch(header=(HeaderMatch(name="a", exact="b", suffix="c"),)), ["Here.Header[0]"]),
    ],
)
def test_paths_and_headers_have_one_form_each(match: RequestMatch, places: list[str]) -> None:
    assert [flaw.path for flaw in match_flaws(match, "Here")] == places


def test_a_form_is_named_among_those_there_are() -> None:
    assert [str(flaw) for flaw in one_form("a", (False, ""), "Present and Exact", "Here")] == [
        "Here: must have exactly one of Present and Exact"
    ]


def test_methods_are_kept_in_upper_case_and_named_once() -> None:
    assert upper_methods(("get", "Put")) == ("GET", "PUT")
    assert [str(flaw) for flaw in repeated_methods(("PUT", "GET", "PUT"), "Here")] == [
        "Here.Methods: names 'PUT' more than once"
    ]
    assert list(repeated_methods(("PUT", "GET"), "Here")) == []
