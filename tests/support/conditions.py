"""Waiting for conditions with a deadline, instead of sleeping for luck."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

__all__ = ["eventually", "wait_until"]

_POLL_S: Final = 0.02
_WITHIN_S: Final = 30.0
"""How long anything may take on a machine that runs other tests: late is not never."""


def wait_until(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Return as soon as `condition` holds; fail after `within_s` seconds, naming `what` was awaited."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(_POLL_S)


async def eventually(condition: Callable[[], bool], *, within_s: float = _WITHIN_S, what: str) -> None:
    """The same inside an event loop."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        await asyncio.sleep(_POLL_S)
