"""Lictor with a planted bug: the leader counts the TTLs of sessions by the wall clock, which jumps and drifts.

`python tests/jepsen_like/planted/wall_clock_ttl.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from lictor.cli import main
from lictor_core.clock import Clock
from lictor_core.commands import Command, Outcome
from lictor_server.figures import ServerFigures
from lictor_server.leader.sessions import SessionKeeper
from lictor_server.state import Store


class WallClock:
    """A clock whose two are one."""

    def __init__(self, honest: Clock) -> None:
        self.now = honest.now
        self.monotonic = honest.now


def plant() -> None:
    """Give it to whoever counts."""
    honest = SessionKeeper.__init__

    def keeper(
        self: SessionKeeper,
        store: Store,
        *,
        propose: Callable[[Command], Awaitable[Outcome]],
        leads: Callable[[], bool],
        ttl_factor: float,
        clock: Clock,
        log: FilteringBoundLogger,
        figures: ServerFigures | None = None,
    ) -> None:
        honest(
            self,
            store,
            propose=propose,
            leads=leads,
            ttl_factor=ttl_factor,
            clock=WallClock(clock),
            log=log,
            figures=figures,
        )

    setattr(SessionKeeper, "__init__", keeper)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
