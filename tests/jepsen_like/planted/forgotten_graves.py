"""Lictor with a planted bug: of a key that was deleted the index is that of one that never was.

`python tests/jepsen_like/planted/forgotten_graves.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_server.state.indexes import FIRST_INDEX
from lictor_server.state.kv import KVTable


def plant() -> None:
    """Look at what is there alone."""

    def key_index(self: KVTable, key: str) -> int:
        entry = self.get(key)
        return FIRST_INDEX if entry is None else entry.modify_index

    setattr(KVTable, "key_index", key_index)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
