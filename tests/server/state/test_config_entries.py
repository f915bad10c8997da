"""The table of entries."""

from __future__ import annotations

import pytest

from lictor_core import topics as on
from lictor_core.entries.routing import Resolver
from lictor_server.state import config_entries
from lictor_server.state.config_entries import ConfigEntries
from lictor_server.state.indexes import Change


def put(table: ConfigEntries, index: int, name: str) -> Change:
    change = Change(index)
    table.put(change, Resolver(name=name), {})
    return change


def test_entries_come_by_kind_and_name_whatever_the_case() -> None:
    table = ConfigEntries()
    for index, name in enumerate(("b", "A", "c"), 5):
        put(table, index, name)
    assert [one.name for one in table.all()] == [one.name for one in table.all("service-resolver")] == ["A", "b", "c"]
    assert table.all("service-router") == []
    found = table.get("service-resolver", "a")
    assert found is not None
    assert found.modify_index == 6


def test_one_entry_wakes_itself_its_kind_and_who_sees_all() -> None:
    table = ConfigEntries()
    entry = on.config_entry("service-resolver", "web")
    assert set(put(table, 5, "Web").woken) == {on.CONFIG, on.config_kind("service-resolver"), entry}
    change = Change(6)
    assert table.drop(change, "service-resolver", "WEB")
    assert set(change.retired) == {entry}
    assert not table.drop(change, "service-resolver", "WEB")


def test_rows_are_those_of_the_call() -> None:
    table = ConfigEntries()
    put(table, 5, "a")
    rows = table.rows()
    put(table, 6, "b")
    assert [row.name for row in rows] == ["a"]


def test_there_is_a_most_of_entries_and_of_what_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_entries, "ENTRIES_MAX", 2)
    monkeypatch.setattr(config_entries, "ENTRIES_BYTES_MAX", 40)
    table = ConfigEntries()
    assert "would have" in table.refusal("service-resolver", "a", {"x": "y" * 40})
    for index, name in enumerate(("a", "b"), 5):
        assert table.refusal("service-resolver", name, {}) == ""
        put(table, index, name)
    assert "there are 2" in table.refusal("service-resolver", "c", {})
    assert table.refusal("service-resolver", "B", {"x": "y" * 20}) == ""
    assert table.drop(Change(7), "service-resolver", "a")
    assert table.refusal("service-resolver", "c", {}) == ""


def test_what_is_restored_counts() -> None:
    table, other = ConfigEntries(), ConfigEntries()
    put(table, 5, "a")
    other.restore(table.rows())
    assert other.drop(Change(6), "service-resolver", "a")
    assert vars(other)["_bytes"] == 0
