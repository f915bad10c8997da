"""Lictor with a planted bug: a follower keeps entries that the leader of an earlier term left, where others belong.

`python tests/jepsen_like/planted/kept_suffix.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_server.raft import append
from lictor_server.raft.log import Log, LogEntry


def plant() -> None:
    """Take an entry with the same index for the same entry, whatever its term."""

    def first_unlike(log: Log, entries: tuple[LogEntry, ...]) -> int:
        last = log[-1][1]
        return next((number for number, (_, index, _) in enumerate(entries) if index > last), len(entries))

    setattr(append, "first_unlike", first_unlike)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
