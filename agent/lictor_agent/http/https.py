"""HTTPS: the context that the agent's certificate gives, and the listener that speaks TLS before it hands on.

The first byte of a connection is looked at and left where it is, so that who speaks plain HTTP here learns why there is
no answer. Handshakes are bounded in number and time, and count as connections of their client. A new context
(`SecureDoor.context`) holds for connections from then on; those that are open keep theirs.
Sources: Consul's document `docs/agent/options` (`verify_incoming_https`, `tls_*`, `https_handshake_timeout`), 1.8.7.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent.http.hot import HotConnection
from lictor_agent.http.roster import Roster
from lictor_agent.http.settings import HttpsSettings
from lictor_config.ciphers import openssl_names
from lictor_core.errors import ConfigurationError
from lictor_core.limits import CA_FILES_MAX
from lictor_server import show_pair

__all__ = ["HANDSHAKES_MAX", "HttpsListener", "SecureDoor", "load_pair", "tls_context"]

HANDSHAKES_MAX: Final = 512
"""Connections that are not secured yet."""
_TLS_BYTE: Final = 0x16  # RFC 8446, section 5.1: the type of a record with a handshake
_PLAIN_ANSWER: Final = b"HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks HTTPS: ask with https:// in the address.\n"
_BREATH_S: Final = 1.0
"""When nobody can be accepted, nobody is for so long."""
_UNREAD_BYTES_MAX: Final = 64 * 1024
_SHUTDOWN_S_MAX: Final = 1.0
"""How long a client may take to agree that TLS is over."""
_VERSIONS: Final = {
    "": ssl.TLSVersion.TLSv1_2,
    "tls10": ssl.TLSVersion.TLSv1_2,
    "tls11": ssl.TLSVersion.TLSv1_2,
    "tls12": ssl.TLSVersion.TLSv1_2,
    "tls13": ssl.TLSVersion.TLSv1_3,
}
"""The oldest version for each word of Consul's; what is older than 1.2 is not spoken whoever allows it."""


def tls_context(settings: HttpsSettings, protocol: str = "http/1.1") -> ssl.SSLContext:
    """Read the files, for connections that speak `protocol`, as ALPN names it.

    Raises `ConfigurationError` naming the setting, the file and the reason.
    """
    if not (settings.cert_file and settings.key_file) and settings.pair is None and not settings.is_awaited:
        raise ConfigurationError(
            "ports.https: needs cert_file and key_file; name both, or turn HTTPS off with ports.https = -1"
        )
    context = _OutspokenContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.min_version]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # OpenSSL lets the server choose unless told; Go's servers of that age let the client.
    if settings.prefers_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols([protocol])
    if settings.cipher_suites:
        context.set_ciphers(":".join(openssl_names(settings.cipher_suites, settings.key("tls_cipher_suites"))))
    load_pair(context, settings)
    if settings.verify_incoming:
        # Whatever stands in the CA's file is trusted, also an intermediate CA, as by Consul.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = ssl.CERT_REQUIRED
        if settings.agent_roots:
            context.load_verify_locations(cadata=settings.agent_roots)
        for key, path in _ca_files(settings):
            _check_readable(key, path)
            try:
                context.load_verify_locations(cafile=path)
            except (ssl.SSLError, OSError) as error:
                raise ConfigurationError(f"{key}: {path} holds no certificate in PEM: {_reason(error)}") from error
    return context


