"""A copy holds what the table held when it was made, whatever the writer does, and whenever it is read."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.topics import Topic, service
from lictor_server.state.copies import Copies, Copy, in_order


class Table:
    """The least table that has copies."""

    def __init__(self, rows: dict[str, int]) -> None:
        self.rows = dict(rows)
        self.copies: Copies[str, int] = Copies()

    def set(self, key: str, value: int | None) -> None:
        if self.copies:
            self.copies.keep(key)
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value


names = st.sampled_from("abcdef")
writes = st.lists(st.tuples(names, st.none() | st.integers(0, 9)), max_size=12)


@given(st.dictionaries(names, st.integers(0, 9)), writes, writes, writes)
def test_copies_hold_what_was_there_when_they_were_made(
    rows: dict[str, int],
    first: list[tuple[str, int | None]],
    second: list[tuple[str, int | None]],
    third: list[tuple[str, int | None]],
) -> None:
    table = Table(rows)
    early = table.copies.make(list(table.rows), table.rows.get)
    for write in first:
        table.set(*write)
    between = dict(table.rows)
    late = table.copies.make(list(table.rows), table.rows.get)
    for write in second:
        table.set(*write)
    half_read = iter(early)
    read = dict([next(half_read)]) if rows else {}
    for write in third:
        table.set(*write)
    assert {**read, **dict(half_read)} == rows
    assert dict(late) == between


def test_a_copy_that_nobody_holds_costs_nothing() -> None:
    table = Table({"a": 1, "b": 2})
    copy = table.copies.make(list(table.rows), table.rows.get)
    rows = iter(copy)
    next(rows)
    del copy
    assert table.copies, "its iterator holds it"
    del rows
    assert not table.copies


@pytest.fixture
def eager_threads() -> Generator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _read(copy: Copy[str, int], seen: list[set[int]]) -> None:
    seen.append({value for _, value in copy})


@pytest.mark.usefixtures("eager_threads")
def test_a_copy_read_in_another_thread_is_of_one_moment() -> None:
    """Every round adds one to every row: a reader that sees two rounds at once has seen a change."""
    keys = [f"k{number}" for number in range(200)]
    table = Table(dict.fromkeys(keys, 0))
    seen: list[set[int]] = []
    for start in range(50):
        copy = table.copies.make(keys, table.rows.get)
        reader = threading.Thread(target=_read, args=(copy, seen))
        reader.start()
        for key in keys:
            table.set(key, start + 1)
        reader.join()
    assert seen == [{start} for start in range(50)]


@given(st.lists(st.text(max_size=3)))
def test_in_order_sorts(keys: list[str]) -> None:
    assert list(in_order(keys)) == sorted(keys)


def test_in_order_sorts_more_than_a_run() -> None:
    topics: list[Topic] = [service(f"s{number * 7919 % 5000}") for number in range(5000)]
    assert list(in_order(topics)) == sorted(topics)
