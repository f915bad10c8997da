"""The TLS handshake over a non-blocking socket, bounded in time, and what the verified certificate says."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final

from lictor_connect_proxy.driver.hello import offers_session
from lictor_connect_proxy.driver.sockets import reason_of, tells_errors_once
from lictor_connect_proxy.layers.stages import PeerCertificate

__all__ = ["Bios", "HandshakeError", "TlsEnd", "certificate_of", "handshake", "say_goodbye"]

_READ_BYTES: Final = 16 * 1024
_READ_MAX: Final = 1024
_READ: Final = dict[bytes, PeerCertificate]()
"""Certificates that were read, by their encoding; the oldest goes first."""


class HandshakeError(Exception):
    """A handshake that failed. `probe`: the peer left without a word, as TCP health checks do.

    `cause` is one of few texts, to count by.
    """

    def __init__(self, reason: str, *, cause: str = "", probe: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause or reason
        self.probe = probe


class Bios:
    """What ciphertext passes through on its way between sockets and OpenSSL, for all connections of one event loop.

    Whoever puts something in takes all of it out again before the loop goes on, also after an error: what stayed would
    meet the next connection, whose peer refuses it. A memory BIO never gives back what it once needed, up to 350 KB
    for a single read, so one for each connection would hold that for as long as the connection lives.
    """

    __slots__ = ("incoming", "outgoing")

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()


class TlsEnd:
    """A socket with its TLS session, which reads from and writes to `Bios`.

    `ahead` came from the socket and is not in `incoming` yet: what was behind the end of the handshake.
    """

    __slots__ = ("ahead", "incoming", "outgoing", "session", "sock")

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        server_name: str | None,
        resumes: ssl.SSLSession | None = None,
        bios: Bios | None = None,
    ) -> None:
        bios = bios or Bios()
        self.sock = sock
        self.ahead = b""
        self.incoming = bios.incoming
        self.outgoing = bios.outgoing
        self.session = context.wrap_bio(
            self.incoming, self.outgoing, server_side=server_name is None, server_hostname=server_name, session=resumes
        )


async def handshake(
    sock: socket.socket,
    context: ssl.SSLContext,
    *,
    server_name: str | None,
    timeout_s: float,
    resumes: ssl.SSLSession | None = None,
    bios: Bios | None = None,
) -> TlsEnd:
    """Complete TLS as the server (`server_name` None) or as the client that asks for `server_name`.

    `resumes` is a session of the same context that the other end may go on with; `bios` are those of the event loop,
    or the connection has its own. Raises `HandshakeError`; the peer has
    then been sent the alert. The socket stays the caller's.
    """
    if server_name is None:
        conversation = _Conversation(sock, functools.partial(_answering, sock, context, bios), timeout_s)
    else:
        conversation = _Conversation(sock, None, timeout_s)
        conversation.end = TlsEnd(sock, context, server_name=server_name, resumes=resumes, bios=bios)
    try:
        return await conversation.finished()
    except TimeoutError:
        raise HandshakeError(f"no complete handshake within {timeout_s:g} s", cause="time is up") from None
    except ssl.SSLCertVerificationError as error:
        raise HandshakeError(f"certificate refused: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise HandshakeError((error.reason or str(error)).replace("_", " ").lower()) from error
    except OSError as error:
        raise HandshakeError(reason_of(error)) from error


def _answering(sock: socket.socket, context: ssl.SSLContext, bios: Bios | None, hello: bytes) -> TlsEnd:
    """The server's end for a client that begins with `hello`."""
    tickets = context.num_tickets
    if offers_session(hello):
        context.num_tickets = 0
    try:
        return TlsEnd(sock, context, server_name=None, bios=bios)
    finally:
        context.num_tickets = tickets


