"""Who holds what broken, and what is mended when one of two lets go."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.nemesis.base import Holds, some
from lictor_jepsen.net import Node

NODES = [Node(number, f"n{number}", f"10.0.0.{number}") for number in range(1, 6)]
FIRST, SECOND, THIRD, *_ = NODES


def test_what_one_fault_holds_is_free_when_it_lets_go() -> None:
    holds = Holds()
    holds.take("kill-one", "down", [FIRST])
    assert holds.held("down", FIRST)
    assert holds.release("kill-one", "down", Node) == [FIRST]
    assert not holds.held("down", FIRST)
    assert holds.release("kill-one", "down", Node) == []


def test_what_two_faults_hold_is_free_when_the_second_lets_go() -> None:
    holds = Holds()
    holds.take("kill-one", "down", [FIRST])
    holds.take("kill-majority", "down", [FIRST, SECOND])
    assert holds.release("kill-majority", "down", Node) == [SECOND]
    assert holds.held("down", FIRST)
    assert holds.release("kill-one", "down", Node) == [FIRST]


def test_ways_to_be_broken_do_not_touch_each_other() -> None:
    holds = Holds()
    holds.take("kill-one", "down", [FIRST])
    holds.take("pause-one", "paused", [FIRST])
    assert holds.release("kill-one", "down", Node) == [FIRST]
    assert holds.held("paused", FIRST)


def test_when_all_let_go_nothing_is_held() -> None:
    holds = Holds()
    holds.take("kill-one", "down", [FIRST])
    holds.clear()
    assert not holds.held("down", FIRST)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans(), st.sets(st.sampled_from(NODES)))))
def test_a_thing_is_held_while_and_only_while_a_fault_that_took_it_has_not_let_go(
    steps: list[tuple[str, bool, set[Node]]],
) -> None:
    holds = Holds()
    model: dict[str, set[Node]] = {"a": set(), "b": set(), "c": set()}
    for fault, takes, things in steps:
        if takes:
            holds.take(fault, "down", things)
            model[fault] |= things
        else:
            mine, model[fault] = model[fault], set()
            assert set(holds.release(fault, "down", Node)) == mine - set[Node]().union(*model.values())
        for node in NODES:
            assert holds.held("down", node) == any(node in held for held in model.values())


def test_some_are_at_least_one_and_at_most_all() -> None:
    assert {len(some(NODES, Random(seed))) for seed in range(200)} == {1, 2, 3, 4, 5}
