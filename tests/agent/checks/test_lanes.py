"""Who may ask at the same time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.checks.lanes import Lane


def test_those_who_wait_are_served_in_their_order() -> None:
    lane: Lane[str] = Lane(2)
    for name in "abc":
        lane.wait(name, slow=False)
    assert (lane.next(), lane.next(), lane.next()) == (("a", False), ("b", False), None)
    assert lane.has_waiting
    lane.leave(slow=False)
    assert lane.next() == ("c", False)
    assert not lane.has_waiting


def test_the_slow_take_at_most_half_of_the_places() -> None:
    lane: Lane[int] = Lane(4)
    for number in range(6):
        lane.wait(number, slow=True)
    assert [lane.next() for _ in range(3)] == [(0, True), (1, True), None]
    lane.wait(9, slow=False)
    assert lane.next() == (9, False)


def test_the_quick_go_before_the_slow() -> None:
    lane: Lane[str] = Lane(2)
    lane.wait("slow", slow=True)
    lane.wait("quick", slow=False)
    assert (lane.next(), lane.next()) == (("quick", False), ("slow", True))


@given(st.lists(st.sampled_from(["quick", "slow", "next", "leave"])), st.integers(2, 6))
def test_the_bounds_hold_and_no_place_is_lost(moves: list[str], places: int) -> None:
    lane: Lane[str] = Lane(places)
    inside: list[bool] = []
    for move in moves:
        match move:
            case "next":
                if (found := lane.next()) is not None:
                    inside.append(found[1])
            case "leave":
                if inside:
                    lane.leave(slow=inside.pop())
            case _:
                lane.wait(move, slow=move == "slow")
        assert len(inside) <= places
        assert sum(inside) <= places // 2
    for slow in inside:
        lane.leave(slow=slow)
    while lane.has_waiting:
        found = lane.next()
        assert found is not None
        lane.leave(slow=found[1])
