"""The comparer finds every kind of difference, and nothing else."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from tests.support.recorder.comparison import Allowance, Difference, compare, report
from tests.support.recorder.json_types import Json

_JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def _exchange(body: Json, status: int = 200, step: str = "s") -> Json:
    return {"step": step, "request": {}, "response": {"status": status, "headers": {}, "body": body}}


def _found(expected: Json, got: Json, allowance: Allowance | None = None) -> list[tuple[str, str, str]]:
    differences = compare([_exchange(expected)], [_exchange(got)], {"s": allowance} if allowance else None)
    return [(one.path, one.expected, one.got) for one in differences]


def test_equal_answers_do_not_differ() -> None:
    assert _found({"a": [1, None, {"b": ""}]}, {"a": [1, None, {"b": ""}]}) == []


def test_order_of_keys_is_free() -> None:
    assert _found({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []


def test_a_missing_key_is_found_at_every_level() -> None:
    assert _found({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}) == [("body.a.0.c", "2", "nothing there")]


def test_a_key_too_many_is_found() -> None:
    assert _found({"a": 1}, {"a": 1, "b": None}) == [("body.b", "nothing there", "null")]


def test_null_empty_list_and_empty_object_are_three_things() -> None:
    empties: list[Json] = [None, [], {}, "", 0, False]
    for one in empties:
        for other in empties:
            assert bool(_found(one, other)) == (one is not other), (one, other)


def test_a_number_and_its_text_differ() -> None:
    assert _found({"Port": 80}, {"Port": "80"}) == [("body.Port", "80", '"80"')]


def test_true_is_not_one() -> None:
    assert _found([True], [1]) == [("body.0", "true", "1")]


def test_order_of_a_list_counts() -> None:
    assert len(_found(["a", "b"], ["b", "a"])) == 2


def test_order_of_a_list_that_is_declared_free_does_not_count() -> None:
    assert _found({"t": ["a", "b"]}, {"t": ["b", "a"]}, Allowance(unordered=("body.*",))) == []


def test_a_free_order_still_compares_the_members() -> None:
    assert _found({"t": ["a", "b"]}, {"t": ["b", "c"]}, Allowance(unordered=("body.t",)))


def test_lists_of_two_lengths_differ_once() -> None:
    assert _found([1, 2, 3], [1]) == [("body", "[1, 2, 3]", "[1]")]


def test_a_status_is_compared() -> None:
    assert compare([_exchange(None, 200)], [_exchange(None, 500)]) == [Difference("s", "status", "200", "500")]


def test_own_words_may_differ_but_not_be_missing() -> None:
    allowance = Allowance(own_words=("body.*.Output",))
    assert _found({"c": {"Output": "refused"}}, {"c": {"Output": "nobody listens"}}, allowance) == []
    assert _found({"c": {"Output": "refused"}}, {"c": {"Output": ""}}, allowance)
    assert _found({"c": {"Output": "refused"}}, {"c": {"Output": None}}, allowance)


def test_a_sentence_for_people_may_be_worded_otherwise_but_not_be_missing() -> None:
    assert _found({"Output": "TTL expired"}, {"Output": "no word for 10 s"}) == []
    assert _found({"Output": "TTL expired"}, {"Output": ""})
    assert _found({"Output": "fine"}, {"Output": "not fine"})


def test_a_declared_difference_covers_what_is_below_it() -> None:
    allowance = Allowance(differs={"body.Config": "other fields"})
    assert _found({"Config": {"a": 1}, "b": 1}, {"Config": {"z": [1]}, "b": 1}, allowance) == []


def test_a_declared_difference_covers_nothing_else() -> None:
    allowance = Allowance(differs={"body.Config": "other fields"})
    assert [path for path, _, _ in _found({"Config": 1, "Confix": 1}, {"Config": 2, "Confix": 2}, allowance)] == [
        "body.Confix"
    ]


def test_a_declared_difference_that_is_none_is_reported() -> None:
    found = _found({"a": 1}, {"a": 1}, Allowance(differs={"body.a": "it was different"}))
    assert found == [("body.a", "the declared difference (it was different)", "no difference")]


def test_a_missing_step_and_a_step_too_many_are_found() -> None:
    differences = compare([_exchange(1, step="one")], [_exchange(1, step="two")])
    assert [(one.step, one.expected, one.got) for one in differences] == [
        ("one", "an exchange", "nothing there"),
        ("two", "nothing there", "an exchange"),
    ]


def test_a_report_names_place_expectation_and_answer() -> None:
    text = report("kv", compare([_exchange({"a": 1})], [_exchange({"a": 2})]))
    assert text == "kv: 1 steps differ\n* s\n  body.a\n    expected: 1\n    got:      2"


def test_a_report_of_no_differences_is_empty() -> None:
    assert report("kv", []) == ""


def test_a_broken_law_is_reported_without_any_difference() -> None:
    assert "the index fell" in report("kv", [], ["the index fell"])


@given(_JSON)
def test_an_answer_never_differs_from_itself(body: Json) -> None:
    assert _found(body, copy.deepcopy(body)) == []


@given(_JSON, _JSON)
def test_two_answers_differ_exactly_when_their_json_differs(one: Json, other: Json) -> None:
    assert bool(_found(one, other)) == (_typed(one) != _typed(other))


def _typed(value: Json) -> object:
    """`value` with types beside values: to Python 1 and True are equal."""
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return (type(value).__name__, value)