class _Conversation:
    """One handshake, driven by the socket's readiness: no task of its own, one future and one timer.

    A server's `end` is made by `answering` when the client has said something: many only connect, to see that they can.
    """

    __slots__ = ("_answering", "_done", "_heard", "_loop", "_sock", "_tells_errors_once", "_timer", "_unsent", "end")

    def __init__(self, sock: socket.socket, answering: Callable[[bytes], TlsEnd] | None, timeout_s: float) -> None:
        self.end: TlsEnd | None = None
        self._sock = sock
        self._answering = answering
        self._heard = False
        self._unsent = b""
        self._loop = asyncio.get_running_loop()
        self._tells_errors_once = tells_errors_once(self._loop)
        self._done: asyncio.Future[TlsEnd] = self._loop.create_future()
        self._timer = self._loop.call_later(timeout_s, self._fail, TimeoutError())

    async def finished(self) -> TlsEnd:
        """Raises what ended it: `ssl.SSLError`, `OSError`, `TimeoutError`, `HandshakeError`."""
        try:
            self._loop.add_reader(self._sock, self._readable)
            if self.end is not None:
                self._advance(self.end)
            return await self._done
        finally:
            self._timer.cancel()
            self._loop.remove_reader(self._sock)
            if self._unsent:
                self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(error)
            return
        if not data:
            self._fail(HandshakeError("the peer left during the handshake", probe=not self._heard))
            return
        self._heard = True
        end = self.end
        if end is None:
            assert self._answering is not None, "a client has its end from the start"
            end = self.end = self._answering(data)
        end.ahead += data
        self._advance(end)
        if self._tells_errors_once and not self._done.done():
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._fail(OSError(code, os.strerror(code)))

    def _advance(self, end: TlsEnd) -> None:
        is_complete = True
        if end.ahead:
            end.incoming.write(end.ahead)
        try:
            end.session.do_handshake()
        except ssl.SSLWantReadError:
            is_complete = False
        except ssl.SSLError as error:
            _send_alert(end)
            self._fail(error)
            return
        end.ahead = end.incoming.read()
        if end.outgoing.pending:
            self._send(end.outgoing.read())
        if is_complete and not self._unsent and not self._done.done():
            self._done.set_result(end)

    def _send(self, data: bytes) -> None:
        if not self._unsent:
            try:
                data = data[self._sock.send(data) :]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._fail(error)
                return
            if data:
                self._loop.add_writer(self._sock, self._writable)
        self._unsent += data

    def _writable(self) -> None:
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(error)
            return
        if not self._unsent and self.end is not None:
            self._loop.remove_writer(self._sock)
            self._advance(self.end)

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


def _send_alert(end: TlsEnd) -> None:
    end.incoming.read()
    alert = end.outgoing.read()
    # Best effort: a peer that does not read gets no second chance.
    with contextlib.suppress(OSError):
        end.sock.send(alert)


def say_goodbye(end: TlsEnd) -> None:
    """Send `close_notify`, if the socket takes it now."""
    with contextlib.suppress(ssl.SSLError):
        end.session.unwrap()
    _send_alert(end)


def certificate_of(end: TlsEnd) -> PeerCertificate:
    """The peer's certificate after a handshake that demanded one."""
    encoded = end.session.getpeercert(binary_form=True)
    assert encoded, "the context demands a certificate"
    # Few certificates make most connections: what is read of each is kept, and kept once.
    known = _READ.get(encoded)
    if known is None:
        if len(_READ) >= _READ_MAX:
            del _READ[next(iter(_READ))]
        known = _READ[encoded] = _certificate(end.session)
    return known


def _certificate(session: ssl.SSLObject) -> PeerCertificate:
    found = session.getpeercert()
    assert found, "the context demands a certificate"
    names = found.get("subjectAltName", ())
    return PeerCertificate(
        uris=tuple(str(name[1]) for name in names if name[0] == "URI"),
        not_before=float(ssl.cert_time_to_seconds(str(found["notBefore"]))),
        not_after=float(ssl.cert_time_to_seconds(str(found["notAfter"]))),
        serial=str(found["serialNumber"]),
    )
