"""Deadlines of sessions: moved on by renewals, found when they are over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_server.leader.session_timers import SessionTimers


def test_a_session_expires_when_its_time_is_over_and_is_named_once() -> None:
    timers = SessionTimers()
    timers.begin("a", 10, now=0)
    assert timers.expired(9.9) == []
    assert timers.next_due() == 10
    assert timers.expired(10) == ["a"]
    assert timers.expired(100) == []


def test_a_renewal_begins_the_time_anew() -> None:
    timers = SessionTimers()
    timers.begin("a", 10, now=0)
    assert timers.renew("a", 8)
    assert timers.expired(17.9) == []
    assert timers.expired(18) == ["a"]


def test_a_renewal_that_is_told_late_shortens_nothing() -> None:
    timers = SessionTimers()
    timers.begin("a", 10, now=5)
    timers.renew("a", 2)
    assert timers.expired(14.9) == []


def test_what_is_ending_cannot_be_renewed_until_it_is_dropped() -> None:
    timers = SessionTimers()
    timers.begin("a", 10, now=0)
    timers.expired(10)
    assert not timers.renew("a", 10)
    timers.retry("a", 11)
    assert not timers.renew("a", 10.5)
    assert timers.expired(11) == ["a"]
    timers.drop("a")
    assert timers.renew("a", 12), "one that is not counted never ends by itself"


def test_a_pause_gives_everybody_that_much_more_time() -> None:
    timers = SessionTimers()
    timers.begin("a", 10, now=0)
    timers.extend(30)
    assert timers.expired(39.9) == []
    assert timers.expired(40) == ["a"]


def test_sessions_that_come_and_go_leave_nothing_behind() -> None:
    timers = SessionTimers()
    for number in range(10_000):
        timers.begin(f"s{number}", 86_400, now=0)
        timers.drop(f"s{number}")
    assert len(timers) == 0
    assert timers.next_due() is None or number_of_stale(timers) <= 2000


def number_of_stale(timers: SessionTimers) -> int:
    return len(list(vars(timers)["_heap"]))


@given(
    st.lists(
        st.tuples(st.sampled_from(("begin", "renew", "drop", "look")), st.sampled_from("abc"), st.integers(0, 5)),
        max_size=60,
    )
)
@settings(deadline=None)
def test_expired_are_those_whose_last_renewal_is_too_long_ago(steps: list[tuple[str, str, int]]) -> None:
    timers, now = SessionTimers(), 0
    due: dict[str, int] = {}
    for step, name, later in steps:
        now += later
        match step:
            case "begin":
                timers.begin(name, 7, now)
                due[name] = now + 7
            case "renew":
                timers.renew(name, now)
                if name in due:
                    due[name] = now + 7
            case "drop":
                timers.drop(name)
                due.pop(name, None)
            case _:
                over = {one for one, at in due.items() if at <= now}
                assert set(timers.expired(now)) == over
                for one in over:
                    del due[one]
                    timers.drop(one)
                soonest = timers.next_due()
                assert not due or (soonest is not None and soonest <= min(due.values()))
