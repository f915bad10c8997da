"""An outage ends with the first write that the dead leader cannot have acknowledged."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lictor_bench.outage import Acknowledgement, outage_s, writing
from lictor_bench.servers import ServerProcess
from tests.support.web import Page, web_server


def test_what_the_dead_leader_still_acknowledged_does_not_count() -> None:
    before, arriving, after = Acknowledgement(0.9, 0.95), Acknowledgement(0.99, 1.05), Acknowledgement(1.2, 2.5)
    assert outage_s(1.0, [before, arriving, after, Acknowledgement(2.5, 2.6)]) == 1.5
    assert outage_s(1.0, [before, arriving]) is None


def test_a_write_that_was_held_and_carried_out_by_the_next_leader_counts() -> None:
    assert outage_s(1.0, [Acknowledgement(0.9, 1.75)]) == 0.75


@contextmanager
def answering(statuses: list[int]) -> Generator[ServerProcess]:
    """A server that answers PUTs with these statuses, the last one again and again."""

    def answer(method: str, path: str, body: bytes) -> Page:
        return Page(statuses.pop(0) if len(statuses) > 1 else statuses[0])

    with web_server(answer) as port:
        yield ServerProcess("one 0", {"http": port}, Path(), [])


@pytest.mark.slow
def test_only_what_is_acknowledged_is_noted() -> None:
    with answering([500] * 6 + [200]) as server, writing([server]) as found:
        wait = threading.Event()
        while not found.acknowledged:
            wait.wait(0.01)
        assert "500" in found.refused
    assert all(one.began < one.ended for one in found.acknowledged)
