"""The table of autopilot's settings."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.autopilot import AutopilotConfiguration
from lictor_server.state.autopilot import AutopilotTable
from lictor_server.state.indexes import Change


def test_settings_keep_the_index_at_which_there_first_were_any() -> None:
    table = AutopilotTable()
    assert table.shown() == AutopilotConfiguration()
    for index in (7, 9):
        change = Change(index)
        table.put(change, AutopilotConfiguration(max_trailing_logs=index, create_index=1, modify_index=1))
        assert on.AUTOPILOT in change.woken
    assert table.shown() == AutopilotConfiguration(max_trailing_logs=9, create_index=7, modify_index=9)
