"""An aiohttp application on a port, in the event loop of the test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Final

from aiohttp import web

__all__ = ["serving"]

_END_S: Final = 0.1
"""How long requests may go on at the end."""


@contextlib.asynccontextmanager
async def serving(
    application: web.Application, port: int, *, handler_cancellation: bool = False
) -> AsyncGenerator[None]:
    """It answers on `port` of 127.0.0.1 while the block runs.

    With `handler_cancellation` a handler is cancelled when its client goes.
    """
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=_END_S, handler_cancellation=handler_cancellation
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
