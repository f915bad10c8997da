"""Registrations come at the rate that was asked for, each body once, and a refusal is told."""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lictor_bench.registering import Registering


@contextmanager
def server(taken: list[int], *, status: int = 200) -> Generator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            taken.append(int(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found.server_address[1]
        finally:
            found.shutdown()
            thread.join()


def body(number: int) -> bytes:
    return json.dumps(number).encode()


def until(taken: list[int], count: int) -> None:
    deadline = time.monotonic() + 20
    while len(taken) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_each_body_is_put_once_and_not_faster_than_asked() -> None:
    taken: list[int] = []
    started = time.monotonic()
    with server(taken) as port:
        with Registering("127.0.0.1", 100, body, port=port) as registering:
            until(taken, 30)
        passed_s = time.monotonic() - started
    assert sorted(taken) == list(range(len(taken)))
    assert len(taken) <= passed_s * 100 + 1
    assert 0 < registering.rate <= 110


@pytest.mark.slow
def test_a_refusal_is_told() -> None:
    taken: list[int] = []
    with (
        server(taken, status=500) as port,
        pytest.raises(RuntimeError, match="500"),
        Registering("127.0.0.1", 100, body, port=port),
    ):
        until(taken, 1)
