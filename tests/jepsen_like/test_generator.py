"""Generators are pure, and make operations that can be judged."""

from collections import Counter

import pytest

from lictor_jepsen.generator import Generator
from lictor_jepsen.op import Invocation, Mode
from lictor_jepsen.workload import WORKLOADS
from lictor_jepsen.workload.base import OPS_PER_KEY

OF_KEYS = ("append", "cas", "lock", "register", "set")
"""The workloads of the KV store; those of other subjects have other words, and tests of their own."""


def _invocations(workload: str, seed: int = 7, threads: int = 6, each: int = 200) -> list[Invocation]:
    generator = Generator(WORKLOADS[workload], seed, threads)
    return [generator.invocation(thread, number, {}) for thread in range(threads) for number in range(each)]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_seed_gives_the_same_operations_again(workload: str) -> None:
    assert _invocations(workload) == _invocations(workload)
    assert _invocations(workload) != _invocations(workload, seed=8)


@pytest.mark.parametrize("workload", [name for name in OF_KEYS if name != "lock"])
def test_no_value_is_written_twice(workload: str) -> None:
    written = Counter(
        asked.value[-1] if isinstance(asked.value, tuple) else asked.value
        for asked in _invocations(workload)
        if asked.f != "read"
    )
    assert set(written.values()) == {1}


@pytest.mark.parametrize("workload", OF_KEYS)
def test_reads_come_in_every_mode_and_changes_in_none(workload: str) -> None:
    found = _invocations(workload)
    assert {asked.mode for asked in found if asked.f == "read"} == {Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE}
    assert {asked.mode for asked in found if asked.f != "read"} == {Mode.NONE}


def test_keys_change_so_that_a_history_stays_short() -> None:
    keys = Counter(asked.key for asked in _invocations("register", threads=6, each=200))
    assert max(keys.values()) == 6 * OPS_PER_KEY


def test_many_threads_share_several_keys() -> None:
    assert len({asked.key for asked in _invocations("register", threads=10, each=1)}) == 2


def test_a_compare_and_set_starts_from_what_the_client_saw() -> None:
    generator = Generator(WORKLOADS["cas"], 7, 1)
    found = [generator.invocation(0, number, {"cas-0-0": 42}) for number in range(OPS_PER_KEY)]
    assert {asked.value[0] for asked in found if isinstance(asked.value, tuple)} == {42}


def test_who_has_a_lock_gives_it_back_and_others_ask_for_it() -> None:
    generator = Generator(WORKLOADS["lock"], 7, 3)
    for thread, holder, verb in ((0, 1, "release"), (1, 1, "acquire"), (2, None, "acquire"), (2, 0, "acquire")):
        found = [generator.invocation(thread, number, {"lock-0-0": holder}) for number in range(OPS_PER_KEY)]
        changes = {(asked.f, asked.value) for asked in found if asked.f != "read"}
        assert changes == {(verb, thread + 1)}


def test_a_mark_stands_before_every_key_and_changes_nothing_else() -> None:
    plain, marked = (Generator(WORKLOADS["names"], 7, 6, mark) for mark in ("", "jepsen-now-"))
    for thread in range(6):
        asked = plain.invocation(thread, 5, {})
        assert marked.invocation(thread, 5, {}) == asked._replace(key=f"jepsen-now-{asked.key}")


def test_pauses_have_the_asked_mean() -> None:
    generator = Generator(WORKLOADS["cas"], 7, 1)
    pauses = [generator.pause_s(0, number, 0.5) for number in range(2000)]
    assert min(pauses) >= 0
    assert sum(pauses) / len(pauses) == pytest.approx(0.5, rel=0.1)
