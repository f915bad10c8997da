"""What threads of the workload ask: one life after another."""

from __future__ import annotations

from lictor_jepsen.checker.lives import part
from lictor_jepsen.generator import Generator
from lictor_jepsen.op import Invocation
from lictor_jepsen.workload import WORKLOADS
from lictor_jepsen.workload.sessions import LIFE_TURNS

THREADS = 6
GENERATOR = Generator(WORKLOADS["sessions"], 1, THREADS)


def life(thread: int, number: int) -> list[Invocation]:
    first = number * LIFE_TURNS
    return [GENERATOR.invocation(thread, turn, {}) for turn in range(first, first + LIFE_TURNS)]


LIVES = [life(thread, number) for thread in range(THREADS) for number in range(30)]


def test_every_life_opens_a_session_of_its_own() -> None:
    numbers = [{part(asked.value, 0) for asked in one if asked.f != "read"} for one in LIVES]
    assert all(len(found) == 1 for found in numbers)
    assert len({number for found in numbers for number in found}) == len(LIVES)
    assert {one[0].f for one in LIVES} == {"open"}


def test_lives_end_in_every_way() -> None:
    destroyed = [one for one in LIVES if one[-1].f == "destroy"]
    stalled = [one for one in LIVES if any(asked.f == "stall" for asked in one)]
    assert min(len(destroyed), len(stalled), len(LIVES) - len(destroyed) - len(stalled)) > 5
    crashed = [one for one in LIVES if one not in destroyed and one not in stalled and one[0].key.startswith("sess")]
    assert not any(asked.f in ("release", "renew") for one in crashed for asked in one[LIFE_TURNS // 2 + 1 :])


def test_keys_have_one_behavior() -> None:
    asked = [one[0] for one in LIVES if one[0].key.startswith("sessions")]
    found = {(one.key, one.value[3]) for one in asked if isinstance(one.value, tuple)}
    assert len(found) == len({key for key, _ in found})
    assert {behavior for _, behavior in found} == {"release", "delete"}


def test_locks_are_read_in_the_end() -> None:
    last = WORKLOADS["sessions"].last(["sessions-0-release-1", "semaphore-0"])
    assert [asked.key for asked in last] == ["sessions-0-release-1"]
