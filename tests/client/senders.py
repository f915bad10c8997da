"""Both clients behind one face, for tests of what they have alike."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest

from lictor.api.asynchronous import AsyncClient
from lictor.api.blocking import Client
from lictor.api.calls import status
from lictor.api.errors import ApiError
from lictor.api.messages import Call
from lictor.api.settings import Settings

__all__ = ["Sender", "told"]

T = TypeVar("T")


class Sender:
    """Sends one call with a client of its own."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, settings: Settings, call: Call[T]) -> T:
        if self.kind == "blocking":
            with Client(settings) as client:
                return client.send(call)

        async def send() -> T:
            async with AsyncClient(settings) as client:
                return await client.send(call)

        return asyncio.run(send())


def told(settings: Settings) -> list[str]:
    """What both say of an agent that they cannot ask."""
    said: list[str] = []
    for kind in ("blocking", "asyncio"):
        with pytest.raises(ApiError) as caught:
            Sender(kind)(settings, status.leader())
        said.append(str(caught.value))
    return said