class _OutspokenObject(ssl.SSLObject):
    """Keeps the alert by which TLS tells why a handshake fails: event loops drop it with the connection."""

    outgoing: ssl.MemoryBIO
    last_words: list[bytes]

    def do_handshake(self) -> None:
        """As that of `ssl.SSLObject`."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            self.last_words.append(self.outgoing.read())
            raise


class _OutspokenContext(ssl.SSLContext):
    """Has connections keep their alert for whoever secures them."""

    sslobject_class = _OutspokenObject

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As that of `ssl.SSLContext`."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(made, _OutspokenObject)
        made.outgoing, made.last_words = outgoing, _last_words.get([])
        return made


_last_words: ContextVar[list[bytes]] = ContextVar("_last_words")
"""Where `SecureDoor.admit` finds the alert of its own connection: loops make TLS objects in the context of its task."""


def load_pair(context: ssl.SSLContext, settings: HttpsSettings) -> None:
    """Show this certificate in handshakes from now on. Raises `ConfigurationError` as `tls_context` does."""
    if not (settings.cert_file and settings.key_file):
        if settings.pair is not None:
            show_pair(context, settings.pair)
        return
    _check_readable(settings.key("cert_file"), settings.cert_file)
    _check_readable(settings.key("key_file"), settings.key_file)
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"{settings.key('cert_file')}: {settings.cert_file} with {settings.key('key_file')} {settings.key_file} "
            f"cannot be used: {_reason(error)}"
        ) from error


def _ca_files(settings: HttpsSettings) -> list[tuple[str, str]]:
    if settings.ca_file:
        return [(settings.key("ca_file"), settings.ca_file)]
    if not settings.ca_path:
        raise ConfigurationError(
            f"{settings.key('verify_incoming')}: needs ca_file or ca_path, which say whose certificates are good"
        )
    key = settings.key("ca_path")
    try:
        found = sorted(str(path) for path in Path(settings.ca_path).iterdir() if path.is_file())
    except OSError as error:
        raise ConfigurationError(f"{key}: {settings.ca_path} cannot be read: {_reason(error)}") from error
    if not 0 < len(found) <= CA_FILES_MAX:
        raise ConfigurationError(f"{key}: {len(found)} files in {settings.ca_path}; 1 to {CA_FILES_MAX} are taken")
    return [(key, path) for path in found]


def _check_readable(key: str, path: str) -> None:
    """OpenSSL does not tell which of its files it means."""
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise ConfigurationError(f"{key}: {path} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return ((error.strerror if isinstance(error, OSError) else "") or str(error)).lower()


def _no_password() -> str:
    # Without this OpenSSL would ask on the terminal for the password of an encrypted key.
    raise ValueError("the private key is encrypted; store it without a password, readable by this user alone")


class SecureDoor:
    """What all HTTPS listeners of an agent share; `context` may be replaced at any time."""

    def __init__(
        self, context: ssl.SSLContext, handshake_s_max: float, roster: Roster, log: FilteringBoundLogger
    ) -> None:
        self.context = context
        self._handshake_s_max = handshake_s_max
        self._roster = roster
        self._log = log
        self._arriving = 0

    async def admit(self, connect: Callable[[], HotConnection], sock: socket.socket, client: str) -> None:
        """Secure a connection and hand it to `connect`'s protocol, or close it. Raises nothing but cancellation."""
        refusal = self._roster.refusal(client)
        if refusal is None and self._arriving >= HANDSHAKES_MAX:
            refusal = f"{HANDSHAKES_MAX} connections are being secured already"
        if refusal is not None:
            self._roster.note_refused(client, refusal)
            sock.close()  # as Consul does: an answer would need the handshake that is to be saved
            return
        try:
            spare = sock.dup()  # asyncio closes the other one when the handshake fails
        except OSError as error:
            self.note_exhausted(error)
            sock.close()
            return
        self._arriving += 1
        self._roster.arrive(client)
        connection: HotConnection | None = None
        last_words: list[bytes] = []
        _last_words.set(last_words)
        try:
            async with asyncio.timeout(self._handshake_s_max):
                if not await self._speaks_tls(sock):
                    return
                connection = connect()
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: connection,
                    sock,
                    ssl=self.context,
                    ssl_handshake_timeout=self._handshake_s_max,
                    ssl_shutdown_timeout=_SHUTDOWN_S_MAX,
                )
        except (OSError, TimeoutError) as error:
            self._log.info("http.handshake.failed", client=client, reason=_reason(error) or "it took too long")
            for said in last_words:
                _say_last(spare, said)
        finally:
            spare.close()
            self._arriving -= 1
            if connection is None:
                sock.close()
            if connection is None or not connection.is_secured:
                self._roster.depart(client)

    def note_exhausted(self, error: OSError) -> None:
        """Nobody can be accepted just now."""
        self._log.error("http.listener.exhausted", reason=_reason(error), pause_s=_BREATH_S)

    async def _speaks_tls(self, sock: socket.socket) -> bool:
        first = await _first_byte(sock)
        if first is None or first == _TLS_BYTE:
            return first is not None
        _say_last(sock, _PLAIN_ANSWER)
        return False


class HttpsListener:
    """Accepts connections at one socket until it is closed."""

    def __init__(self, listening: socket.socket, connect: Callable[[], HotConnection], door: SecureDoor) -> None:
        self._socket = listening
        self._connect = connect
        self._door = door
        self._arrivals: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.get_running_loop().create_task(self._accept(), name="https-accept")

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The one that listens."""
        return (self._socket,)

    def close(self) -> None:
        """Stop listening, and give up what is not secured yet."""
        self._accepting.cancel()
        for task in self._arrivals:
            task.cancel()
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._socket)
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no descriptor is left, or memory: others give some back
                self._door.note_exhausted(error)
                await asyncio.sleep(_BREATH_S)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(self._door.admit(self._connect, sock, str(address[0])))
            self._arrivals.add(task)
            task.add_done_callback(self._arrivals.discard)


def _say_last(sock: socket.socket, said: bytes) -> None:
    with contextlib.suppress(OSError):
        sock.send(said)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(_UNREAD_BYTES_MAX)  # what is unread when a socket closes takes the answer with it


async def _first_byte(sock: socket.socket) -> int | None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _settle, readable)
    try:
        await readable
    finally:
        loop.remove_reader(sock)
    data = sock.recv(1, socket.MSG_PEEK)
    return data[0] if data else None


def _settle(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)
