"""Work beside the loop: the loop goes on, one at a time, mistakes come back."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest

from lictor_core.aside import aside

BUSY_S = 0.5


def busy(seconds: float) -> int:
    until = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < until:
        rounds += 1
    return threading.get_ident()


async def test_the_loop_goes_on_while_something_is_worked_out() -> None:
    working = asyncio.ensure_future(aside(partial(busy, BUSY_S)))
    passes = 0
    while not working.done():
        await asyncio.sleep(0.001)
        passes += 1
    assert await working != threading.get_ident()
    assert passes > 5


async def test_there_is_one_thread_for_all() -> None:
    assert len(set(await asyncio.gather(*(aside(partial(busy, 0.001)) for _ in range(5))))) == 1


async def test_what_it_raises_comes_back() -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await aside(fail)
