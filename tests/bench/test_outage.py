"""An outage ends with the first write that the dead leader cannot have acknowledged."""

import http.server
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lictor_bench.outage import Acknowledgement, outage_s, writing
from lictor_bench.servers import ServerProcess


def test_what_the_dead_leader_still_acknowledged_does_not_count() -> None:
    before, arriving, after = Acknowledgement(0.9, 0.95), Acknowledgement(0.99, 1.05), Acknowledgement(1.2, 2.5)
    assert outage_s(1.0, [before, arriving, after, Acknowledgement(2.5, 2.6)]) == 1.5
    assert outage_s(1.0, [before, arriving]) is None


def test_a_write_that_was_held_and_carried_out_by_the_next_leader_counts() -> None:
    assert outage_s(1.0, [Acknowledgement(0.9, 1.75)]) == 0.75


@contextmanager
def answering(statuses: list[int]) -> Generator[ServerProcess]:
    """A server that answers PUTs with these statuses, the last one again and again."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield ServerProcess("one 0", {"http": server.server_port}, Path(), [])
        finally:
            server.shutdown()
            thread.join(10)


@pytest.mark.slow
def test_only_what_is_acknowledged_is_noted() -> None:
    with answering([500] * 6 + [200]) as server, writing([server]) as found:
        wait = threading.Event()
        while not found.acknowledged:
            wait.wait(0.01)
        assert "500" in found.refused
    assert all(one.began < one.ended for one in found.acknowledged)
