"""Autopilot's settings, as all servers share them: the leader looks after the servers by them."""

from __future__ import annotations

import msgspec

from lictor_core import topics as on
from lictor_core.autopilot import AutopilotConfiguration
from lictor_server.state.indexes import Change

__all__ = ["AutopilotTable"]


class AutopilotTable:
    """One record, or none before the first leader stored one."""

    def __init__(self) -> None:
        self.configuration: AutopilotConfiguration | None = None

    def shown(self) -> AutopilotConfiguration:
        """The settings in effect."""
        return self.configuration or AutopilotConfiguration()

    def put(self, change: Change, config: AutopilotConfiguration) -> None:
        """Replace the settings."""
        old = self.configuration
        self.configuration = msgspec.structs.replace(
            config,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        change.wake(on.AUTOPILOT)
