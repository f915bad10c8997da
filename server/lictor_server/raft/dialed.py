"""The dialing end of a Raft connection: says hello, waits for the answer, then only sends.

Small messages of one pass of the loop leave in one write, so under TLS in one record. What the other end does not take
is bounded: over `LINK_BYTES_MAX` messages are refused, and Raft sends them again.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, cast

from lictor_core.errors import PeerError, UnreachableError
from lictor_core.protocol import UNTOLD
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.raft.framing import LENGTH_BYTES, MESSAGE_BYTES_MAX
from lictor_server.raft.hello import (
    AnswerReader,
    Hello,
    LinkIdentity,
    Refusal,
    RefusalCode,
    answer_flaw,
    greeting_bytes,
)
from lictor_server.sockets import dial, reason_of
from lictor_server.tls import ALPN_RAFT, Tls, untrusted

__all__ = ["HELLO_TIMEOUT_S", "LINK_BYTES_MAX", "Dialed", "RefusedError", "open_link"]

LINK_BYTES_MAX: Final = MESSAGE_BYTES_MAX
"""Bytes that wait on one connection because the other end does not take them."""
HELLO_TIMEOUT_S: Final = 3.0
"""How long TLS and the hello may take together."""


class RefusedError(PeerError):
    """One of the two ends does not want this connection; `refusal` says why, `found_id` who is at the other end."""

    def __init__(self, refusal: Refusal, found_id: str) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.found_id = found_id


class Dialed(asyncio.Protocol):
    """One connection. `answered` ends when the other end took it, or fails; `closed` ends with the reason."""

    def __init__(self, address: str, hello: Hello, own: LinkIdentity, tls: Tls) -> None:
        self.address = address
        self.returns_call = hello.returns_call
        self.cluster_id = ""
        """The cluster that the other server said to be of."""
        self.spoken = UNTOLD
        """Which protocol it said to speak."""
        self._loop = asyncio.get_running_loop()
        self._hello = hello
        self._own = own
        self._tls = tls
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._is_full = False
        self._given_up = False
        self._ended_there = False
        self._reason = ""
        self.answered: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[str] = self._loop.create_future()

    # `asyncio.Protocol`.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS, if any, is done: say hello."""
        # Of a stream it is a Transport, whatever the loop; uvloop's is no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(greeting_bytes(self._hello))

    def data_received(self, data: bytes) -> None:
        """The answer; anything after it ends the connection."""
        try:
            if self.answered.done():
                raise PeerError("the other server says more than its answer, on a connection for listening only")
            answer = self._reader.feed(data)
            if answer is None:
                return
            flaw = answer_flaw(answer, self._hello.expects, self._own, self._certified_ids())
            if flaw is not None:
                raise RefusedError(flaw, answer.id[:64])
            self.cluster_id = answer.cluster_id
            self.spoken = answer.spoken
            self.answered.set_result(None)
        except PeerError as error:
            if not self.answered.done():
                self.answered.set_exception(error)
            self.abort(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        reason = self._reason or (str(exc) if exc is not None else "the other server closed the connection")
        self._ended_there = not self._reason and (exc is None or isinstance(exc, ConnectionError))
        self._transport = None
        self._waiting.clear()
        if not self.answered.done():
            # With TLS 1.3 a client learns after its handshake that its certificate was refused, and seldom why.
            hint = (
                "" if self._tls.dialing_raft is None else ": does the server there trust the certificate of this one?"
            )
            self.answered.set_exception(PeerError(f"{reason} before it answered{hint}"))
        if not self.closed.done():
            self.closed.set_result(reason)

    # For `PeerLinks`.

    @property
    def has_room(self) -> bool:
        """Whether it is worth encoding a message: after one was refused, half of what waits has to leave first."""
        if self._transport is None or self._reason:
            return False
        if self._is_full and self._buffered() <= LINK_BYTES_MAX // 2:
            self._is_full = False
        return not self._is_full

    def send(self, body: bytes) -> bool:
        """Queue one message's body; False when the connection is gone or its bound is reached."""
        if not self.has_room:
            return False
        size = LENGTH_BYTES + len(body)
        if self._buffered() + size > LINK_BYTES_MAX:
            self._is_full = True
            return False
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(len(body).to_bytes(LENGTH_BYTES, "big"))
        self._waiting.append(body)
        self._waiting_bytes += size
        return True

    def _buffered(self) -> int:
        assert self._transport is not None, "only an open connection holds anything"
        return self._transport.get_write_buffer_size() + self._waiting_bytes

    @property
    def given_up(self) -> bool:
        """Whether this server closed it of its own accord."""
        return self._given_up

    @property
    def ended_there(self) -> bool:
        """Whether the other end closed it, as the system does for a process that ends; not when it fell silent."""
        return self._ended_there

    def give_up(self, reason: str) -> None:
        """Close at once, because it is not wanted any more."""
        self._given_up = self._given_up or not self._reason
        self.abort(reason)

    def abort(self, reason: str) -> None:
        """Close at once; nothing queued is sent."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        # uvloop answers a write to what is closed and not told as lost yet with RuntimeError.
        if self._transport is None or self._transport.is_closing() or not self._waiting:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._transport.write(data)

    def _certified_ids(self) -> frozenset[str]:
        secured: ssl.SSLObject | None = (
            None if self._transport is None else self._transport.get_extra_info("ssl_object")
        )
        if secured is None:
            return frozenset()
        if secured.selected_alpn_protocol() != ALPN_RAFT:
            raise PeerError("the other end speaks TLS, but not Raft on it: is it a server of Lictor?")
        proof = self._tls.proof(secured)
        return frozenset() if proof is None else proof.node_ids


async def open_link(
    address: str, hello: Hello, own: LinkIdentity, tls: Tls, *, keyed: Keyed = UNKEYED, source: str = ""
) -> Dialed:
    """A connection to the server `hello` expects at `address`, ready to send.

    Raises `RefusedError` when one end does not want it, `PeerError` when the other is no server or does not answer in
    time, and `UnreachableError` when nothing answers at all.
    """
    loop = asyncio.get_running_loop()
    sock = await dial(address, source=source)
    await keyed.greet(sock, address)
    link = Dialed(address, hello, own, tls)
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            if tls.dialing_raft is None:
                await loop.create_connection(lambda: link, sock=sock)
            else:
                await loop.create_connection(
                    lambda: link, sock=sock, ssl=tls.dialing_raft, server_hostname=tls.server_name
                )
            await asyncio.wait([link.answered])
            link.answered.result()
    except TimeoutError:
        raise PeerError(f"{address} took the connection and does not answer within {HELLO_TIMEOUT_S:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise RefusedError(Refusal(RefusalCode.CERTIFICATE, untrusted(address, error)), "") from error
    except OSError as error:
        raise UnreachableError(f"{address} broke the connection off: {reason_of(error)}") from error
    finally:
        if link.answered.cancel() or link.answered.exception() is not None:
            link.abort("given up")
    return link
