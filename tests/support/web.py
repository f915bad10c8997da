"""Small HTTP servers in a thread, for tests of what asks them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple

__all__ = ["Page", "page_server", "web_server"]

_POLL_S: Final = 0.02


class Page(NamedTuple):
    """What a server answers. A status of 0 closes the connection without an answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


@contextlib.contextmanager
def web_server(answer: Callable[[str, str, bytes], Page]) -> Generator[int]:
    """Serve on a port of 127.0.0.1, which is the value: each request, by method, path and body, gets its `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            page = answer(self.command, self.path, body)
            if not page.status:
                self.close_connection = True
                return
            self.send_response(page.status)
            for name, value in {**page.headers, "Content-Length": str(len(page.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # the base class names them so

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def page_server(page: Page) -> contextlib.AbstractContextManager[int]:
    """The same, where every request gets this page."""
    return web_server(lambda method, path, body: page)
