"""Lictor with a planted bug: the leader ends sessions after a fifth of their TTL.

`python tests/jepsen_like/planted/short_ttl.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_server.leader.session_timers import SessionTimers

SHARE = 0.1
"""Of the time that a session should have, which is twice its TTL."""


def plant() -> None:
    """Count less than was asked for."""
    honest = SessionTimers.begin

    def begin(self: SessionTimers, session_id: str, lasts_s: float, now: float) -> None:
        honest(self, session_id, lasts_s * SHARE, now)

    setattr(SessionTimers, "begin", begin)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
