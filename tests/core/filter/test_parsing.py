"""Texts and trees: what is a filter, what it says, and where the flaw is in what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import FilterError
from lictor_core.filter.parsing import parse, render
from lictor_core.filter.tree import All, Either, Expression, Match, Not, Operator, Selector, Value
from lictor_core.limits import FILTER_CHARS_MAX, FILTER_DEPTH_MAX
from tests.core.filter.expressions import expressions

A = Match(Selector(("A",)), Operator.EQUAL, Value("x"))
B = Match(Selector(("B",)), Operator.EQUAL, Value("y"))
C = Match(Selector(("C",)), Operator.EQUAL, Value("z"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A == x", A),
        ("  A==x\n", A),
        ('A == "x"', A),
        ("A == `x`", A),
        ("(( A == x ))", A),
        ("A == x and B == y or C == z", Either((All((A, B)), C))),
        ("A == x or B == y and C == z", Either((A, All((B, C))))),
        ("A == x and B == y and C == z", All((A, B, C))),
        ("A == x and (B == y and C == z)", All((A, All((B, C))))),
        ("not A == x and B == y", All((Not(A), B))),
        ("not (A == x and B == y)", Not(All((A, B)))),
        ("not  not\tA == x", Not(Not(A))),
    ],
)
def test_not_binds_tighter_than_and_and_and_tighter_than_or(text: str, expected: Expression) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("A != x", Operator.NOT_EQUAL),
        ("A contains x", Operator.IN),
        ("x in A", Operator.IN),
        ("A not  contains x", Operator.NOT_IN),
        ("x not in A", Operator.NOT_IN),
        ("A matches x", Operator.MATCHES),
        ("A not matches x", Operator.NOT_MATCHES),
    ],
)
def test_an_operator_may_stand_on_either_side(text: str, operator: Operator) -> None:
    assert parse(text) == Match(Selector(("A",)), operator, Value("x"))


@pytest.mark.parametrize(
    ("text", "operator"), [("A is empty", Operator.IS_EMPTY), ("A is  not empty", Operator.IS_NOT_EMPTY)]
)
def test_emptiness_takes_no_value(text: str, operator: Operator) -> None:
    assert parse(text) == Match(Selector(("A",)), operator)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Meta.k == x", ("Meta", "k")),
        ('Meta["a-b"] == x', ("Meta", "a-b")),
        ("Meta[ `a b` ].c == x", ("Meta", "a b", "c")),
        ('Meta["\\x64"] == x', ("Meta", "d")),
    ],
)
def test_a_selector_takes_any_key_in_quotes(text: str, names: tuple[str, ...]) -> None:
    tree = parse(text)
    assert isinstance(tree, Match)
    assert tree.selector.names == names


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A == 5", "5"),
        ("A == -1.50", "-1.50"),
        ("A == a.b", "a.b"),
        ('A == a["b"]', "a.b"),
        ('A == ""', ""),
        ('A == "\\u00e9\\t"', "é\t"),
        ("A == `\\t`", "\\t"),
        ("A == not", "not"),
        ("A == and and B == y", "and"),
        ("not in A", "not"),
        ("not  in\tA", "not"),
        ("in in A", "in"),
    ],
)
def test_a_value_is_a_name_a_number_or_a_quoted_text(text: str, value: str) -> None:
    tree = parse(text)
    match = tree.terms[0] if isinstance(tree, All) else tree
    assert isinstance(match, Match)
    assert match.value is not None
    assert match.value.text == value


def test_not_before_a_value_named_not_is_a_negation() -> None:
    assert parse("not not in A") == Not(Match(Selector(("A",)), Operator.IN, Value("not")))
    assert parse("not in in A") == Not(Match(Selector(("A",)), Operator.IN, Value("in")))


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        (" ", 1, "found the end"),
        ("A", 1, "found the end"),
        ("A ==", 4, "a quoted text"),
        ("A = x", 2, "equality is =="),
        ("A == x B", 7, "found 'B'"),
        ("A == x and", 7, "words stand between spaces"),
        ("(A == x)and(B == y)", 8, "words stand between spaces"),
        ("not(A == x)", 3, "found '('"),
        ("(A == x", 7, '")"'),
        ("A == x)", 6, "the end"),
        ("A == x-y", 6, "is quoted"),
        ("A == 'x'", 5, "texts stand in"),
        ("A == 05", 5, "found '05'"),
        ('A == "x', 5, "without an end"),
        ('  A == "\\q"', 7, "escape"),
        ('"a\nb" in A', 0, "line end"),
        ("A[k] == x", 1, "a key stands in quotes"),
        ("A and B", 2, '"=="'),
        ("é == x", 0, "found 'é'"),
        ("A AND B", 2, "found 'AND'"),
        ("A == x\x00", 6, "found"),
    ],
)
def test_an_error_names_the_place_and_what_was_expected(text: str, at: int, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.at == at
    assert f"character {at + 1}" in str(caught.value)
    assert said in str(caught.value)


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    longest = f"A == {'x' * (FILTER_CHARS_MAX - 5)}"
    assert isinstance(parse(longest), Match)
    with pytest.raises(FilterError, match="characters"):
        parse(longest + "x")
    assert isinstance(parse("not " * FILTER_DEPTH_MAX + "A == x"), Not)
    with pytest.raises(FilterError, match="deep"):
        parse("not " * (FILTER_DEPTH_MAX + 1) + "A == x")


def test_parentheses_alone_cost_no_depth_and_no_time() -> None:
    assert parse("(" * 2000 + "A == x" + ")" * 2000) == A


@given(expressions())
def test_a_rendered_tree_is_parsed_to_itself(tree: Expression) -> None:
    assert parse(render(tree)) == tree


@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from([*' ()"`[].x-5', "not ", " in ", " and ", "A == x"])).map("".join),
    )
)
def test_any_text_is_a_filter_or_raises_one_error_with_a_place_in_it(text: str) -> None:
    error: FilterError | None = None
    try:
        parse(text)
    except FilterError as caught:
        error = caught
    assert error is None or (str(error) and 0 <= error.at <= len(text))
