"""The TLS handshake over a non-blocking socket, bounded in time, and what the verified certificate says."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from typing import Final

from lictor_connect_proxy.driver.sockets import reason_of
from lictor_connect_proxy.layers.stages import PeerCertificate

__all__ = ["HandshakeError", "TlsEnd", "certificate_of", "handshake", "say_goodbye"]

_READ_BYTES: Final = 16 * 1024


class HandshakeError(Exception):
    """A handshake that failed. `probe`: the peer left without a word, as TCP health checks do.

    `cause` is one of few texts, to count by.
    """

    def __init__(self, reason: str, *, cause: str = "", probe: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause or reason
        self.probe = probe


class TlsEnd:
    """A socket with its TLS session. Ciphertext passes through the two buffers only."""

    __slots__ = ("incoming", "outgoing", "session", "sock")

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        server_name: str | None,
        resumes: ssl.SSLSession | None = None,
    ) -> None:
        self.sock = sock
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
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
) -> TlsEnd:
    """Complete TLS as the server (`server_name` None) or as the client that asks for `server_name`.

    `resumes` is a session of the same context that the other end may go on with. Raises `HandshakeError`; the peer has
    then been sent the alert. The socket stays the caller's.
    """
    end = TlsEnd(sock, context, server_name=server_name, resumes=resumes)
    try:
        await _Conversation(end, timeout_s).finished()
    except TimeoutError:
        raise HandshakeError(f"no complete handshake within {timeout_s:g} s", cause="time is up") from None
    except ssl.SSLCertVerificationError as error:
        _send_alert(end)
        raise HandshakeError(f"certificate refused: {error.verify_message}") from error
    except ssl.SSLError as error:
        _send_alert(end)
        raise HandshakeError((error.reason or str(error)).replace("_", " ").lower()) from error
    except OSError as error:
        raise HandshakeError(reason_of(error)) from error
    return end


class _Conversation:
    """One handshake, driven by the socket's readiness: no task of its own, one future and one timer."""

    __slots__ = ("_done", "_end", "_heard", "_loop", "_timer", "_unsent")

    def __init__(self, end: TlsEnd, timeout_s: float) -> None:
        self._end = end
        self._heard = False
        self._unsent = b""
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._timer = self._loop.call_later(timeout_s, self._fail, TimeoutError())

    async def finished(self) -> None:
        """Raises what ended it: `ssl.SSLError`, `OSError`, `TimeoutError`, `HandshakeError`."""
        sock = self._end.sock
        try:
            self._loop.add_reader(sock, self._readable)
            self._advance()
            await self._done
        finally:
            self._timer.cancel()
            self._loop.remove_reader(sock)
            if self._unsent:
                self._loop.remove_writer(sock)

    def _readable(self) -> None:
        end = self._end
        try:
            data = end.sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(error)
            return
        if not data:
            self._fail(HandshakeError("the peer left during the handshake", probe=not self._heard))
            return
        self._heard = True
        end.incoming.write(data)
        self._advance()

    def _advance(self) -> None:
        end = self._end
        is_complete = True
        try:
            end.session.do_handshake()
        except ssl.SSLWantReadError:
            is_complete = False
        except ssl.SSLError as error:
            self._fail(error)
            return
        if end.outgoing.pending:
            self._send(end.outgoing.read())
        if is_complete and not self._unsent:
            self._succeed()

    def _send(self, data: bytes) -> None:
        if not self._unsent:
            try:
                data = data[self._end.sock.send(data) :]
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._fail(error)
                return
            if data:
                self._loop.add_writer(self._end.sock, self._writable)
        self._unsent += data

    def _writable(self) -> None:
        try:
            self._unsent = self._unsent[self._end.sock.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(error)
            return
        if not self._unsent:
            self._loop.remove_writer(self._end.sock)
            self._advance()

    def _succeed(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


def _send_alert(end: TlsEnd) -> None:
    # Best effort: a peer that does not read gets no second chance.
    with contextlib.suppress(OSError):
        end.sock.send(end.outgoing.read())


def say_goodbye(end: TlsEnd) -> None:
    """Send `close_notify`, if the socket takes it now."""
    with contextlib.suppress(ssl.SSLError):
        end.session.unwrap()
    _send_alert(end)


def certificate_of(end: TlsEnd) -> PeerCertificate:
    """The peer's certificate after a handshake that demanded one."""
    found = end.session.getpeercert()
    assert found, "the context demands a certificate"
    names = found.get("subjectAltName", ())
    return PeerCertificate(
        uris=tuple(str(name[1]) for name in names if name[0] == "URI"),
        not_before=_seconds(str(found["notBefore"])),
        not_after=_seconds(str(found["notAfter"])),
        serial=str(found["serialNumber"]),
    )


@functools.lru_cache(maxsize=1024)
def _seconds(text: str) -> float:
    # Few certificates make most connections, and reading a date costs more than the intentions' verdict.
    return float(ssl.cert_time_to_seconds(text))
