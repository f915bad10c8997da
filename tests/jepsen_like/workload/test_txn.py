"""The workload of transactions: what it asks."""

from __future__ import annotations

from collections import Counter
from random import Random

from lictor_jepsen.checker.micro import txn_of
from lictor_jepsen.checker.txn import CHANGES
from lictor_jepsen.history import calls
from lictor_jepsen.op import Invocation, Kind, Mode, Op
from lictor_jepsen.workload import WORKLOADS, Turn
from lictor_jepsen.workload.txn import Transactions


def _asked() -> list[Invocation]:
    return [Transactions().invocation(Random(number), Turn(3, number, 6, "g", {})) for number in range(400)]


def test_every_kind_comes_on_one_to_three_lists() -> None:
    kinds = Counter(one.f for one in _asked())
    assert set(kinds) == {"look", *CHANGES}
    for one in _asked():
        assert isinstance(one.value, tuple)
        micro = {(f, key) for f, key, _ in (part for part in one.value if isinstance(part, tuple))}
        assert 1 <= len({key for _, key in micro}) <= 3
        assert any(f == "append" for f, _ in micro) is (one.f != "look")
        assert (one.mode is Mode.NONE) is (one.f != "look")
    assert WORKLOADS["txn"].changes == CHANGES


def test_no_number_is_appended_twice() -> None:
    found = [
        Op(0.0, number, Kind.INVOKE, one.f, "g", one.value)
        for number, one in enumerate(
            Transactions().invocation(Random(f"{thread}/{number}"), Turn(thread, number, 3, "g", {}))
            for thread in range(3)
            for number in range(100)
        )
    ]
    numbers = [number for call in calls(found) for all_ in txn_of(0, call).appends.values() for number in all_]
    assert len(numbers) > 200
    assert len(set(numbers)) == len(numbers)


def test_in_the_end_all_lists_are_looked_at_in_both_strict_modes() -> None:
    assert [one.mode for one in Transactions().last(["g", "h"])] == [Mode.DEFAULT, Mode.CONSISTENT] * 2
    assert {one.value for one in Transactions().last(["g"])} == {tuple(("r", key, None) for key in "xyz")}
