"""The blocking client: one kept connection, standard library only, so that a command starts fast.

Not to be shared between threads; a client is cheap, make one a thread.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from lictor.api.errors import AgentError, TimedOutError, UnreachableError
from lictor.api.messages import RESPONSE_BYTES_MAX, Answer, Call, Options, Request, Response
from lictor.api.settings import Settings
from lictor.api.tls import tls_context
from lictor_core.clock import Rng
from lictor_core.errors import PeerError

__all__ = ["Client"]

T = TypeVar("T")

_PART_BYTES: Final = 65_536
_REASON_BYTES_MAX: Final = 65_536


class Client:
    """Sends calls to one agent and waits for each answer. A context manager; closing it closes its connection."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, call: Call[T]) -> T:
        """Carry out `call`. Raises `AgentError`, `UnreachableError`, `TimedOutError` or `PeerError`."""
        return self.ask(call).value

    def ask(self, call: Call[T]) -> Answer[T]:
        """Carry out `call` and say how fresh the answer is. Raises as `send` does."""
        return call.answer(self.exchange(call.request))

    def watch(
        self, make: Callable[[Options], Call[T]], options: Options | None = None, *, wait_s: float = 60.0, rng: Rng
    ) -> Iterator[Answer[T]]:
        """The answers to `make(options)` for ever: the first one at once, then one for each change.

        Failures are waited out; a refusal that will not change (status 4xx) is raised.
        """
        from lictor.api.pacing import Pacing

        pacing, chosen = Pacing(rng), options or Options()
        while True:
            try:
                answer = self.ask(make(replace(chosen, index=pacing.index, wait_s=wait_s)))
            except AgentError as error:
                if error.status < 500:
                    raise
                time.sleep(pacing.failed())
            except (UnreachableError, TimedOutError, PeerError):
                time.sleep(pacing.failed())
            else:
                is_news, pause_s = pacing.answered(answer.index, time.monotonic())
                if is_news:
                    yield answer
                time.sleep(pause_s)

    def parts(self, path: str, parameters: tuple[tuple[str, str], ...]) -> Iterator[bytes]:
        """What `path` answers, as it comes, for as long as it does; silence is no failure. Raises as `send` does."""
        request = Request(method="GET", path=path, parameters=parameters)
        connection = self._connected(request)
        assert connection.sock is not None
        try:
            connection.sock.settimeout(self.settings.timeout_s)
            connection.request(request.method, request.target(), headers=self._headers(request))
            reply = connection.getresponse()
            if not 200 <= reply.status < 300:
                raise AgentError(reply.status, reply.read(_REASON_BYTES_MAX).decode(errors="replace").strip())
            if connection.sock is not None:
                connection.sock.settimeout(None)
            while part := reply.read1(_PART_BYTES):
                yield part
        except (OSError, http.client.HTTPException) as error:
            raise TimedOutError(f"{self.settings.endpoint} broke off: {_reason(error)}") from error
        finally:
            self.close()

    def interrupt(self) -> None:
        """End what another thread reads just now: the one thing that may be called from there."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def exchange(self, request: Request) -> Response:
        """Send `request` as it is and read the response."""
        connection = self._connected(request)
        timeout_s = self.settings.timeout_s + request.waits_s
        assert connection.sock is not None
        connection.sock.settimeout(timeout_s)
        try:
            connection.request(request.method, request.target(), request.body, self._headers(request))
            reply = connection.getresponse()
            body = reply.read(RESPONSE_BYTES_MAX + 1)
        except TimeoutError as error:
            self.close()
            raise TimedOutError(f"{self.settings.endpoint} did not answer within {timeout_s:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise TimedOutError(f"{self.settings.endpoint} broke off: {_reason(error)}") from error
        except BaseException:
            self.close()
            raise
        if len(body) > RESPONSE_BYTES_MAX:
            self.close()
            raise PeerError(f"the agent's answer is larger than {RESPONSE_BYTES_MAX} bytes")
        headers = {name.lower(): value for name, value in reply.getheaders()}
        return Response(status=reply.status, headers=headers, body=body)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = self.settings.headers()
        headers["Host"] = self.settings.endpoint.authority()
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _connected(self, request: Request) -> http.client.HTTPConnection:
        if self._connection is not None and self._connection.sock is not None and _is_idle(self._connection.sock):
            return self._connection
        self.close()
        connection = self._new_connection()
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise UnreachableError(str(self.settings.endpoint), _reason(error)) from error
        if connection.sock.family != socket.AF_UNIX:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        return connection

    def _new_connection(self) -> http.client.HTTPConnection:
        endpoint, timeout_s = self.settings.endpoint, self.settings.timeout_s
        if endpoint.unix_path:
            return _UnixConnection(endpoint.unix_path, timeout_s)
        if endpoint.tls:
            context = tls_context(self.settings)
            return _TlsConnection(endpoint.host, endpoint.port, context, self.settings.tls_server_name, timeout_s)
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


def _is_idle(sock: socket.socket) -> bool:
    """Whether a kept connection can be used: one that has something to say was closed by the agent."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
