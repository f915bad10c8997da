"""Lictor with a planted bug: what an agent tells the catalog comes there once more, a second late, every fifth time.

`python tests/jepsen_like/planted/late_registrations.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import asyncio
from itertools import count

from lictor.cli import main
from lictor_agent.batches import Batch
from lictor_agent.loop import SyncLoop
from lictor_core.errors import LictorError

_EVERY = 5
_LATE_S = 1.0


def plant() -> None:
    """Write some batches again, as a message that was held up and is known to nobody as a repetition."""
    name = "_write"
    honest = getattr(SyncLoop, name)
    numbers = count()
    late: set[asyncio.Task[None]] = set()

    async def again(self: SyncLoop, batch: Batch) -> None:
        await asyncio.sleep(_LATE_S)
        try:
            await self._registry.write(batch.command(self._plan.node), token=batch.token)  # pyright: ignore[reportPrivateUsage] a bug sees the inside
        except LictorError:
            return

    async def write(self: SyncLoop, batch: Batch) -> None:
        await honest(self, batch)
        if next(numbers) % _EVERY == 0:
            task = asyncio.get_running_loop().create_task(again(self, batch))
            late.add(task)
            task.add_done_callback(late.discard)

    setattr(SyncLoop, name, write)


if __name__ == "__main__":
    plant()
    main()
