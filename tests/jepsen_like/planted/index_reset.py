"""Lictor with a planted bug: after a restore, indexes are those of the snapshot, as if they had not gone on since.

`python tests/jepsen_like/planted/index_reset.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store


def plant() -> None:
    """Lift no index over those of before."""
    honest = Store.put_back

    def put_back(self: Store, change: Change, saved: Store) -> None:
        floor = saved.index_floor
        honest(self, change, saved)
        self.index_floor = floor

    setattr(Store, "put_back", put_back)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
