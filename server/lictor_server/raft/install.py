"""A leader's snapshot at a follower: put together, judged, and taken over.

    chunks -> receiving -> judging -> publishing -> the core takes it over, on the event loop -> settled
                  |           |
            another one:   it is damaged: dropped, and said so

* receiving: pieces go to an unfinished file in order, and are answered once written, so the sender's window bounds what
  waits here;
* judging: the whole is synced, checked against its checksums and loaded into a scratch state;
* publishing: it takes its own name, durably, with a note beside it that the log may not fit it yet;
* taking over: between two passes of the loop the log is emptied, the state changes and the core goes on behind the
  snapshot. A process that dies anywhere between does the same at its next start, by the note;
* settled: the emptied log is on the disk, so the note goes.

The loop goes on meanwhile: whether the snapshot is still wanted is asked again before each step that matters. What is
damaged is refused and comes again; what cannot be written or taken over ends the process: a snapshot is installed, or
it is said that it is not, never half.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from structlog.typing import FilteringBoundLogger

from lictor_core.errors import DataDamagedError, RequestError
from lictor_server.raft.messages import SnapshotChunk, SnapshotReply
from lictor_server.raft.settings import SNAPSHOT_WINDOW_MAX
from lictor_server.raft.snapshot_file import SnapshotHead
from lictor_server.raft.wire import Message

__all__ = ["UNWRITTEN_MAX", "Follower", "Installer", "Intake", "Run", "Shelf"]

UNWRITTEN_MAX: Final = SNAPSHOT_WINDOW_MAX
"""Pieces that wait to be written; of more a sender without a window loses some, and sends them again."""

R = TypeVar("R")
S = TypeVar("S")
Loaded = TypeVar("Loaded", covariant=True)


class Intake(Protocol):
    """Who gets the pieces of snapshots that the core wants."""

    def take(self, node_id: str, chunk: SnapshotChunk) -> None:
        """A piece from the leader of the current term, of a snapshot that is ahead of what this server holds."""
        ...


class Follower(Protocol):
    """What an installer asks of the core."""

    @property
    def term(self) -> int:
        """The current term."""
        ...

    def covers(self, last_index: int, term: int) -> bool:
        """Whether this server holds all that a snapshot with this last entry does."""
        ...

    def install(self, head: SnapshotHead, adopt: Callable[[], None]) -> bool:
        """Go on behind the snapshot, whose state `adopt` takes over; False, and nothing done, when that is old news."""
        ...

    def answer(self, node_id: str, message: Message) -> None:
        """Send `message`, about nothing that has to be durable first."""
        ...


class Shelf(Protocol[Loaded]):
    """The directory of snapshots while one comes in pieces. Waits for the disk, and raises its errors."""

    def begin(self) -> None:
        """Make an empty unfinished file; one that was there goes."""
        ...

    def write(self, data: bytes) -> None:
        """Append to it."""
        ...

    def judge(self, last_index: int, term: int) -> tuple[SnapshotHead, Loaded]:
        """Sync it, check it and load it. Raises `DataDamagedError` or `RequestError` when it is not what was said."""
        ...

    def publish(self, head: SnapshotHead) -> None:
        """Give it its name, durably, with the note that the log may not fit it yet."""
        ...

    def settle(self) -> None:
        """Delete the note: the log fits."""
        ...

    def drop(self) -> None:
        """Delete the unfinished file, if any."""
        ...


class Run(Protocol):
    """Runs jobs that wait for the disk, one after the other, and tells on the event loop how each ended."""

    def __call__(self, job: Callable[[], R], done: Callable[[R], None], failed: Callable[[Exception], None]) -> None:
        """Run `job` after those before it; then `done` or `failed`, unless the server stops."""
        ...


class _Stage(enum.Enum):
    RECEIVING = "receiving"
    JUDGING = "judging"
    PUBLISHING = "publishing"


class _Source(NamedTuple):
    """Whose file: another leader's file of the same entry may differ in its bytes."""

    node_id: str
    term: int
    last_index: int
    last_term: int
    size: int


