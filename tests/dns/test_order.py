"""Order: fair over few answers, random beyond the first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_dns.order import shuffled


@given(items=st.lists(st.integers()), turn=st.integers(0, 10_000), seed=st.integers())
def test_an_order_has_the_same_items(items: list[int], turn: int, seed: int) -> None:
    assert Counter(shuffled(items, SeededRng(seed), turn)) == Counter(items)


@given(count=st.integers(1, 50), start=st.integers(0, 10_000))
def test_over_as_many_turns_as_items_each_is_first_once(count: int, start: int) -> None:
    rng = SeededRng(1)
    firsts = [shuffled(range(count), rng, start + turn)[0] for turn in range(count)]
    assert sorted(firsts) == list(range(count))


def test_what_follows_the_first_varies() -> None:
    rng = SeededRng(1)
    assert len({tuple(shuffled(range(5), rng, 0)) for _ in range(200)}) == 24


def test_the_items_given_stay_as_they_were() -> None:
    items = [1, 2, 3]
    shuffled(items, SeededRng(1), 1)
    assert items == [1, 2, 3]
