"""How fresh this server is, told again and again to every agent that keeps views: one stream for all its views.

Between two ticks an agent knows no more than that time passes; that is how it comes to know the age of what it has.
Thousands are told, so a tick is made once for a share of them, and the shares take turns: neither does each agent cost
a timer, nor does the event loop stand still while all of them are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from lictor_core.codec import pack
from lictor_core.errors import LictorError, NoLeaderError
from lictor_core.feed import Tick

__all__ = ["SHARES", "TICK_S", "Ticks"]

TICK_S: Final = 1.0
"""Seconds between two ticks."""
SHARES: Final = 20
"""Shares of the followers, each told at its own moment of the `TICK_S`."""


class Ticks:
    """The ticks of one server. `close` ends all streams. All methods belong to one event loop."""

    def __init__(self, now: Callable[[], Tick], *, tick_s: float = TICK_S, shares: int = SHARES) -> None:
        """`now` tells how fresh the server is; it raises `LictorError` when it is not at all."""
        self._now = now
        self._step_s = tick_s / shares
        self._shares = [_Share() for _ in range(shares)]
        self._turn = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def follow(self) -> AsyncGenerator[bytes]:
        """A tick now, one within `tick_s` seconds, and then one every `tick_s` seconds."""
        self._check_open()
        yield pack(self._now())
        share = min(self._shares, key=lambda one: one.followers)
        share.followers += 1
        try:
            while True:
                self._check_open()
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(self._step_s, self._tell_next)
                yield await share.next()
        finally:
            share.followers -= 1

    def close(self) -> None:
        """Tell nothing more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for share in self._shares:
            share.end(_stopping())

    def _check_open(self) -> None:
        if self._is_closed:
            raise _stopping()

    def _tell_next(self) -> None:
        share = self._shares[self._turn]
        self._turn = (self._turn + 1) % len(self._shares)
        if share.has_waiting:
            try:
                share.tell(pack(self._now()))
            except LictorError as error:
                share.end(error)
        self._timer = None
        if any(one.followers for one in self._shares):
            self._timer = asyncio.get_running_loop().call_later(self._step_s, self._tell_next)


class _Share:
    """Followers that are told together."""

    __slots__ = ("_waiting", "followers")

    def __init__(self) -> None:
        self.followers = 0
        self._waiting: list[asyncio.Future[bytes]] = []

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def next(self) -> asyncio.Future[bytes]:
        told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        return told

    def tell(self, tick: bytes) -> None:
        for told in self._take():
            if not told.done():
                told.set_result(tick)

    def end(self, error: LictorError) -> None:
        for told in self._take():
            if not told.done():
                told.set_exception(error)

    def _take(self) -> list[asyncio.Future[bytes]]:
        waiting, self._waiting = self._waiting, []
        return waiting


def _stopping() -> NoLeaderError:
    return NoLeaderError("this server is stopping")
