"""Work beside the event loop: what is long, pure, and looks at nothing that changes meanwhile.

There is one thread for all of it, since threads of one interpreter share it: two that compute would make the loop wait
twice as long for its turn, and neither would be done sooner. Who comes second waits; of those who wait there are as
many as connections are taken. What gives its own turn away now and then (`Pace`) is not noticed at all by others, other
work costs them 5 ms (`sys.getswitchinterval`) for each turn of the loop while it lasts.

What must not be interrupted, or is short, has no place here: a thread costs a tenth of a millisecond to be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

__all__ = ["ASIDE_BYTES_MIN", "ASIDE_ROWS_MIN", "aside"]

T = TypeVar("T")

ASIDE_BYTES_MIN: Final = 64 * 1024
"""A body of so many bytes is read beside the loop: to look at each of its values takes milliseconds."""
ASIDE_ROWS_MIN: Final = 2_000
"""So many rows are shown beside the loop."""
_THREAD: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lictor-aside")


async def aside(job: Callable[[], T]) -> T:
    """What `job` returns, or raises. A caller that is cancelled does not end what has begun."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, job)
