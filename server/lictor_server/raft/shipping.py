"""A leader's snapshot on its way to one follower whose entries the log holds no more. Pure.

The file goes in chunks, a few under way at a time. The follower answers with the offset up to which it has the file.
Chunks or answers may be lost with a connection: what is overdue is sent again from the last answered offset on, and a
follower that has forgotten what it had says 0 and gets the file from its beginning. Whether the follower installed it,
the ordinary answers to heartbeats tell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from lictor_server.raft.messages import SnapshotChunk, SnapshotReply
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.snapshot_file import SnapshotHead
from lictor_server.raft.wire import Message

__all__ = ["Depot", "Shipment", "Shipments", "SnapshotReader"]


class SnapshotReader(Protocol):
    """A snapshot file that stays readable as it was when it was opened, also when a newer one takes its place."""

    @property
    def head(self) -> SnapshotHead:
        """The last entry it holds."""
        ...

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        ...

    def read(self, offset: int, size: int) -> bytes | None:
        """That piece; None when it is not in memory yet: whoever made the reader pumps the core when it is."""
        ...

    def close(self) -> None:
        """Nothing is read any more."""
        ...


class Depot(Protocol):
    """Where a leader's snapshots are."""

    def open(self, at_least: int) -> SnapshotReader | None:
        """The newest snapshot, when it reaches `at_least`. None: there is none yet, but one will be made; ask again."""
        ...

    def refused(self, head: SnapshotHead) -> None:
        """A follower could not load this snapshot: it should not get the same again."""
        ...


class Shipment:
    """One file on its way to one follower. Offsets are bytes; times are seconds of the core's clock."""

    def __init__(self, reader: SnapshotReader, *, chunk_bytes: int, window_max: int, resend_s: float, now: float):
        self.reader = reader
        self._chunk_bytes = chunk_bytes
        self._window_bytes = chunk_bytes * window_max
        self._resend_s = resend_s
        self._moved_at = now
        self._answered = 0
        self._next = 0

    @property
    def head(self) -> SnapshotHead:
        """What is being sent."""
        return self.reader.head

    @property
    def answered_bytes(self) -> int:
        """How much of the file the follower has for sure."""
        return self._answered

    def next_chunk(self, term: int, now: float) -> SnapshotChunk | None:
        """What may leave now, in `term`; None when nothing may, or is in memory. `sent` says that it left."""
        size = self.reader.size
        asks = self._go_back(now)
        if self._next >= min(size, self._answered + self._window_bytes):
            return self._chunk(term, b"") if asks else None
        data = self.reader.read(self._next, min(self._chunk_bytes, size - self._next))
        return None if data is None else self._chunk(term, data)

    def _go_back(self, now: float) -> bool:
        """Whether the follower has to be asked how far it is, for it has all and yet says nothing."""
        if now - self._moved_at < self._resend_s:
            return False
        self._moved_at = now
        self._next = self._answered
        return True

    def _chunk(self, term: int, data: bytes) -> SnapshotChunk:
        head = self.head
        return SnapshotChunk(term, head.last_index, head.term, self.reader.size, self._next, data)

    def sent(self, chunk: SnapshotChunk) -> None:
        """`chunk` left."""
        self._next = chunk.offset + len(chunk.data)

    def answered(self, next_offset: int, now: float) -> bool:
        """The follower has the file up to `next_offset`; whether that is news. An answer below the last one is late.

        But 0 says that it has forgotten what it had: then everything is sent again.
        """
        if next_offset > self.reader.size or self._answered >= next_offset > 0:
            return False
        if next_offset == 0:
            if self._answered:
                self._answered = self._next = 0
            return False
        self._moved_at = now
        self._answered = next_offset
        self._next = max(self._next, next_offset)
        return True


class Shipments:
    """All that one leader has on its way, at most one snapshot to each follower."""

    def __init__(self, depot: Depot, settings: RaftSettings) -> None:
        self._depot = depot
        self._settings = settings
        self._shipments: dict[str, Shipment] = {}

    def tend(self, node_id: str, term: int, at_least: int, now: float, send: Callable[[str, Message], bool]) -> None:
        """Send what may leave to a follower who needs a snapshot that reaches `at_least`, where the log begins."""
        shipment = self._shipments.get(node_id)
        if shipment is not None and shipment.head.last_index < at_least:
            self.end(node_id)  # the log goes on too late behind it
            shipment = None
        if shipment is None:
            reader = self._depot.open(at_least)
            if reader is None:
                return
            shipment = self._shipments[node_id] = Shipment(
                reader,
                chunk_bytes=self._settings.snapshot_chunk_bytes,
                window_max=self._settings.snapshot_window_max,
                resend_s=self._settings.election_min_s,
                now=now,
            )
        while (chunk := shipment.next_chunk(term, now)) is not None and send(node_id, chunk.message()):
            shipment.sent(chunk)

    def answered(self, node_id: str, reply: SnapshotReply, now: float) -> bool:
        """A follower has answered; whether more may leave now."""
        shipment = self._shipments.get(node_id)
        if shipment is None or shipment.head.last_index != reply.last_index:
            return False
        if reply.refused:
            self._depot.refused(shipment.head)
            self.end(node_id)
            return False
        return shipment.answered(reply.next_offset, now)

    def last_index(self, node_id: str) -> int | None:
        """The last entry of what is on its way to a follower: the log has to go on from there."""
        shipment = self._shipments.get(node_id)
        return None if shipment is None else shipment.head.last_index

    def end(self, node_id: str) -> None:
        """A follower needs no snapshot (any more)."""
        shipment = self._shipments.pop(node_id, None)
        if shipment is not None:
            shipment.reader.close()

    def keep(self, node_ids: Collection[str]) -> None:
        """Only these are followers any more."""
        for node_id in self._shipments.keys() - set(node_ids):
            self.end(node_id)
