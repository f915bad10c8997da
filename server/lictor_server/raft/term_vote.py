"""The term and the vote given in it, in a small file: they must survive a restart, or one term could get two leaders.

Raft paper, figure 2: "persistent state on all servers". The file is written whole, each time, before anybody is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from lictor_core.errors import RequestError
from lictor_server.raft.checked_file import load_checked, save_checked

__all__ = ["TermVote", "load_term_vote", "save_term_vote"]

_FORMAT: Final = 1


class TermVote(msgspec.Struct, frozen=True, kw_only=True):
    """A term, and the id of the node voted for in it."""

    term: int = 0
    voted_for: str | None = None
    format: int = _FORMAT


def save_term_vote(path: Path, value: TermVote) -> None:
    """Keep `value`, durably. Raises `StorageError`."""
    save_checked(path, value)


def load_term_vote(path: Path) -> TermVote | None:
    """What was kept; None when there is no such file. Raises `DataDamagedError` when it is not what was written."""
    return load_checked(path, TermVote, _check)


def _check(value: TermVote) -> None:
    if value.format != _FORMAT:
        raise RequestError(f"it has format {value.format}, this version reads {_FORMAT}")
