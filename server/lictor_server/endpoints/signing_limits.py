"""How many leaves are signed a second, or at once.

Source: Consul's document `docs/agent/options`, `csr_max_per_second` and `csr_max_concurrent`: the one is used or the
other, the rate where both are set.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from lictor_core.buckets import Bucket
from lictor_core.errors import OverloadedError

__all__ = ["SigningLimits"]

WAIT_S_MAX: Final = 0.5
"""How long a request waits for its turn, as at Consul."""
WAITING_MAX: Final = 1_024
"""Requests that wait for their turn."""


class SigningLimits:
    """Bounds on signing: `per_second` on average, or `at_once_max` at the same time; 0 bounds nothing."""

    def __init__(self, *, per_second: float, at_once_max: int) -> None:
        self._rate = Bucket(per_second if per_second > 0 else math.inf, max(per_second, 1.0))
        self._at_once_max = 0 if per_second > 0 else at_once_max
        self._places = asyncio.Semaphore(max(self._at_once_max, 1))
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, now: float) -> AsyncGenerator[None]:
        """A turn to sign, by the monotonic clock. Raises `OverloadedError` when there is none in time."""
        if not self._rate.take(now):
            raise OverloadedError(
                "too many certificates were asked for in this second (CSRMaxPerSecond): retry in a second"
            )
        if not self._at_once_max:
            yield
            return
        await self._place()
        try:
            yield
        finally:
            self._places.release()

    async def _place(self) -> None:
        if self._waiting >= WAITING_MAX:
            raise OverloadedError(f"{WAITING_MAX} requests wait for a certificate: retry in a second")
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await self._places.acquire()
        except TimeoutError:
            raise OverloadedError(
                f"{self._at_once_max} certificates are being signed (CSRMaxConcurrent): retry in a second"
            ) from None
        finally:
            self._waiting -= 1
