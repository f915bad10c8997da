"""How messages leave for other servers: the interface, and its form for a server without any."""

from __future__ import annotations

from typing import Protocol

__all__ = ["LoneWire", "Message", "Wire"]

Message = dict[str, object]


class Wire(Protocol):
    """Sends messages to the other voters by their ids."""

    def send(self, node_id: str, message: Message) -> bool:
        """Queue `message`; False when it surely will not arrive. Never waits, never raises."""
        ...


class LoneWire:
    """The wire of a single voter, which has nobody to talk to."""

    def send(self, node_id: str, message: Message) -> bool:
        """There is no such node."""
        return False
