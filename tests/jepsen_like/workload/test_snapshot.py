"""Which steps the workload of snapshots takes."""

from __future__ import annotations

from lictor_jepsen.checker.restored import SNAPSHOTS
from lictor_jepsen.generator import Generator
from lictor_jepsen.op import Invocation, Value
from lictor_jepsen.workload.snapshot import Snapshot


def _walk(thread: int, count: int) -> list[Invocation]:
    generator = Generator(Snapshot(), 1, threads=6)
    return [generator.invocation(thread, number, {}) for number in range(count)]


def test_the_first_thread_saves_and_restores_and_the_others_write_and_read() -> None:
    assert {asked.f for asked in _walk(0, 300)} == {"hold", "drop", "save", "restore", "read"}
    assert {asked.f for asked in _walk(3, 300)} == {"write", "read"}


def test_a_restore_under_load_comes_after_one_alone_that_tells_what_it_brings_and_no_number_is_saved_twice() -> None:
    saved: set[Value] = set()
    known: set[Value] = set()
    loaded = 0
    for asked in _walk(0, 1000):
        if asked.f == "save":
            assert asked.value not in saved
            saved.add(asked.value)
        elif asked.f == "restore":
            assert isinstance(asked.value, tuple)
            number, is_alone = asked.value
            assert number in saved
            assert is_alone or number in known
            known.add(number)
            loaded += not is_alone
    assert loaded >= 10


def test_threads_share_some_keys_at_a_time() -> None:
    first, second = ([asked.key for asked in _walk(thread, 80)] for thread in (1, 2))
    assert first == second
    assert len(set(first)) == 4
    assert SNAPSHOTS not in first
