"""Lictor with a planted bug: whoever asks for a lock gets it, also when somebody else has it.

`python tests/jepsen_like/planted/open_locks.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import sys

from lictor.cli import main
from lictor_core.commands import KVSet
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store


def plant() -> None:
    """Write the key without a look at who has it."""

    def acquire(store: Store, change: Change, command: KVSet) -> bool:
        store.kv.put(change, command.key, command.value, command.flags, session=command.acquire)
        return True

    # By its name: the package gives the name of this module to a function of it.
    setattr(sys.modules["lictor_server.state.apply"], "acquire", acquire)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
