"""An event loop whose connections lead nowhere, in one thread: what an input names, nobody shall be asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple
from unittest import mock

__all__ = ["finished"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _no_names(*_args: Any, **_named: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "no names are looked up here")


class _Alone(asyncio.SelectorEventLoop):
    """Looks up no name and connects to nobody."""

    async def getaddrinfo(self, *_args: Any, **_named: Any) -> Any:
        _no_names()

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """At once: the engine counts what one thread does."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        raise ConnectionRefusedError(f"nobody is asked here: {address}")


_LOOPS: Final[list[asyncio.AbstractEventLoop]] = []


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; every input of a process runs on one loop."""
    if not _LOOPS:
        _LOOPS.append(_Alone())
        asyncio.set_event_loop(_LOOPS[0])
    with mock.patch.object(socket, "getaddrinfo", _no_names):
        return _LOOPS[0].run_until_complete(work)
