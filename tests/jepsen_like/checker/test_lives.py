"""What is proven of sessions: the least that any server can have meant."""

from lictor_jepsen.checker.lives import CLOCK_RATE_MIN, deeds, holds, lives
from lictor_jepsen.op import Kind, Op
from tests.jepsen_like.spans import Span, told

OPENED = Span(0, 1, "open", "lock", (1, 1000, 500, "release", "none"), (1, 1000, 500, "release", "none"))
GOT = Span(10, 20, "acquire", "lock", (1,), (1, "got", 7, 1))


def until_ms(history: list[Op]) -> float:
    return lives(deeds(history))[1].surely_until_ms


def test_a_session_lives_for_its_ttl_from_when_it_was_last_asked_to_be_renewed() -> None:
    assert until_ms(told(OPENED)) == 1000 * CLOCK_RATE_MIN
    renewed = Span(500, 900, "renew", "lock", (1,), (1, True))
    assert until_ms(told(OPENED, renewed)) == 500 + 1000 * CLOCK_RATE_MIN


def test_a_renewal_that_was_not_answered_proves_nothing() -> None:
    unknown = Span(500, 900, "renew", "lock", (1,), kind=Kind.INFO)
    assert until_ms(told(OPENED, unknown)) == 1000 * CLOCK_RATE_MIN


def test_whoever_sees_that_it_has_a_lock_proves_that_it_lives() -> None:
    seen = Span(5000, 5010, "read", "lock", None, (1, 7, 1))
    assert until_ms(told(OPENED, seen)) == 5000


def test_a_session_that_was_to_be_destroyed_is_sure_no_longer() -> None:
    for kind, expected in ((Kind.OK, 100.0), (Kind.INFO, 100.0), (Kind.FAIL, 1000 * CLOCK_RATE_MIN)):
        destroyed = Span(100, 110, "destroy", "lock", (1,), (1,), kind)
        assert until_ms(told(OPENED, destroyed)) == expected


def test_a_session_with_checks_is_sure_while_it_is_seen() -> None:
    value = (1, 1000, 500, "release", "node")
    assert until_ms(told(OPENED._replace(asked=value, answer=value))) == 0
    assert until_ms(told(OPENED._replace(asked=value, answer=value), GOT)) == 10


def test_a_lock_is_surely_had_from_its_answer_until_it_may_be_given_back() -> None:
    released = Span(200, 210, "release", "lock", (1,), (1, True))
    found = deeds(told(OPENED, GOT, released))
    [hold] = holds(found, lives(found))
    assert (hold.since_ms, hold.until_ms, hold.released) == (20, 200, True)


def test_after_a_release_that_may_come_at_any_time_nothing_is_sure() -> None:
    unknown = Span(5, 8, "release", "lock", (1,), kind=Kind.INFO)
    found = deeds(told(OPENED, unknown, GOT))
    assert holds(found, lives(found)) == []


def test_a_session_that_nobody_learnt_of_is_not_judged() -> None:
    assert lives(deeds(told(OPENED._replace(kind=Kind.INFO), GOT))) == {}
