"""Lictor with a planted bug: what is deregistered stays in the data directory, and is back after the next start.

`python tests/jepsen_like/planted/forgotten_removals.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_agent.persisted.keeper import Keeper
from lictor_agent.persisted.shelf import Item


def plant() -> None:
    """Remove no file."""
    name = "_put"
    honest = getattr(Keeper, name)

    def put(self: Keeper, item: Item, data: bytes | None) -> None:
        if data is not None:
            honest(self, item, data)

    setattr(Keeper, name, put)


if __name__ == "__main__":
    plant()
    main()
