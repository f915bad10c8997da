import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_server.state import kv
from lictor_server.state.indexes import Change
from lictor_server.state.kv import KVTable


def put(table: KVTable, index: int, key: str) -> None:
    table.put(Change(index), key, b"%d" % index, 0)


def drop(table: KVTable, index: int, key: str) -> None:
    table.drop(Change(index), key)


def test_prefix_has_the_index_of_its_newest_change_also_when_it_was_a_deletion() -> None:
    table = KVTable()
    put(table, 5, "a/1")
    put(table, 6, "a/2")
    assert table.prefix_index("a/") == 6
    drop(table, 9, "a/1")
    assert table.prefix_index("a/") == 9
    assert table.prefix_index("b") == 1


def test_prefix_asked_for_before_and_after_a_change_agree() -> None:
    asked, late = KVTable(), KVTable()
    for table in (asked, late):
        put(table, 5, "a/1")
        if table is asked:
            assert table.prefix_index("a/") == 5
        put(table, 7, "a/2")
        drop(table, 8, "a/1")
    assert asked.prefix_index("a/") == late.prefix_index("a/") == 8


def test_forgotten_deletions_raise_the_floor_and_no_index_goes_back() -> None:
    table = KVTable(gone_max=2)
    for index, key in enumerate(("a", "b", "c"), 10):
        put(table, index, key)
    before = {key: table.key_index(key) for key in "abc"}
    for index, key in enumerate(("a", "b", "c"), 20):
        drop(table, index, key)
    after = {key: table.key_index(key) for key in "abcz"}
    assert after == {"a": 20, "b": 21, "c": 22, "z": 20}
    assert all(after[key] > before[key] for key in before)
    assert table.prefix_index("") == 22


def test_recreated_key_is_newer_than_its_deletion() -> None:
    table = KVTable()
    put(table, 5, "a")
    drop(table, 6, "a")
    put(table, 7, "a")
    assert table.key_index("a") == 7
    assert list(table.gone_rows()) == []


def test_cached_prefix_indexes_are_bounded() -> None:
    table = KVTable()
    put(table, 5, "a")
    for number in range(kv.PREFIXES_CACHED_MAX + 10):
        table.prefix_index(f"p{number}")
    assert table.prefix_index("p0") == 1
    assert table.prefix_index("a") == 5


def test_a_dismantled_table_holds_nothing() -> None:
    table = KVTable()
    for number in range(10):
        table.put(Change(number + 1), f"k{number}", b"v", 0)
    assert len(list(table.dismantle())) == 10
    assert table.get("k1") is None


def test_entries_are_those_of_the_call_in_order() -> None:
    table = KVTable()
    for key in ("b", "c", "a"):
        table.put(Change(1), key, b"v", 0)
    table.drop(Change(2), "c")
    entries, gone = table.entries(), table.gone_rows()
    table.put(Change(3), "0", b"later", 0)
    table.put(Change(4), "c", b"later", 0)
    assert [entry.key for entry in entries] == ["a", "b"]
    assert list(gone) == [("c", 2)]


def _holding(keys: list[str], gone_max: int) -> KVTable:
    table = KVTable(gone_max=gone_max)
    for index, key in enumerate(keys, 2):
        table.put(Change(index), key, b"value", 0, session="s" if index % 3 == 0 else "")
    for index, key in enumerate(keys[::7], 5_000):
        drop(table, index, key)
    return table


@pytest.mark.parametrize("gone_max", [100, 500, 5_000])
@pytest.mark.parametrize("others", [0, 20_000])
def test_many_keys_deleted_together_are_as_deleted_one_by_one(gone_max: int, others: int) -> None:
    keys = [f"{folder}/{number}" for number in range(400) for folder in ("a", "b", "b/c")]
    keys += [f"z/{number}" for number in range(others)]
    together, one_by_one = _holding(keys, gone_max), _holding(keys, gone_max)
    asked = ["", "a", "b/", "b/c/", "b/c/3", "b/c/399", "c", "z"]
    for table in (together, one_by_one):
        assert [table.prefix_index(prefix) for prefix in asked]
    changed, former = Change(30_000), Change(30_000)
    together.drop_under(changed, "b/")
    for entry in one_by_one.under("b/"):
        one_by_one.drop(former, entry.key)
    assert changed.keys == former.keys
    assert list(together.entries()) == list(one_by_one.entries())
    assert list(together.gone_rows()) == list(one_by_one.gone_rows())
    assert together.floor == one_by_one.floor
    assert together.held_by("s") == one_by_one.held_by("s")
    for prefix in asked:
        assert together.prefix_index(prefix) == one_by_one.prefix_index(prefix), prefix
        assert together.names(prefix, "/") == one_by_one.names(prefix, "/"), prefix
    for key in keys[::50]:
        assert together.key_index(key) == one_by_one.key_index(key)


def test_a_copy_keeps_what_was_deleted_together_after_it_was_made() -> None:
    table = KVTable()
    for number in range(500):
        put(table, 5, f"a/{number:03}")
    entries = table.entries()
    table.drop_under(Change(9), "a/")
    assert len(list(entries)) == 500


def test_a_tree_is_deleted_without_a_step_for_each_of_its_keys() -> None:
    table, calls = KVTable(), 0
    for number in range(5_000):
        put(table, 5, f"a/{number}")

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        table.drop_under(Change(9), "a/")
    finally:
        sys.setprofile(None)
    assert not table.under("")
    assert calls < 1_000


@given(st.sets(st.text("ab/", max_size=5)), st.text("ab/", max_size=2), st.sampled_from(["", "/", "a", "//"]))
def test_names_end_at_the_separator_and_come_once(keys: set[str], prefix: str, separator: str) -> None:
    table = KVTable()
    for key in keys:
        put(table, 5, key)
    expected: dict[str, None] = {}
    for key in sorted(keys):
        if key.startswith(prefix):
            end = key.find(separator, len(prefix)) if separator else -1
            expected[key if end < 0 else key[: end + len(separator)]] = None
    assert table.names(prefix, separator) == list(expected)
