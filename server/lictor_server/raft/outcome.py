"""What pysyncobj's reasons mean to a caller: surely not done, or unknown.

A time-out or a lost leader leaves a write unknown: it may be applied yet. It must never be told as a failure.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from lictor_core.errors import LictorError, NoLeaderError, OutcomeUnknownError, OverloadedError, RequestError

__all__ = ["Done", "Reason", "error_of"]


class Reason(enum.IntEnum):
    """Why a command ended, with pysyncobj's numbers (`FAIL_REASON`)."""

    SUCCESS = 0
    QUEUE_FULL = 1
    MISSING_LEADER = 2
    DISCARDED = 3
    NOT_LEADER = 4
    LEADER_CHANGED = 5
    REQUEST_DENIED = 6
    UNKNOWN_OUTCOME = 7


Done = Callable[[object, Reason], None]
"""Told the result of what was asked, or why there is none (a sentence, where there is one). Never raises."""


def error_of(reason: int) -> LictorError:
    """The error for a `reason` other than success. What is not surely undone is unknown."""
    match reason:
        case Reason.QUEUE_FULL:
            return OverloadedError("the leader's queue of writes is full: retry in a second")
        case Reason.MISSING_LEADER | Reason.NOT_LEADER:
            return NoLeaderError()
        case Reason.DISCARDED:
            return NoLeaderError("another leader took over and discarded the write: retry it")
        case Reason.REQUEST_DENIED:
            return RequestError("the change of the cluster's members was refused: another one is under way")
        case _:
            return OutcomeUnknownError(
                "the leader changed while the write was under way: it may or may not have been applied, so read before "
                "writing it again"
            )
