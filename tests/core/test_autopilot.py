"""What operators see: keys and defaults."""

from __future__ import annotations

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.codec import from_json, to_json


def test_every_setting_is_shown_also_where_it_is_the_default() -> None:
    shown = from_json(to_json(AutopilotConfiguration()), dict[str, object])
    assert shown == {
        "CleanupDeadServers": True,
        "LastContactThreshold": "200ms",
        "MaxTrailingLogs": 250,
        "MinQuorum": 0,
        "ServerStabilizationTime": "10s",
        "RedundancyZoneTag": "",
        "DisableUpgradeMigration": False,
        "UpgradeVersionTag": "",
        "CreateIndex": 0,
        "ModifyIndex": 0,
    }


def test_durations_are_read_as_seconds() -> None:
    settings = AutopilotConfiguration(last_contact_threshold="1.5s", server_stabilization_time="2m")
    assert (settings.last_contact_s, settings.stabilization_s) == (1.5, 120.0)
