"""Which steps the workload of members takes."""

from __future__ import annotations

from lictor_jepsen.checker.members import STEPS
from lictor_jepsen.generator import Generator
from lictor_jepsen.op import Invocation
from lictor_jepsen.workload.membership import Membership


def _walk(seed: int, thread: int, count: int) -> list[Invocation]:
    generator = Generator(Membership(), seed, threads=4)
    return [generator.invocation(thread, number, {}) for number in range(count)]


def test_the_first_thread_alone_changes_servers_and_takes_every_step_within_a_hundred() -> None:
    steps = {asked.f for asked in _walk(1, 0, 100)}
    assert steps == {*STEPS, "spare"}
    assert not STEPS & {asked.f for thread in (1, 2, 3) for asked in _walk(1, thread, 200)}


def test_every_run_begins_with_the_same_steps_so_that_a_short_one_shrinks_spares_and_replaces() -> None:
    for seed in range(20):
        assert [asked.f for asked in _walk(seed, 0, 4)] == ["shrink", "spare", "replace", "grow"]


def test_the_others_write_append_read_and_look() -> None:
    assert {asked.f for asked in _walk(1, 1, 200)} == {"write", "append", "read", "look"}


def test_a_turn_is_the_same_for_the_same_seed() -> None:
    assert _walk(3, 0, 30) == _walk(3, 0, 30)
    assert _walk(3, 0, 30) != _walk(4, 0, 30)


def test_in_the_end_the_servers_are_asked_for_and_all_keys_but_theirs_are_read() -> None:
    asked = Membership().last(["members", "register-membership-0-0"])
    assert [one.f for one in asked] == ["settle", "read", "read"]
    assert {one.key for one in asked[1:]} == {"register-membership-0-0"}
