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
    """A handshake that failed. `probe`: the peer left without a word, as TCP health checks do."""

    def __init__(self, reason: str, *, probe: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.probe = probe


class TlsEnd:
    """A socket with its TLS session. Ciphertext passes through the two buffers only."""

    __slots__ = ("incoming", "outgoing", "session", "sock")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, *, server_name: str | None) -> None:
        self.sock = sock
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(
            self.incoming, self.outgoing, server_side=server_name is None, server_hostname=server_name
        )


async def handshake(
    sock: socket.socket, context: ssl.SSLContext, *, server_name: str | None, timeout_s: float
) -> TlsEnd:
    """Complete TLS as the server (`server_name` None) or as the client that asks for `server_name`.

    Raises `HandshakeError`; the peer has then been sent the alert. The socket stays the caller's.
    """
    end = TlsEnd(sock, context, server_name=server_name)
    try:
        async with asyncio.timeout(timeout_s):
            await _converse(end)
    except TimeoutError:
        raise HandshakeError(f"no complete handshake within {timeout_s:g} s") from None
    except ssl.SSLCertVerificationError as error:
        _send_alert(end)
        raise HandshakeError(f"certificate refused: {error.verify_message}") from error
    except ssl.SSLError as error:
        _send_alert(end)
        raise HandshakeError((error.reason or str(error)).replace("_", " ").lower()) from error
    except OSError as error:
        raise HandshakeError(reason_of(error)) from error
    return end


async def _converse(end: TlsEnd) -> None:
    loop = asyncio.get_running_loop()
    heard = False
    while True:
        try:
            end.session.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        if end.outgoing.pending:
            await loop.sock_sendall(end.sock, end.outgoing.read())
        if done:
            return
        data = await loop.sock_recv(end.sock, _READ_BYTES)
        if not data:
            raise HandshakeError("the peer left during the handshake", probe=not heard)
        heard = True
        end.incoming.write(data)


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
