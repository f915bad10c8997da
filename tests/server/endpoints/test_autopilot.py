"""Autopilot's settings before they enter the log."""

from __future__ import annotations

import pytest

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.errors import RequestError
from lictor_server.endpoints.autopilot import TAG_CHARS_MAX, checked_autopilot


def test_the_defaults_are_in_order() -> None:
    assert checked_autopilot(AutopilotConfiguration()) == AutopilotConfiguration()


def test_durations_get_the_form_in_which_they_are_shown() -> None:
    checked = checked_autopilot(AutopilotConfiguration(last_contact_threshold="0.5s", server_stabilization_time="90s"))
    assert (checked.last_contact_threshold, checked.server_stabilization_time) == ("500ms", "1m30s")
    assert (checked.last_contact_s, checked.stabilization_s) == (0.5, 90.0)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (AutopilotConfiguration(max_trailing_logs=-1), "MaxTrailingLogs"),
        (AutopilotConfiguration(min_quorum=-3), "MinQuorum"),
        (AutopilotConfiguration(min_quorum=2**63), "MinQuorum"),
        (AutopilotConfiguration(last_contact_threshold="soon"), "LastContactThreshold"),
        (AutopilotConfiguration(server_stabilization_time=""), "ServerStabilizationTime"),
        (AutopilotConfiguration(server_stabilization_time="-1ms"), "ServerStabilizationTime of autopilot is -1ms"),
        (AutopilotConfiguration(last_contact_threshold="-1s"), "LastContactThreshold of autopilot is -1s"),
        (AutopilotConfiguration(redundancy_zone_tag="z" * (TAG_CHARS_MAX + 1)), "RedundancyZoneTag"),
        (AutopilotConfiguration(upgrade_version_tag="z" * (TAG_CHARS_MAX + 1)), "UpgradeVersionTag"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(wrong: AutopilotConfiguration, word: str) -> None:
    with pytest.raises(RequestError, match=word):
        checked_autopilot(wrong)
