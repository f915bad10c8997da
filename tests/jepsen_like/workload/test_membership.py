"""Which steps the workload of members takes."""

from __future__ import annotations

import pytest

from lictor_jepsen.checker.members import STEPS
from lictor_jepsen.generator import Generator
from lictor_jepsen.op import Invocation
from lictor_jepsen.workload.membership import Membership

WALK = 11
"""How many steps are the same in every run."""


def _walk(seed: int, thread: int, count: int) -> list[Invocation]:
    generator = Generator(Membership(), seed, threads=4)
    return [generator.invocation(thread, number, {}) for number in range(count)]


def _sizes(walk: list[Invocation], servers: int) -> list[int]:
    """How many servers there are in the beginning and after each step that changes or tries something."""
    sizes = [servers]
    for asked in walk:
        now = sizes[-1]
        match asked.f, asked.value:
            case "grow" | "shrink" as f, (int() as wanted, int()):
                if wanted != now:
                    assert (f == "grow") == (wanted > now), f"{f} to {wanted} of {now}"
                    sizes.append(wanted)
            case _:
                assert now >= 3, f"{asked.f} of {now} servers"
                sizes.append(now - (asked.f == "remove"))
    return sizes


def test_the_first_thread_alone_changes_servers_and_takes_every_step_within_a_hundred() -> None:
    steps = {asked.f for asked in _walk(1, 0, 100)}
    assert steps == {*STEPS, "spare"}
    assert not STEPS & {asked.f for thread in (1, 2, 3) for asked in _walk(1, thread, 200)}


@pytest.mark.parametrize("servers", [1, 3, 5])
def test_every_run_walks_from_one_server_to_five_to_three_to_one_and_nothing_on_the_way_fails(servers: int) -> None:
    for seed in range(20):
        walk = _walk(seed, 0, WALK)
        assert walk[-1].f == "shrink"
        assert _sizes(walk, servers) == [*dict.fromkeys([servers, 5]), 3, 3, 5, 5, 5, 5, 4, 3, 3, 1]


def test_a_walk_meets_every_step_and_spares_servers_of_three_and_of_five() -> None:
    walk = _walk(1, 0, WALK)
    assert {asked.f for asked in walk} == {*STEPS, "spare"}
    sizes = _sizes(walk, 1)
    assert {sizes[place + 1] for place, asked in enumerate(walk) if asked.f == "spare"} == {3, 5}


def test_the_others_write_append_read_and_look() -> None:
    assert {asked.f for asked in _walk(1, 1, 200)} == {"write", "append", "read", "look"}


def test_a_turn_is_the_same_for_the_same_seed() -> None:
    assert _walk(3, 0, 30) == _walk(3, 0, 30)
    assert _walk(3, 0, 30) != _walk(4, 0, 30)


def test_in_the_end_the_servers_are_asked_for_and_all_keys_but_theirs_are_read() -> None:
    asked = Membership().last(["members", "register-membership-0-0"])
    assert [one.f for one in asked] == ["settle", "read", "read"]
    assert {one.key for one in asked[1:]} == {"register-membership-0-0"}
