"""Values as Go reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.filter.literals import parse_bool, parse_int, quote, unquote
from tests.core.filter.expressions import TEXTS


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("80", 80),
        ("-1", -1),
        ("+80", 80),
        ("0", 0),
        ("0x50", 80),
        ("0X_5_0", 80),
        ("0120", 80),
        ("0o120", 80),
        ("0b1010000", 80),
        ("8_0", 80),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_a_whole_number_may_have_any_of_gos_bases(text: str, number: int) -> None:
    assert parse_int(text) == number


@pytest.mark.parametrize(
    "text", ["", " 80", "80 ", "80.0", "red", "0x", "08", "8__0", "_8", "8_", "9223372036854775808", "1" * 5000, "٣"]
)
def test_anything_else_is_no_whole_number_of_64_bits(text: str) -> None:
    assert parse_int(text) is None


def test_truth_has_gos_spellings() -> None:
    assert [parse_bool(text) for text in ("1", "T", "true", "0", "f", "FALSE", "tRUE", "yes", "")] == [
        *[True] * 3,
        *[False] * 3,
        *[None] * 3,
    ]


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('"a"', "a"),
        ('"\\x61\\141\\u0061\\U00000061"', "aaaa"),
        ('"\\a\\b\\f\\n\\r\\t\\v\\\\"', "\a\b\f\n\r\t\v\\"),
        ('"\\xc3\\xa9"', "é"),
        ('"\\ud800"', "\N{REPLACEMENT CHARACTER}"),
        ('"\\xff"', "\udcff"),
        ("`a\\n\r\n`", "a\\n\n"),
    ],
)
def test_escapes_are_gos(literal: str, text: str) -> None:
    assert unquote(literal) == text


@pytest.mark.parametrize(
    "literal", ['"\\q"', '"\\"', '"\\x6"', '"\\400"', '"\\00"', '"\\\'"', '"\\U00110000"', '"a\nb"']
)
def test_a_broken_escape_and_a_line_end_are_flaws(literal: str) -> None:
    assert unquote(literal) is None


@given(TEXTS)
def test_a_quoted_text_is_read_as_it_was(text: str) -> None:
    assert unquote(quote(text)) == text
    assert '"' not in quote(text)[1:-1]


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_is_read_as_it_was(number: int) -> None:
    assert parse_int(str(number)) == number
    assert parse_int(hex(number)) == number
