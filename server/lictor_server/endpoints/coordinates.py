"""What is asked of reported coordinates before they go into the log."""

from __future__ import annotations

from lictor_core.commands import CoordinatesSet
from lictor_core.coordinates import COORDINATES_PER_COMMAND_MAX, NodeCoordinate, check_coordinate
from lictor_core.errors import RequestError

__all__ = ["NAME_CHARS_MAX", "check_update", "checked_coordinates"]

NAME_CHARS_MAX = 512
"""Of a node's or a segment's name in a report."""


def checked_coordinates(command: CoordinatesSet) -> CoordinatesSet:
    """The command, when every server can handle it. Raises `RequestError`."""
    if len(command.updates) > COORDINATES_PER_COMMAND_MAX:
        raise RequestError(
            f"{len(command.updates)} coordinates in one command; at most {COORDINATES_PER_COMMAND_MAX} are taken"
        )
    for update in command.updates:
        check_update(update)
    return command


def check_update(update: NodeCoordinate) -> None:
    """Raise `RequestError` for a coordinate that cannot be compared, or a name that is none."""
    check_coordinate(update.coord)
    if max(len(update.node), len(update.segment)) > NAME_CHARS_MAX:
        raise RequestError(f"the name of a node or segment has more than {NAME_CHARS_MAX} characters")
