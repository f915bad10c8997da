"""Lictor with a planted bug: a lock that changes hands keeps its `LockIndex`, so two holders have one fencing token.

`python tests/jepsen_like/planted/same_token.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import sys

from lictor.cli import main
from lictor_core.records import KVEntry
from lictor_server.state.kv import KVTable


def plant() -> None:
    """Count the first time only that a key was taken."""

    def entry(
        *,
        lock_index: int,
        key: str,
        flags: int,
        value: bytes | None,
        session: str,
        create_index: int,
        modify_index: int,
    ) -> KVEntry:
        return KVEntry(
            lock_index=min(lock_index, 1),
            key=key,
            flags=flags,
            value=value,
            session=session,
            create_index=create_index,
            modify_index=modify_index,
        )

    parts = vars(sys.modules[KVTable.__module__])
    assert "KVEntry" in parts, "the table makes entries by a name that is replaced here"
    parts["KVEntry"] = entry


if __name__ == "__main__":
    plant()
    main()
