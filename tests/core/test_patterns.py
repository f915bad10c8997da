"""Expressions of users: whole texts, bounded, never a crash."""

import pytest

from lictor_core.errors import RequestError
from lictor_core.patterns import PATTERN_BYTES_MAX, pattern_flaw, whole_match


def test_an_expression_matches_the_whole_text() -> None:
    assert whole_match("/a[0-9]+", "/a12")
    assert not whole_match("/a[0-9]+", "/a12/")
    assert not whole_match("a", "ba")


def test_what_envoy_could_not_compile_is_told() -> None:
    assert pattern_flaw("/a.*") == ""
    assert "no regular expression of RE2" in pattern_flaw("a(?=b)")
    with pytest.raises(RequestError):
        whole_match("(", "a")


def test_a_long_expression_is_refused() -> None:
    assert pattern_flaw("a" * PATTERN_BYTES_MAX) == ""
    assert f"at most {PATTERN_BYTES_MAX}" in pattern_flaw("a" * (PATTERN_BYTES_MAX + 1))


def test_an_expression_that_needs_too_much_memory_is_refused() -> None:
    assert pattern_flaw("((a{100}){10}){10}") == "" or "RE2" in pattern_flaw("((a{100}){10}){10}")
    assert "RE2" in pattern_flaw(r"(\pL{500}){2}")
