"""The accepting end of a Raft connection: hears the hello, judges it, answers, then only listens."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast

from lictor_core.errors import PeerError
from lictor_server.raft.framing import MESSAGE_BYTES_MAX, BodyReader, decode_message
from lictor_server.raft.hello import GreetingReader, Hello, Refusal
from lictor_server.raft.wire import Message
from lictor_server.sockets import peer_name
from lictor_server.tls import Proof

__all__ = ["Accepted", "Judge"]

_GOODBYE_S: Final = 1.0
"""How long a refused peer may take to read why."""


class Judge(Protocol):
    """Who decides over the connections of one server."""

    def opened(self, caller: Accepted) -> Refusal | None:
        """Take or refuse one more connection, before it says anything."""
        ...

    def judge(self, caller: Accepted, hello: Hello | Refusal) -> Refusal | None:
        """Take it, which sets its `hello`, or refuse it."""
        ...

    def answer(self, refusal: Refusal | None) -> bytes:
        """What the dialer is told of that."""
        ...

    def take(self, caller: Accepted, message: Message) -> None:
        """A message came. Raises `PeerError` when it is malformed."""
        ...

    def lost(self, caller: Accepted, reason: str) -> None:
        """The connection is over. Called once for each that `opened` took."""
        ...


class Accepted(asyncio.Protocol):
    """One connection. `hello` says who it is, once it was taken; nothing else is heard before."""

    def __init__(self, judge: Judge, proof: Proof | None, hello_timeout_s: float) -> None:
        self._judge = judge
        self.proof = proof
        self._hello_timeout_s = hello_timeout_s
        self._transport: asyncio.Transport | None = None
        self._greeting = GreetingReader()
        self._bodies = BodyReader(MESSAGE_BYTES_MAX)
        self._timer: asyncio.TimerHandle | None = None
        self._reason = ""
        self._over = False
        self._counted = False
        self.broken = False
        """Whether it was closed for what came, or did not come, from the other end."""
        self.hello: Hello | None = None
        self.peer = "unknown"
        """Where it comes from, for the log."""

    # `asyncio.Protocol`.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first byte, or TLS, said that this is Raft; now the dialer has to speak."""
        # Of a stream it is a Transport, whatever the loop; uvloop's is no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self.peer = peer_name(transport.get_extra_info("peername"))
        refusal = self._judge.opened(self)
        if refusal is not None:
            self._refuse(refusal)
            return
        self._counted = True
        self._timer = asyncio.get_running_loop().call_later(
            self._hello_timeout_s, self._break, f"no hello within {self._hello_timeout_s:g} s"
        )

    def data_received(self, data: bytes) -> None:
        """The hello, then messages. The first bad byte ends the connection."""
        if self._over:
            return
        if self.hello is None:
            self._on_greeting(data)
            return
        try:
            for body in self._bodies.feed(data):
                self._judge.take(self, decode_message(body))
                if self._over:
                    return
        except PeerError as error:
            self._break(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._over = True
        self._transport = None
        self._stop_timer()
        if self._counted:
            self._judge.lost(self, self._reason or ("" if exc is None else str(exc)))

    # For whoever judges.

    def abort(self, reason: str) -> None:
        """Close at once; what the other end still says is not heard."""
        self._over = True
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    def _on_greeting(self, data: bytes) -> None:
        hello = self._greeting.feed(data)
        if hello is None:
            return
        self._stop_timer()
        refusal = self._judge.judge(self, hello)
        if refusal is not None:
            self._refuse(refusal)
            return
        self._write(self._judge.answer(None))

    def _break(self, reason: str) -> None:
        self.broken = True
        self.abort(reason)

    def _refuse(self, refusal: Refusal) -> None:
        self._over = True
        self._reason = refusal.message
        self._write(self._judge.answer(refusal))
        if self._transport is not None:
            self._transport.close()
            self._timer = asyncio.get_running_loop().call_later(_GOODBYE_S, self._transport.abort)

    def _write(self, data: bytes) -> None:
        # uvloop answers a write to what is closed and not told as lost yet with RuntimeError.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
