"""Lictor with a planted bug: what feeds a view hangs after a while, and the view passes for fresh all the same.

`python tests/jepsen_like/planted/frozen_views.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from lictor.cli import main
from lictor_agent.views.followed import Followed
from lictor_core.backoff import Backoff
from lictor_core.clock import Clock
from lictor_core.errors import LictorError
from lictor_core.registry import FeedSource

_FED_S = 2.0


def plant() -> None:
    """Feed a view for a while, and then hang."""
    name = "_feed"
    feed = getattr(Followed, name)

    async def follow(
        self: Followed[object],
        source: FeedSource,
        backoff: Backoff,
        clock: Clock,
        log: FilteringBoundLogger,
        changed: Callable[[Followed[object]], None],
    ) -> None:
        del clock, log
        try:
            async with asyncio.timeout(_FED_S):
                await feed(self, source, backoff, changed)
        except LictorError as error:
            self.error = error
        except TimeoutError:
            pass
        if self.view.is_ready:
            await asyncio.Event().wait()

    setattr(Followed, "follow", follow)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
