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
