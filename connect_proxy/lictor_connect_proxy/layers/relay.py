"""When does a relay end? Each direction ends by itself; the connection ends when both have.

Bytes do not come through here: an event and a command for every chunk would cost more than its encryption. The pump
moves them and asks this machine at the ends. Half-close: RFC 9293 section 3.6 (FIN), RFC 8446 section 6.1
(`close_notify` ends one direction only).
"""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.commands import Abort, Close, Command, Finish
from lictor_connect_proxy.events import Finished, Lost, Side

__all__ = ["RelayLayer"]

_BOTH: Final = (Side.LOCAL, Side.MESH)


class RelayLayer:
    """The two directions of one relay, by the side that sends."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: tuple[Side, ...] = _BOTH

    def handle(self, event: Finished | Lost) -> list[Command]:
        """What to do after one side finished or broke."""
        match event:
            case Finished(side) if side in self._open:
                self._open = (side.other,) if len(self._open) == 2 else ()
                return [Finish(side.other)] if self._open else [Finish(side.other), Close()]
            case Lost() if self._open:
                self._open = ()
                return [Abort()]
            case _:
                return []
