"""The rules for a loop of blocking queries."""

from hypothesis import given
from hypothesis import strategies as st

from lictor.api.pacing import BACK_OFF_S_MAX, BURST_MAX, REFILL_S, Pacing
from lictor_core.clock import SeededRng


def pacing() -> Pacing:
    return Pacing(SeededRng(1))


def test_an_index_that_moved_is_news() -> None:
    watch = pacing()
    assert [watch.answered(index, 100.0 + index)[0] for index in (5, 5, 6, 6, 7)] == [True, False, True, False, True]
    assert watch.index == 7


def test_an_index_that_goes_backwards_starts_anew() -> None:
    watch = pacing()
    watch.answered(9, 100)
    assert watch.answered(4, 200)[0] is True
    assert watch.index == 0


def test_an_index_of_zero_is_never_waited_for() -> None:
    watch = pacing()
    assert watch.answered(0, 100)[0] is True
    assert watch.index == 0


@given(st.lists(st.integers(0, 20), max_size=50))
def test_the_index_to_wait_for_is_the_last_one_or_zero(indexes: list[int]) -> None:
    watch = pacing()
    for place, index in enumerate(indexes):
        watch.answered(index, float(place))
        assert watch.index in (0, index)


def test_a_flood_of_answers_is_slowed_down() -> None:
    watch = pacing()
    now = 100.0
    times: list[float] = []
    for index in range(1, 41):
        times.append(now)
        _, pause_s = watch.answered(index, now)
        now += pause_s
    assert times[BURST_MAX - 1] == times[0]
    assert times[-1] - times[0] >= (40 - BURST_MAX - 2) * REFILL_S


def test_answers_that_come_now_and_then_are_not_slowed_down() -> None:
    watch = pacing()
    assert all(watch.answered(index, index * 10.0)[1] == 0 for index in range(1, 20))


def test_pauses_after_failures_grow_up_to_a_bound() -> None:
    watch = pacing()
    pauses = [watch.failed() for _ in range(20)]
    assert 0.5 <= pauses[0] <= 1
    assert all(BACK_OFF_S_MAX / 2 <= pause <= BACK_OFF_S_MAX for pause in pauses[10:])
    watch.answered(1, 100)
    assert watch.failed() <= 1
