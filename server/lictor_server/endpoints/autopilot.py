"""What autopilot's settings must be before they may enter the log."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.durations import format_duration, parse_duration
from lictor_core.errors import RequestError

__all__ = ["TAG_CHARS_MAX", "checked_autopilot"]

TAG_CHARS_MAX: Final = 128
"""The longest name of a metadata key that a setting may hold; Consul's bound of such keys."""
_NUMBER_MAX: Final = 2**63 - 1


def checked_autopilot(config: AutopilotConfiguration) -> AutopilotConfiguration:
    """`config` with its durations in one form. Raises `RequestError` for what cannot be, as a number below 0."""
    for name, number in (("MaxTrailingLogs", config.max_trailing_logs), ("MinQuorum", config.min_quorum)):
        if not 0 <= number <= _NUMBER_MAX:
            raise RequestError(f"{name} of autopilot is {number}: it must be a whole number from 0")
    for name, tag in (
        ("RedundancyZoneTag", config.redundancy_zone_tag),
        ("UpgradeVersionTag", config.upgrade_version_tag),
    ):
        if len(tag) > TAG_CHARS_MAX:
            raise RequestError(f"{name} of autopilot has more than {TAG_CHARS_MAX} characters")
    return msgspec.structs.replace(
        config,
        last_contact_threshold=_duration("LastContactThreshold", config.last_contact_threshold),
        server_stabilization_time=_duration("ServerStabilizationTime", config.server_stabilization_time),
    )


def _duration(name: str, text: str) -> str:
    try:
        seconds = parse_duration(text)
    except RequestError as error:
        raise RequestError(f"{name} of autopilot: {error}") from error
    if seconds < 0:
        raise RequestError(f"{name} of autopilot is {text}: it must not be below 0")
    return format_duration(seconds)
