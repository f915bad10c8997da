"""What every command is: a value that says one change of the shared state, with all that depends on time or chance."""

from __future__ import annotations

import msgspec

__all__ = ["CommandBase", "TimedCommand"]


class CommandBase(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True, gc=False):
    """Base of all commands; the class name is the tag on the wire."""


class TimedCommand(CommandBase, frozen=True, kw_only=True):
    """Base of the commands for which it matters when they came: `at_ms`, stamped by the leader.

    It is the cluster's own time in milliseconds, which begins at 0 and runs while there is a leader. No host's clock
    has a say in it, so it cannot jump, and goes on from where the log is when the leader changes.
    """

    at_ms: int = 0
