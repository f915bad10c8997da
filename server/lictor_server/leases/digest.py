"""What a server tells the leader of the leases it keeps, and what the leader says to that.

A digest holds what changed since the leader last confirmed one; with nothing in it, it is the server's heartbeat. A
leader that cannot follow (it is new, or one was lost) asks for everything, which comes in pieces.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from lictor_core.records import Member

__all__ = ["HEARTBEATS_PER_LEASE", "ROWS_MAX", "Answer", "Digest", "Refusal", "Row", "RowState"]

HEARTBEATS_PER_LEASE: Final = 10
"""A server tells the leader that it is there so often in the time of one lease."""
ROWS_MAX: Final = 512
"""Rows in one digest: some 200 KiB, far below the bound of a frame."""


class RowState(enum.IntEnum):
    """What became of a lease."""

    ALIVE = 1
    FAILED = 2
    LEFT = 3
    CLOSED = 4
    """Its connection closed, and the grace is not over: told when everything is."""


class Row(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One lease: the holder's name, its id in small letters, and the counter of its last renewal.

    `member` comes with a living one, `cause` with one that failed.
    """

    name: str
    id: str
    counter: int
    state: RowState
    member: Member | None = None
    cause: str = ""


class Digest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What server `server` (its id) says. `epoch` names one life of its process.

    Numbers grow; `confirmed` is the last one that the leader has surely taken. `begins` opens a telling of everything,
    `complete` says that with these rows nothing is left to be told.
    """

    server: str
    server_name: str
    epoch: str
    number: int
    confirmed: int
    begins: bool
    complete: bool
    rows: list[Row]


class Refusal(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A living row that the leader did not take: `seen` is a counter not below its own that is known already, or 0.

    Then `code` and `reason` are the error to be raised.
    """

    name: str
    id: str
    seen: int
    code: str = ""
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`whole`: nothing was taken, and everything is wanted from the beginning.

    `moved` are leases that the server told of earlier, and whose holders have left, or appeared elsewhere with the
    counter `seen` meanwhile.
    """

    whole: bool = False
    refusals: list[Refusal] = []
    moved: list[Refusal] = []
