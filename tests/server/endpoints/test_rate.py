from hypothesis import given
from hypothesis import strategies as st

from lictor_server.endpoints.rate import Rate


def test_zero_is_without_bound() -> None:
    rate = Rate(0)
    assert all(rate.take(0.0) for _ in range(10_000))


def test_a_burst_of_one_second_is_allowed_and_then_the_rate() -> None:
    rate = Rate(10)
    assert sum(rate.take(5.0) for _ in range(50)) == 10
    assert not rate.take(5.05)
    assert rate.take(5.2)


@given(st.lists(st.floats(min_value=0, max_value=0.5), max_size=200), st.integers(min_value=1, max_value=20))
def test_never_more_than_the_rate_and_one_burst(pauses: list[float], per_second: int) -> None:
    rate, now, taken = Rate(per_second), 0.0, 0
    for pause in pauses:
        now += pause
        taken += rate.take(now)
    assert taken <= per_second + now * per_second + 1e-6
