"""One kept HTTP connection, standard library only, so that a command starts fast. For one thread."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Protocol

from lictor.api.errors import AgentError, TimedOutError, UnreachableError, UnreadableError
from lictor.api.messages import RESPONSE_BYTES_MAX, Request, Response
from lictor.api.settings import Settings
from lictor.api.tls import tls_context
from lictor.api.validity import dated_reason

__all__ = ["BlockingTransport", "Watcher"]

_PART_BYTES: Final = 65_536
_REASON_BYTES_MAX: Final = 65_536


class Watcher(Protocol):
    """Who is told of bytes as they go out and come in; `total` is told once it is known."""

    total: int | None

    def add(self, count: int) -> None:
        """So many more bytes were handed over, or were read."""
        ...


class BlockingTransport:
    """The connection to the agent that `settings` name: opened when it is needed, and anew after a failure."""

    watcher: Watcher | None = None

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def parts(self, request: Request, headers: dict[str, str], timeout_s: float) -> Iterator[bytes]:
        """What `request` is answered, as it comes. Only the beginning has a time-out: later silence is no failure."""
        connection = self._connected(timeout_s)
        assert connection.sock is not None
        try:
            connection.sock.settimeout(timeout_s)
            connection.request(request.method, request.target(), request.body, self._with_host(headers))
            reply = connection.getresponse()
            if not 200 <= reply.status < 300:
                raise AgentError(reply.status, reply.read(_REASON_BYTES_MAX).decode(errors="replace").strip())
            if connection.sock is not None:
                connection.sock.settimeout(None)
            while part := reply.read1(_PART_BYTES):
                yield part
        except (OSError, http.client.HTTPException) as error:
            raise self._broke_off(connection, error) from error
        finally:
            self.close()

    def interrupt(self) -> None:
        """End what another thread reads just now: the one thing that may be called from there."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def exchange(self, request: Request, headers: dict[str, str], timeout_s: float) -> Response:
        """Send `request` once and read the response. Raises an `ApiError` when there is none."""
        connection = self._connected(timeout_s)
        assert connection.sock is not None
        connection.sock.settimeout(timeout_s)
        try:
            whole = self._with_host(headers)
            if request.body is not None:
                whole["Content-Length"] = str(len(request.body))
            connection.request(request.method, request.target(), self._sent(request.body), whole)
            reply = connection.getresponse()
            body = self._received(reply)
        except TimeoutError as error:
            self.close()
            raise TimedOutError(f"{self._settings.endpoint} did not answer within {round(timeout_s, 2):g} s") from error
        except (OSError, http.client.HTTPException) as error:
            broke_off = self._broke_off(connection, error)
            self.close()
            raise broke_off from error
        except BaseException:
            self.close()
            raise
        if len(body) > RESPONSE_BYTES_MAX:
            self.close()
            raise UnreadableError(f"the agent's answer is larger than {RESPONSE_BYTES_MAX} bytes")
        replied = {name.lower(): value for name, value in reply.getheaders()}
        return Response(status=reply.status, headers=replied, body=body)

    def _broke_off(self, connection: http.client.HTTPConnection, error: Exception) -> TimedOutError:
        endpoint = self._settings.endpoint
        reason = dated_reason(self._settings, _last_word(connection, error), secure=endpoint.tls)
        return TimedOutError(f"{endpoint} broke off: {reason}")

    def _sent(self, body: bytes | None) -> bytes | Iterator[bytes] | None:
        if self.watcher is None or not body:
            return body
        self.watcher.total = len(body)
        return _told(body, self.watcher)

    def _received(self, reply: http.client.HTTPResponse) -> bytes:
        if self.watcher is None:
            return reply.read(RESPONSE_BYTES_MAX + 1)
        if reply.length is not None and reply.length > _PART_BYTES:
            self.watcher.total = reply.length
        parts: list[bytes] = []
        size = 0
        while size <= RESPONSE_BYTES_MAX and (part := reply.read(_PART_BYTES)):
            parts.append(part)
            size += len(part)
            self.watcher.add(len(part))
        return b"".join(parts)

    def _with_host(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "Host": self._settings.endpoint.authority()}

    def _connected(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._connection is not None and self._connection.sock is not None and _is_idle(self._connection.sock):
            return self._connection
        self.close()
        connection = self._new_connection(timeout_s)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            answers = isinstance(error, ssl.SSLError)
            raise UnreachableError(
                str(self._settings.endpoint), dated_reason(self._settings, error), answers=answers
            ) from error
        if connection.sock.family != socket.AF_UNIX:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        return connection

    def _new_connection(self, timeout_s: float) -> http.client.HTTPConnection:
        endpoint = self._settings.endpoint
        if endpoint.unix_path:
            return _UnixConnection(endpoint.unix_path, timeout_s)
        if endpoint.tls:
            context = tls_context(self._settings)
            return _TlsConnection(endpoint.host, endpoint.port, context, self._settings.tls_server_name, timeout_s)
        return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout_s)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(self._path)


class _TlsConnection(http.client.HTTPConnection):
    """HTTP over TLS whose server name may differ from the host that is dialled."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, server_name: str, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._context = context
        self._server_name = server_name or host

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._server_name)


def _told(body: bytes, watcher: Watcher) -> Iterator[bytes]:
    for begin in range(0, len(body), _PART_BYTES):
        part = body[begin : begin + _PART_BYTES]
        yield part
        watcher.add(len(part))


def _last_word(connection: http.client.HTTPConnection, error: Exception) -> Exception:
    """The alert that says why the other end closed, where `error` only says that it did.

    In TLS 1.3 a server judges the client's certificate after the client may send (RFC 8446, section 4.4.2.4): its alert
    may then wait unread behind a request that could not be written.
    """
    if not isinstance(error, (ssl.SSLEOFError, ConnectionError)) or not isinstance(connection.sock, ssl.SSLSocket):
        return error
    try:
        connection.sock.settimeout(0)
        connection.sock.recv(1)
    except (ssl.SSLWantReadError, ssl.SSLEOFError):
        return error
    except ssl.SSLError as alert:
        return alert
    except OSError:
        return error
    return error


def _is_idle(sock: socket.socket) -> bool:
    """Whether a kept connection can be used: one that has something to say was closed by the agent."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)
