"""Rates and quantiles over time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.history import calls
from lictor_jepsen.op import Kind, Op
from lictor_jepsen.report.series import quantile, series

_KINDS = st.sampled_from([Kind.OK, Kind.FAIL, Kind.INFO])


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 5_000), _KINDS), max_size=40))
def test_every_call_counts_once_where_it_ended(done: list[tuple[int, int, Kind]]) -> None:
    events: list[tuple[int, int, Op]] = []
    for process, (begin, took, kind) in enumerate(done):
        events.append((begin, 0, Op(begin, process, Kind.INVOKE, "write")))
        events.append((begin + took, 1, Op(begin + took, process, kind, "write")))
    history = [op for _, _, op in sorted(events, key=lambda event: event[:2])]
    found = series(history, calls(history))
    seconds = found.bucket_ms / 1000
    assert len(found.ok) <= 121
    for rates, kind in ((found.ok, Kind.OK), (found.fail, Kind.FAIL), (found.info, Kind.INFO)):
        assert round(sum(rates) * seconds, 6) == sum(one[2] is kind for one in done)
    for number, median in enumerate(found.quantiles_ms[0]):
        inside = [took for begin, took, kind in done if kind is Kind.OK and (begin + took) // found.bucket_ms == number]
        assert (median is None) == (not inside)
        assert median is None or min(inside) <= median <= max(inside)


@given(st.lists(st.integers(0, 9), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], share: float) -> None:
    enough = [value for value in values if sum(other <= value for other in values) >= share * len(values)]
    assert quantile(sorted(values), share) == min(enough)


def test_there_is_no_quantile_of_nothing() -> None:
    assert quantile([], 0.5) is None


def test_a_history_without_lines_has_one_empty_part() -> None:
    found = series([], [])
    assert (found.ok, found.quantiles_ms) == ([0.0], [[None], [None], [None]])
