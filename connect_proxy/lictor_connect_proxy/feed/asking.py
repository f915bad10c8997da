"""What a feed needs of an agent: questions with answers, over a socket (`agent`) or from within the agent itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from lictor_core.errors import NotFoundError, PeerError, PermissionDeniedError

__all__ = ["AgentSource", "Answer", "answered"]

_ERROR_CHARS_MAX: Final = 300


class Answer(NamedTuple):
    """A 200. Names of headers are in lower case."""

    body: bytes
    headers: Mapping[str, str]


class AgentSource(Protocol):
    """Asks one agent, with one token. Both methods raise `PeerError`, `NotFoundError` or `PermissionDeniedError`.

    They return within `wait_s`, which is how long the agent was asked to block at most, and a few seconds.
    """

    @property
    def wait_s(self) -> float:
        """How long a question had better block; the agent adds up to a sixteenth."""
        ...

    @property
    def settled_s(self) -> float:
        """How long an answer is good that only a restart of the agent changes."""
        ...

    async def get(self, path: str, parameters: Mapping[str, str] | None = None, *, wait_s: float = 0.0) -> Answer:
        """The answer to a GET."""
        ...

    async def post(
        self, path: str, parameters: Mapping[str, str] | None = None, body: bytes = b"", *, wait_s: float = 0.0
    ) -> Answer:
        """The answer to a POST, which only asks, too."""
        ...


def answered(path: str, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """The answer, or the error of core's table that `status` means."""
    if status == 200:
        return Answer(body, headers)
    text = body[:_ERROR_CHARS_MAX].decode(errors="replace").strip()
    message = f"the agent answered {status} to {path}: {text}"
    raise {403: PermissionDeniedError, 404: NotFoundError}.get(status, PeerError)(message)
