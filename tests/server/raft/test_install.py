"""Installing a snapshot step by step: what is answered, what is taken over, what is refused, what ends the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

import pytest

from lictor_core.errors import DataDamagedError, DiskFullError
from lictor_server.raft.install import UNWRITTEN_MAX, Installer
from lictor_server.raft.messages import SnapshotChunk
from lictor_server.raft.snapshot_file import SnapshotHead
from lictor_server.raft.wire import Message
from tests.server.conftest import Log

R = TypeVar("R")
FILE = b"0123456789"
HEAD = SnapshotHead(40, 2)


class Bench:
    """A follower, its disk and its thread, all in our hands."""

    def __init__(self, log: Log) -> None:
        self.term = 5
        self.jobs: deque[Callable[[], None]] = deque()
        self.answers: list[tuple[str, int, bool]] = []
        self.files: list[str] = []
        self.unfinished: bytes | None = None
        self.is_old_news = False
        self.state = "before"
        self.failures: list[Exception] = []
        self.unsettled: list[Callable[[], None]] = []
        self.judgement: Exception | None = None
        self.publishing: Exception | None = None
        self.installed: list[SnapshotHead] = []
        self.installer: Installer[str] = Installer(
            self,
            self,
            self,
            adopt=self.adopt,
            installed=self.installed.append,
            settle_later=self.unsettled.append,
            fail=self.failures.append,
            log=log.logger,
        )

    # The core.

    def covers(self, last_index: int, term: int) -> bool:
        return self.is_old_news

    def install(self, head: SnapshotHead, adopt: Callable[[], None]) -> bool:
        if self.is_old_news:
            return False
        adopt()
        return True

    def answer(self, node_id: str, message: Message) -> None:
        assert message["type"] == "snapshot_reply"
        offset, refused = message["next_offset"], message["refused"]
        assert isinstance(offset, int)
        assert isinstance(refused, bool)
        self.answers.append((node_id, offset, refused))

    def adopt(self, state: str) -> None:
        self.state = state

    # The shelf.

    def begin(self) -> None:
        self.unfinished = b""

    def write(self, data: bytes) -> None:
        if self.unfinished is not None:
            self.unfinished += data

    def judge(self, last_index: int, term: int) -> tuple[SnapshotHead, str]:
        if self.judgement is not None:
            raise self.judgement
        assert self.unfinished is not None
        return SnapshotHead(last_index, term), self.unfinished.decode()

    def publish(self, head: SnapshotHead) -> None:
        if self.publishing is not None:
            raise self.publishing
        self.unfinished = None
        self.files = [str(head.last_index), "note"]

    def settle(self) -> None:
        self.files.remove("note")

    def drop(self) -> None:
        self.unfinished = None

    # The thread.

    def __call__(self, job: Callable[[], R], done: Callable[[R], None], failed: Callable[[Exception], None]) -> None:
        def both() -> None:
            try:
                result = job()
            except Exception as error:
                failed(error)
            else:
                done(result)

        self.jobs.append(both)

    def work(self, jobs: int = 1000) -> None:
        while self.jobs and jobs:
            self.jobs.popleft()()
            jobs -= 1

    # The leader.

    def chunk(self, offset: int, size: int = 4, *, node_id: str = "n2", term: int = 5, last_index: int = 40) -> None:
        data = FILE[offset : offset + size]
        self.installer.take(node_id, SnapshotChunk(term, last_index, 2, len(FILE), offset, data))

    def ship(self, *, node_id: str = "n2", term: int = 5) -> None:
        for offset in (0, 4, 8):
            self.chunk(offset, node_id=node_id, term=term)


@pytest.fixture
def bench(log: Log) -> Bench:
    return Bench(log)


def test_pieces_are_answered_once_they_are_written(bench: Bench) -> None:
    bench.chunk(0)
    bench.chunk(4)
    assert bench.answers == []
    bench.work()
    assert bench.answers == [("n2", 4, False), ("n2", 8, False)]


def test_a_whole_snapshot_is_taken_over_and_settled_when_the_log_is_durable(bench: Bench, log: Log) -> None:
    bench.ship()
    bench.work()
    assert (bench.state, bench.files) == (FILE.decode(), ["40", "note"])
    assert bench.installed == [HEAD]
    (settle,) = bench.unsettled
    settle()
    bench.work()
    assert (bench.files, bench.unfinished) == (["40"], None)
    assert [entry["event"] for entry in log.entries] == ["raft.install.begun", "raft.install.finished"]
    assert log.entries[-1]["took_over"] is True


def test_lost_and_repeated_pieces_are_sorted_out_by_the_answers(bench: Bench) -> None:
    bench.chunk(0)
    bench.chunk(8)
    bench.chunk(0)
    bench.work()
    assert bench.answers == [("n2", 0, False), ("n2", 0, False), ("n2", 4, False)]
    bench.chunk(4)
    bench.chunk(4)
    bench.chunk(8)
    bench.work()
    assert bench.state == FILE.decode()


def test_a_question_without_data_is_answered(bench: Bench) -> None:
    bench.chunk(0)
    bench.work()
    bench.chunk(4, size=0)
    assert bench.answers[-1] == ("n2", 4, False)


def test_the_middle_of_an_unknown_snapshot_is_asked_for_from_its_beginning(bench: Bench) -> None:
    bench.chunk(4)
    assert bench.answers == [("n2", 0, False)]
    assert not bench.jobs


@pytest.mark.parametrize("other", [{"node_id": "n3"}, {"term": 6}, {"last_index": 41}])
def test_the_file_of_another_leader_or_term_begins_anew(bench: Bench, other: dict[str, object]) -> None:
    bench.chunk(0)
    bench.chunk(4, **other)  # type: ignore[arg-type]  # the parameters of one call, as a table
    bench.work()
    assert bench.answers[0][1] == 0
    bench.chunk(0, **other)  # type: ignore[arg-type]
    bench.chunk(4)
    bench.work()
    assert bench.unfinished == FILE[:4]


def test_what_is_whole_is_used_whoever_leads_by_then(bench: Bench) -> None:
    bench.ship()
    bench.work(4)  # the file is made and written, but not judged
    bench.chunk(0, node_id="n3", term=6)
    assert bench.answers[-1] == ("n3", 0, False)
    bench.work()
    assert bench.state == FILE.decode()


def test_a_damaged_snapshot_is_refused_and_may_come_again(bench: Bench, log: Log) -> None:
    bench.judgement = DataDamagedError("a checksum is wrong")
    bench.ship()
    bench.work()
    assert (bench.state, bench.unfinished, bench.failures) == ("before", None, [])
    assert bench.answers[-1] == ("n2", 0, True)
    assert log.named("raft.install.refused")
    bench.judgement = None
    bench.ship()
    bench.work()
    assert bench.state == FILE.decode()


@pytest.mark.parametrize("step", ["judgement", "publishing"])
def test_a_disk_that_fails_ends_the_process_and_nothing_is_taken_over(bench: Bench, step: str) -> None:
    setattr(bench, step, DiskFullError("full"))
    bench.ship()
    bench.work()
    assert [str(error) for error in bench.failures] == ["full"]
    assert bench.state == "before"


def test_a_snapshot_that_became_old_news_while_it_was_judged_is_dropped(bench: Bench) -> None:
    bench.ship()
    bench.work(4)
    bench.is_old_news = True
    bench.work()
    assert (bench.state, bench.files, bench.unfinished) == ("before", [], None)


def test_a_snapshot_that_became_old_news_while_it_took_its_name_stays_a_file(bench: Bench, log: Log) -> None:
    bench.ship()
    bench.work(5)
    bench.is_old_news = True
    bench.work()
    for settle in bench.unsettled:
        settle()
    bench.work()
    assert (bench.state, bench.files) == ("before", ["40"])
    assert log.entries[-1]["took_over"] is False


def test_pieces_that_wait_to_be_written_are_bounded(bench: Bench) -> None:
    size = UNWRITTEN_MAX + 10
    for offset in range(size):
        bench.installer.take("n2", SnapshotChunk(5, 40, 2, size, offset, b"x"))
    assert len(bench.jobs) == UNWRITTEN_MAX + 1
    bench.work()
    assert bench.answers[-1] == ("n2", UNWRITTEN_MAX, False)
