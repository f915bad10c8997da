"""What has to do with sockets is tested on both event loops that it may run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from lictor_core.event_loop import new_event_loop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": new_event_loop}
    if "transport" in item.path.name:
        factories["asyncio"] = asyncio.SelectorEventLoop
    return factories
