"""A feed's questions answered from within the agent: by the endpoints of its HTTP API, without a socket.

What the agent keeps of the registry answers wherever it may, so that a hundred feeds that want the same thing cost
what one costs, and one that waits costs nothing but its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from lictor_agent.watches.runner import Reply
from lictor_connect_proxy.feed.asking import Answer, answered
from lictor_core.limits import WAIT_MAX_S

__all__ = ["InnerSource"]

_SETTLED_S: Final = 3600.0
"""What only a restart changes is asked anew after a restart anyhow: it ends all feeds."""
_KEPT: Final = ("cached", "")
"""What is kept here follows the registry; shortly after a start, when that could be nothing yet, the servers answer."""

Ask = Callable[[str, str, Sequence[tuple[str, str]], str, bytes], Awaitable[Reply]]
"""A method, a path, parameters, a token and a body; `Inner.ask`."""


class InnerSource:
    """An `AgentSource` of the room `connect_proxy`, for one token."""

    def __init__(self, ask: Ask, token: str) -> None:
        self._ask = ask
        self._token = token

    @property
    def wait_s(self) -> float:
        """As long as any question may block."""
        return WAIT_MAX_S

    @property
    def settled_s(self) -> float:
        """Long."""
        return _SETTLED_S

    async def get(self, path: str, parameters: Mapping[str, str] | None = None, *, wait_s: float = 0.0) -> Answer:
        """The answer to a GET."""
        return await self._answer("GET", path, parameters, b"")

    async def post(
        self, path: str, parameters: Mapping[str, str] | None = None, body: bytes = b"", *, wait_s: float = 0.0
    ) -> Answer:
        """The answer to a POST that asks for something."""
        return await self._answer("POST", path, parameters, body)

    async def _answer(self, method: str, path: str, parameters: Mapping[str, str] | None, body: bytes) -> Answer:
        reply = await self._ask(method, path, [*(parameters or {}).items(), _KEPT], self._token, body)
        return answered(path, reply.status, reply.headers, reply.body)
