"""An HTTP server that answers as it is told: for what no real agent does on request (silence, rubbish, old indexes)."""

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["FakeAgent", "Reply", "Seen", "fake_agent"]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One response. `breaks_off` closes the connection instead, `closes` after it; `after_s` is waited first."""

    status: int = 200
    body: bytes = b"null"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    breaks_off: bool = False
    closes: bool = False
    after_s: float = 0.0


class FakeAgent:
    """Answers every request with `answer(seen)`, and remembers what it saw and how many connections it took."""

    def __init__(
        self, answer: Callable[[Seen], Reply], *, tls: ssl.SSLContext | None = None, unix_path: str = ""
    ) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self.connections = 0
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                agent.connections += 1
                super().setup()

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65_537)
                if self.raw_requestline and self.parse_request():
                    self._reply()
                else:
                    self.close_connection = True

            def _reply(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                headers = {name.lower(): value for name, value in self.headers.items()}
                agent.seen.append(Seen(self.command, self.path, headers, self.rfile.read(length)))
                reply = agent.answer(agent.seen[-1])
                time.sleep(reply.after_s)
                if reply.breaks_off:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                self.close_connection = self.close_connection or reply.closes

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._unix_path = unix_path
        self._server = _UnixServer(unix_path, Handler) if unix_path else _TcpServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._tls = tls is not None

    @property
    def closed(self) -> int:
        """How many connections it has closed."""
        return self._server.closed

    @property
    def address(self) -> str:
        """Where it listens, in a form that clients take."""
        if self._unix_path:
            return f"unix://{self._unix_path}"
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Generator["FakeAgent"]:
        """Serve in a thread."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _TcpServer(ThreadingHTTPServer):
    request_queue_size = 128
    closed = 0

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        super().shutdown_request(request)
        self.closed += 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away: some tests make them do so."""


class _UnixServer(_TcpServer):
    address_family = socket.AF_UNIX

    def __init__(self, path: str, handler: type[BaseHTTPRequestHandler]) -> None:
        # the type of an address is that of TCP in the library, though the code takes any
        super().__init__(path, handler)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        return super().get_request()[0], ("", 0)


@contextlib.contextmanager
def fake_agent(
    answer: Callable[[Seen], Reply], *, tls: ssl.SSLContext | None = None, unix_path: str = ""
) -> Generator[FakeAgent]:
    """A fake agent while the block runs."""
    with FakeAgent(answer, tls=tls, unix_path=unix_path).serving() as agent:
        yield agent
