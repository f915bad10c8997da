"""Lictor with a planted bug: whoever lost a lock with its session bars nobody, whatever its lock delay.

`python tests/jepsen_like/planted/no_lock_delay.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_server.state.lock_delays import LockDelays


def plant() -> None:
    """Bar no key."""

    def bars(self: LockDelays, key: str, now_ms: int) -> bool:
        return False

    setattr(LockDelays, "bars", bars)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
