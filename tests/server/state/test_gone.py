"""Deleted keys leave in the order in which they went, and are found by prefix."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_server.state.gone import GoneKeys

KEYS = st.text("ab", max_size=3)
STEPS = st.lists(st.tuples(st.sampled_from(["delete", "write", "forget"]), KEYS), max_size=30)


@given(STEPS, KEYS)
def test_it_is_as_a_plain_dictionary(steps: list[tuple[str, str]], prefix: str) -> None:
    gone, twin = GoneKeys(), dict[str, int]()
    for index, (step, key) in enumerate(steps, 1):
        if step == "write":
            gone.discard(key)
            twin.pop(key, None)
        elif step == "delete" and key not in twin:
            gone.add(key, index)
            twin[key] = index
        elif step == "forget" and twin:
            assert gone.drop_oldest() == twin.pop(next(iter(twin)))
    assert list(gone.rows()) == list(twin.items())
    assert len(gone) == len(twin)
    assert gone.newest_under(prefix, 1) == max([1, *(at for key, at in twin.items() if key.startswith(prefix))])
    assert gone.get("a", 0) == twin.get("a", 0)


def test_rows_are_those_of_the_call() -> None:
    gone = GoneKeys()
    gone.add("a", 1)
    rows = gone.rows()
    gone.add("b", 2)
    assert list(rows) == [("a", 1)]


@given(st.sets(KEYS), st.sets(KEYS), st.integers(1, 8))
def test_many_are_added_as_each_by_itself(before: set[str], keys: set[str], keys_max: int) -> None:
    together, one_by_one = GoneKeys(), GoneKeys()
    first = sorted(before - keys)[:keys_max]
    for gone in (together, one_by_one):
        for index, key in enumerate(first, 1):
            gone.add(key, index)
    newest = 0
    for key in sorted(keys):
        one_by_one.add(key, 50)
        while len(one_by_one) > keys_max:
            newest = max(newest, one_by_one.drop_oldest())
    assert together.add_many(sorted(keys), 50, keys_max) == newest
    assert list(together.rows()) == list(one_by_one.rows())
    for prefix in ("", "a", "ab", "b"):
        assert together.newest_under(prefix, 1) == one_by_one.newest_under(prefix, 1)
