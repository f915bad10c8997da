"""Requests to a cluster of others, beside those of the workload: once, or until they go well, within a bound.

Who is refused for want of rights (403) is told at once, in the words of the cluster: waiting does not help.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from lictor_jepsen.clients.base import Refused, checked
from lictor_jepsen.http import Answer, request

__all__ = ["DeniedError", "ask", "keep_trying"]

_TIMEOUT_S: Final = 10.0
"""How long one answer may take."""
_RETRY_S: Final = 0.25
_FORBIDDEN: Final = 403


class DeniedError(Exception):
    """A token may not do this; the message is the cluster's."""


async def ask(method: str, url: str, body: str = "", *, may_lack: bool = False) -> Answer:
    """One request. `may_lack` lets 404 pass, too. Raises `DeniedError`, `Refused`, `OSError`."""
    answer = await request(method, url, body, timeout_s=_TIMEOUT_S)
    if answer.status == _FORBIDDEN:
        raise DeniedError(f"{_FORBIDDEN} {answer.text.strip()}")
    return answer if may_lack and answer.status == 404 else checked(answer)


async def keep_trying(step: Callable[[], Awaitable[None]], until_s: float, monotonic: Callable[[], float]) -> None:
    """Do it until it goes well. Raises what `step` raised last when time is up, and `DeniedError` at once."""
    while True:
        try:
            await step()
            return
        except (OSError, Refused):
            if monotonic() >= until_s:
                raise
        await asyncio.sleep(_RETRY_S)
