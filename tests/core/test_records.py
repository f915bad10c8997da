"""Records: immutable, and summaries of health."""

from itertools import permutations

import pytest

from lictor_core.records import CRITICAL, MAINT, PASSING, WARNING, Weights, worst_status


def test_a_record_cannot_be_changed() -> None:
    weights = Weights(passing=1, warning=1)
    with pytest.raises(AttributeError):
        weights.passing = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] the point of the test


@pytest.mark.parametrize("order", list(permutations([PASSING, WARNING, CRITICAL, MAINT])))
def test_the_worst_status_wins_in_any_order(order: tuple[str, ...]) -> None:
    assert worst_status(list(order)) == MAINT
    assert worst_status([status for status in order if status != MAINT]) == CRITICAL
    assert worst_status([status for status in order if status in (PASSING, WARNING)]) == WARNING


def test_no_status_is_passing() -> None:
    assert worst_status([]) == PASSING
