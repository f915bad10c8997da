"""Records around configuration entries."""

from __future__ import annotations

from lictor_core.config_records import ConfigEntry


def test_an_entry_is_shown_with_its_kind_first_and_its_indexes_last() -> None:
    entry = ConfigEntry(kind="mesh", name="mesh", body={"Meta": {"a": "b"}}, create_index=3, modify_index=5)
    assert list(entry.shown().items()) == [
        ("Kind", "mesh"),
        ("Name", "mesh"),
        ("Meta", {"a": "b"}),
        ("CreateIndex", 3),
        ("ModifyIndex", 5),
    ]
