"""Texts with expressions in them. What each comes to is held to Consul by `tests/compat/scenarios/http/queries.py`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_core.interpolation import DEPTH_MAX, interpolate

NAMES = {"name.full": "geo-db", "name.suffix": "-db", "number": "7"}
CHARS_MAX = 500


def filled(text: str) -> str:
    return interpolate(text, NAMES, lambda number: f"<{number}>", CHARS_MAX)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${name.full}${name.suffix}", "geo-db-db"),
        ("$${name.full}", "${name.full}"),
        ("${match(2)}", "<2>"),
        ('${"1"+2}', "3"),
        ("${0+number}", "7"),
        ("${+1}", None),
        ("${1/0}", None),
        ("${1%0}", None),
        ("${1.0/0}", None),
        ("${1.0/match(1)}", None),
        ('${1.0+"inf"}', None),
        ("${name.full", None),
        ("${other}", None),
        ("${match(1", None),
        ("${9223372036854775807*9223372036854775807}", "1"),
    ],
)
def test_a_text_is_filled_in_or_refused(text: str, expected: str | None) -> None:
    if expected is not None:
        assert filled(text) == expected
        return
    with pytest.raises(RequestError):
        filled(text)


def test_a_message_says_which_names_there_are() -> None:
    with pytest.raises(RequestError, match=r"'nam' in '\$\{nam\}' is no variable; there are name.full, name.suffix"):
        filled("${nam}")


@pytest.mark.parametrize("opening", ["(", "match(", '"${', "-"])
def test_nesting_is_bounded(opening: str) -> None:
    with pytest.raises(RequestError, match="nested deeper"):
        filled("${" + opening * (DEPTH_MAX + 1))


@given(st.text(alphabet='$${}()"\\+-*/% 019.,nameful match', max_size=40))
def test_any_text_gives_a_text_or_the_one_error(text: str) -> None:
    try:
        assert isinstance(filled("${" + text), str)
        assert isinstance(filled(text), str)
    except RequestError:
        pass


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1e15))
def test_a_number_is_shown_with_the_fewest_digits_that_tell_it(number: float) -> None:
    shown = filled("${" + f"{number:.30f}" + "}")
    assert float(shown) == float(f"{number:.30f}")


@pytest.mark.parametrize("text", ["${name.full}" * 42, '${"' + "x" * 250 + '${"' + "y" * 400 + '"}"}'])
def test_a_text_is_bounded_as_it_is_written_and_as_it_is_filled_in(text: str) -> None:
    with pytest.raises(RequestError, match="longer than the 500 characters"):
        filled(text)
    with pytest.raises(RequestError, match="longer than the 500 characters"):
        interpolate("${long}" * 2, {"long": "x" * 251}, lambda _: "", CHARS_MAX)
