"""Lictor with a planted bug: a candidate needs a majority of all who ever voted, also of those that left.

`python tests/jepsen_like/planted/removed_counts.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from lictor.cli import main
from lictor_server.raft.members import Members


def plant() -> None:
    """Forget nobody."""
    honest = Members.__dict__["_judge"]
    ever: WeakKeyDictionary[Members, set[str]] = WeakKeyDictionary()

    def judge(self: Members) -> None:
        honest(self)
        known = ever.setdefault(self, set())
        known |= self.voters
        self.votes_needed = len(known) // 2 + 1 - self.is_voter

    setattr(Members, "_judge", judge)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
