"""A file on its way: in order, a few pieces at a time, again when nothing is heard."""

from __future__ import annotations

import pytest

from lictor_server.raft.messages import SnapshotChunk
from lictor_server.raft.shipping import Shipment
from lictor_server.raft.snapshot_file import SnapshotHead

FILE = bytes(range(25))
HEAD = SnapshotHead(40, 2)


class Reader:
    """A file in memory; `ready` says whether its bytes are."""

    def __init__(self) -> None:
        self.head = HEAD
        self.size = len(FILE)
        self.is_ready = True
        self.is_closed = False

    def read(self, offset: int, size: int) -> bytes | None:
        return FILE[offset : offset + size] if self.is_ready else None

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def shipment(reader: Reader) -> Shipment:
    return Shipment(reader, chunk_bytes=4, window_max=3, resend_s=1.0, now=0.0)


def leaving(shipment: Shipment, now: float = 0.0) -> list[SnapshotChunk]:
    chunks: list[SnapshotChunk] = []
    while (chunk := shipment.next_chunk(5, now)) is not None:
        shipment.sent(chunk)
        chunks.append(chunk)
        assert len(chunks) < 100
    return chunks


def test_a_window_of_pieces_leaves_and_no_more_until_an_answer(shipment: Shipment) -> None:
    assert leaving(shipment) == [SnapshotChunk(5, 40, 2, 25, at, FILE[at : at + 4]) for at in (0, 4, 8)]
    assert leaving(shipment) == []
    assert shipment.answered(8, 0.1)
    assert [chunk.offset for chunk in leaving(shipment)] == [12, 16]


def test_the_whole_file_arrives_piece_by_piece(shipment: Shipment) -> None:
    came = b""
    while len(came) < len(FILE):
        for chunk in leaving(shipment):
            assert chunk.offset == len(came)
            came += chunk.data
            shipment.answered(len(came), 0.0)
    assert came == FILE
    assert shipment.answered_bytes == len(FILE)
    assert leaving(shipment) == []


def test_what_is_overdue_is_sent_again_from_the_last_answer_on(shipment: Shipment) -> None:
    leaving(shipment)
    shipment.answered(4, 0.5)
    leaving(shipment, 0.5)
    assert leaving(shipment, 1.4) == []
    assert [chunk.offset for chunk in leaving(shipment, 1.5)] == [4, 8, 12]
    assert leaving(shipment, 2.4) == []


def test_a_follower_that_has_all_and_is_silent_is_asked(shipment: Shipment) -> None:
    for _ in range(10):
        leaving(shipment)
        shipment.answered(min(25, shipment.answered_bytes + 12), 0.0)
    assert leaving(shipment, 1.0) == [SnapshotChunk(5, 40, 2, 25, 25, b"")]


def test_a_follower_that_forgot_everything_gets_it_from_the_beginning(shipment: Shipment) -> None:
    leaving(shipment)
    shipment.answered(12, 0.0)
    leaving(shipment)
    assert not shipment.answered(0, 0.1)
    assert [chunk.offset for chunk in leaving(shipment, 0.1)] == [0, 4, 8]
    assert not shipment.answered(0, 0.1)
    assert leaving(shipment, 0.1) == []


def test_late_and_impossible_answers_change_nothing(shipment: Shipment) -> None:
    leaving(shipment)
    shipment.answered(12, 0.0)
    leaving(shipment)
    for offset in (4, 12, 26):
        assert not shipment.answered(offset, 0.0)
    assert shipment.answered_bytes == 12
    assert leaving(shipment) == []


def test_pieces_that_are_not_in_memory_yet_leave_later(shipment: Shipment, reader: Reader) -> None:
    reader.is_ready = False
    assert leaving(shipment) == []
    reader.is_ready = True
    assert len(leaving(shipment)) == 3
