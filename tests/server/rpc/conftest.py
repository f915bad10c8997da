"""What has to do with sockets is tested on both event loops that it may run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from lictor_core.event_loop import new_event_loop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": new_event_loop}
