"""A parser that is made when somebody needs it: most connections carry plain requests alone, and never do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lictor_agent.http.hot import Delegate

__all__ = ["Deferred"]


class Deferred:
    """Stands for the `Delegate` that `make` gives, which learns what it missed when the first data come for it."""

    __slots__ = ("_delegate", "_is_paused", "_make", "_transport")

    def __init__(self, make: Callable[[], Delegate]) -> None:
        self._make = make
        self._delegate: Delegate | None = None
        self._transport: asyncio.BaseTransport | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Kept for later."""
        self._transport = transport

    def connection_lost(self, exc: BaseException | None) -> None:
        """Passed on to a parser that is there."""
        self._transport = None
        if self._delegate is not None:
            self._delegate.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Now it is needed."""
        if self._delegate is None:
            if self._transport is None:
                return
            self._delegate = self._make()
            self._delegate.connection_made(self._transport)
            if self._is_paused:
                self._delegate.pause_writing()
        self._delegate.data_received(data)

    def eof_received(self) -> bool | None:
        """Passed on to a parser that is there."""
        return None if self._delegate is None else self._delegate.eof_received()

    def pause_writing(self) -> None:
        """Passed on, or kept for later."""
        self._is_paused = True
        if self._delegate is not None:
            self._delegate.pause_writing()

    def resume_writing(self) -> None:
        """Passed on, or kept for later."""
        self._is_paused = False
        if self._delegate is not None:
            self._delegate.resume_writing()
