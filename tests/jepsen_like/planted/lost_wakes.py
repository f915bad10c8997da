"""Lictor with a planted bug: of every second command nobody who waits is told.

`python tests/jepsen_like/planted/lost_wakes.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_server.state import Watches
from lictor_server.state.indexes import Change

_EVERY = 2


def plant() -> None:
    """Let some changes go by untold."""
    honest = Watches.fire

    def fire(self: Watches, change: Change) -> int:
        return honest(self, change) if change.index % _EVERY else 0

    setattr(Watches, "fire", fire)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
