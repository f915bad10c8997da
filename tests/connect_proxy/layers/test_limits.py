"""The circuit breaker of connections."""

from lictor_connect_proxy.layers.limits import TOLD_EVERY_S, ConnectionLimit


def test_as_many_enter_as_the_limit_says_and_who_leaves_makes_room() -> None:
    limit = ConnectionLimit(2)
    assert [limit.enter() for _ in range(3)] == [True, True, False]
    limit.leave()
    assert limit.enter()
    assert (limit.open, limit.refused) == (2, 1)


def test_a_limit_of_nothing_refuses_everybody() -> None:
    assert not ConnectionLimit(0).enter()


def test_a_limit_that_shrinks_refuses_newcomers_and_touches_nobody() -> None:
    limit = ConnectionLimit(3)
    assert all(limit.enter() for _ in range(3))
    limit.most = 1
    limit.leave()
    assert not limit.enter()
    assert limit.open == 2


def test_refusals_are_told_at_once_and_then_together() -> None:
    limit = ConnectionLimit(0)
    assert limit.to_tell(0.0) == 0
    limit.enter()
    assert limit.to_tell(0.0) == 1
    for _ in range(5):
        limit.enter()
    assert limit.to_tell(TOLD_EVERY_S - 0.1) == 0
    assert limit.to_tell(TOLD_EVERY_S) == 5
    assert limit.to_tell(TOLD_EVERY_S * 3) == 0