class _Parcel:
    """One file that is coming in."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.stage = _Stage.RECEIVING
        self.accepted = 0
        self.written = 0
        self.unwritten = 0


class Installer(Generic[S]):
    """Installs snapshots at one follower, one at a time. All methods belong to the event loop.

    `adopt` makes a loaded state the running one and wakes whoever watches; `settle_later` runs its argument once all
    that the log holds now is durable; `fail` ends the process.
    """

    def __init__(
        self,
        core: Follower,
        shelf: Shelf[S],
        run: Run,
        *,
        adopt: Callable[[S], None],
        installed: Callable[[SnapshotHead], None],
        settle_later: Callable[[Callable[[], None]], None],
        fail: Callable[[Exception], None],
        log: FilteringBoundLogger,
    ) -> None:
        self._core = core
        self._shelf = shelf
        self._run = run
        self._adopt = adopt
        self._installed = installed
        self._settle_later = settle_later
        self._fail = fail
        self._log = log
        self._parcel: _Parcel | None = None

    def take(self, node_id: str, chunk: SnapshotChunk) -> None:
        """Take a piece; see `Intake`."""
        source = _Source(node_id, chunk.term, chunk.last_index, chunk.last_term, chunk.size)
        parcel = self._parcel
        if parcel is None or parcel.source != source:
            parcel = self._begin(source) if chunk.offset == 0 and self._is_free(parcel) else None
        if parcel is None:
            self._core.answer(node_id, SnapshotReply(chunk.term, chunk.last_index, 0, False).message())
        elif chunk.data and chunk.offset == parcel.accepted and parcel.unwritten < UNWRITTEN_MAX:
            self._write(parcel, chunk.data)
        else:
            self._answer(parcel)

    def _is_free(self, parcel: _Parcel | None) -> bool:
        """What is being judged or published is whole: it is used, whoever leads by then."""
        return parcel is None or parcel.stage is _Stage.RECEIVING

    def _begin(self, source: _Source) -> _Parcel:
        self._parcel = _Parcel(source)
        self._log.info("raft.install.begun", index=source.last_index, bytes=source.size, leader=source.node_id)
        self._run(self._shelf.begin, _nothing, self._fail)
        return self._parcel

    def _write(self, parcel: _Parcel, data: bytes) -> None:
        parcel.accepted += len(data)
        parcel.unwritten += 1

        def written(_: object) -> None:
            if self._parcel is not parcel:
                return
            parcel.unwritten -= 1
            parcel.written += len(data)
            if parcel.written == parcel.source.size:
                self._judge(parcel)
            self._answer(parcel)

        self._run(lambda: self._shelf.write(data), written, self._fail)

    def _answer(self, parcel: _Parcel, *, refused: bool = False) -> None:
        source = parcel.source
        offset = 0 if refused else parcel.written
        self._core.answer(source.node_id, SnapshotReply(source.term, source.last_index, offset, refused).message())

    def _judge(self, parcel: _Parcel) -> None:
        parcel.stage = _Stage.JUDGING
        source = parcel.source

        def judged(loaded: tuple[SnapshotHead, S]) -> None:
            if self._core.covers(source.last_index, source.last_term):
                self._log.info("raft.install.unneeded", index=source.last_index)
                self._give_up()
                return
            parcel.stage = _Stage.PUBLISHING
            self._publish(*loaded)

        def refused(error: Exception) -> None:
            if not isinstance(error, DataDamagedError | RequestError):
                self._fail(error)
                return
            self._log.error("raft.install.refused", index=source.last_index, leader=source.node_id, reason=str(error))
            self._give_up()
            self._answer(parcel, refused=True)

        self._run(lambda: self._shelf.judge(source.last_index, source.last_term), judged, refused)

    def _give_up(self) -> None:
        self._parcel = None
        self._run(self._shelf.drop, _nothing, self._fail)

    def _publish(self, head: SnapshotHead, state: S) -> None:
        def published(_: object) -> None:
            self._parcel = None
            took_over = self._core.install(head, lambda: self._adopt(state))
            self._log.info("raft.install.finished", index=head.last_index, took_over=took_over)
            self._installed(head)
            self._settle_later(lambda: self._run(self._shelf.settle, _nothing, self._fail))

        self._run(lambda: self._shelf.publish(head), published, self._fail)


def _nothing(_: object) -> None:
    pass
