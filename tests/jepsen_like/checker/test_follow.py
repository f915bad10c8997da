"""What is seen of a thing follows what its one writer did: by hand, and against a search through all numberings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker.follow import Change, Sight, follow
from lictor_jepsen.op import Value

UNKNOWN = float("inf")


def change(value: Value, begins: int, ends: float) -> Change:
    """A line of the history is a millisecond."""
    return Change(value, begins, float(begins), float(ends))


def sight(value: Value, begins: int, ends: int) -> Sight:
    return Sight(value, begins, ends, float(begins), float(ends), "read")


def done_before(change: Change, sight: Sight) -> bool:
    return change.ended_ms < sight.invoked_ms


def never(change: Change, sight: Sight) -> bool:
    del change, sight
    return False


def problems(changes: Sequence[Change], sights: Sequence[Sight]) -> list[str]:
    return [problem.text.split(":")[0] for problem in follow(changes, sights, must_show=done_before, keeps_order=True)]


def test_a_thing_that_is_set_and_removed_fits_as_it_goes() -> None:
    changes = [change(1, 1, 2), change(2, 5, 8), change(None, 11, 12)]
    sights = [sight(None, 0, 3), sight(1, 3, 4), sight(1, 6, 7), sight(2, 9, 10), sight(None, 13, 14)]
    assert problems(changes, sights) == []


def test_what_was_never_set_is_a_phantom() -> None:
    assert problems([change(1, 0, 1)], [sight(9, 2, 3)]) == ["phantom"]
    assert problems([change(1, 4, 5)], [sight(1, 2, 3)]) == ["phantom"]


def test_what_was_done_before_must_show() -> None:
    assert problems([change(1, 0, 1), change(2, 2, 3)], [sight(1, 4, 5)]) == ["stale"]
    assert problems([change(1, 0, 1), change(None, 2, 3)], [sight(1, 4, 5)]) == ["stale"]


def test_a_removal_that_was_seen_stays() -> None:
    changes = [change(1, 0, 1), change(None, 2, 9)]
    assert problems(changes, [sight(None, 3, 4), sight(1, 5, 6)]) == ["backwards"]


def test_sights_at_the_same_time_have_no_order() -> None:
    changes = [change(1, 0, 1), change(2, 2, 9)]
    assert problems(changes, [sight(2, 3, 6), sight(1, 4, 5)]) == []


def test_where_no_order_is_kept_any_past_fits_but_nothing_that_never_was() -> None:
    changes = [change(1, 0, 1), change(2, 2, 3)]
    sights = [sight(2, 4, 5), sight(1, 6, 7), sight(None, 8, 9), sight(7, 10, 11)]
    found = [*follow(changes, sights, must_show=never, keeps_order=False)]
    assert [problem.text.split(":")[0] for problem in found] == ["phantom"]


def test_a_change_that_nobody_knows_of_may_show_late_until_it_is_gone() -> None:
    late = change(1, 0, UNKNOWN)
    changes = [late, change(2, 2, 3)]
    assert problems(changes, [sight(2, 4, 5), sight(1, 6, 7)]) == []
    assert problems([late._replace(gone_ms=5.0), changes[1]], [sight(2, 4, 5), sight(1, 6, 7)]) == ["stale"]
    assert problems(changes, [sight(None, 4, 5)]) == ["stale"]


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Change], list[Sight]]:
    """A few changes one after another, and sights of all kinds, right and wrong."""
    moments = draw(st.permutations(range(18)))
    changes: list[Change] = []
    ends = sorted(moments[: 2 * draw(st.integers(0, 4))])
    for number, (begins, over) in enumerate(zip(ends[::2], ends[1::2], strict=True), 1):
        value = draw(st.sampled_from((number, None)))
        changes.append(change(value, begins, UNKNOWN if draw(st.integers(0, 4)) == 0 else over))
    rest = moments[len(ends) :]
    count = draw(st.integers(0, min(4, len(rest) // 2)))
    sights = [
        sight(draw(st.sampled_from((None, 1, 2, 3, 4))), *sorted(rest[2 * number : 2 * number + 2]))
        for number in range(count)
    ]
    return changes, sorted(sights, key=lambda seen: seen.invoked)


def fits(changes: Sequence[Change], sights: Sequence[Sight]) -> bool:
    """Whether some numbering of all sights is right. -1 is the number of what an unknown change explains."""

    def right(number: int, seen: Sight) -> bool:
        if number == -1:
            return any(not one.is_known and one.value == seen.value and one.invoked < seen.returned for one in changes)
        if number and changes[number - 1].invoked > seen.returned:
            return False
        value = changes[number - 1].value if number else None
        due = [at for at, one in enumerate(changes, 1) if one.is_known and done_before(one, seen)]
        return value == seen.value and number >= max(due, default=0)

    for numbers in product(range(-1, len(changes) + 1), repeat=len(sights)):
        ordered = all(
            not (first.returned < then.invoked and -1 not in (a, b) and a > b)
            for a, first in zip(numbers, sights, strict=True)
            for b, then in zip(numbers, sights, strict=True)
        )
        if ordered and all(right(number, seen) for number, seen in zip(numbers, sights, strict=True)):
            return True
    return False


@given(stories())
def test_a_search_through_all_numberings_agrees(story: tuple[list[Change], list[Sight]]) -> None:
    changes, sights = story
    found = [*follow(changes, sights, must_show=done_before, keeps_order=True)]
    assert (found == []) == fits(changes, sights), found
