"""Saving the whole state to an archive, and putting a saved one in place: what operators do before and after accidents.

The tables are copied on the event loop, since nothing else sees them at one index; everything else happens in a thread.
An archive is handed out only after the state in it was loaded into a scratch store, and restored only after the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Final, NamedTuple, TypeVar, cast

from structlog.typing import FilteringBoundLogger

from lictor_core.archive import ArchiveMeta, ArchiveServer, new_meta, read_archive, write_archive
from lictor_core.clock import Clock, Rng
from lictor_core.commands import Command, Outcome, RestoreAbandon, RestoreBegin, RestoreFinish, RestorePiece
from lictor_core.errors import DataDamagedError, LictorError, OverloadedError, RequestError, StorageError
from lictor_core.limits import STATE_BYTES_MAX
from lictor_core.pace import Pace
from lictor_core.registry import SavedState
from lictor_core.scratch import discard, discarding
from lictor_server.state import Store
from lictor_server.state.loading import Loader, Rest, no_rest
from lictor_server.state.snapshot import take
from lictor_server.state.stream import StreamReader, stream
from lictor_server.storage import collector_paused

__all__ = ["JOBS_MAX", "Backups", "check_archive", "make_archive"]

T = TypeVar("T")

JOBS_MAX: Final = 2
"""Saves and restores under way on one server; one more is refused with 429. Each takes a thread, and room on a disk."""
_PIECE_BYTES: Final = 128 * 1024
"""Loading so much takes a few milliseconds, which is how long a restore may hold up the event loop at a time."""


class _State(NamedTuple):
    """A state as it goes through the log, in a nameless file that stands at its beginning."""

    meta: ArchiveMeta
    file: BinaryIO
    sha256: bytes


class Backups:
    """Saves and restores the state of one server; all methods belong to the event loop.

    `propose` puts a command through the log, from whichever server. `directory` is where large files may stand for a
    moment; empty for that of the operating system. A job whose caller is gone is brought to its end all the same.
    """

    def __init__(
        self,
        store: Store,
        propose: Callable[[Command], Awaitable[Outcome]],
        *,
        directory: str,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        self._store = store
        self._propose = propose
        self._directory = directory or tempfile.gettempdir()
        self._clock = clock
        self._rng = rng
        self._log = log
        self._thread = ThreadPoolExecutor(max_workers=JOBS_MAX, thread_name_prefix="backup")
        self._jobs: set[asyncio.Task[SavedState] | asyncio.Task[None]] = set()

    async def save(self, *, term: int, servers: Iterable[ArchiveServer] = ()) -> SavedState:
        """Save the state as it is now. Raises `OverloadedError` or a `StorageError`."""
        self._check_room()
        index = self._store.index + self._store.index_shift
        meta = new_meta(
            id=f"{term}-{index}-{round(self._clock.now() * 1000)}",
            index=index,
            term=term,
            datacenter=self._store.datacenter,
            servers=servers,
        )
        pace = Pace()
        chunks = take(self._store, pace, with_restore=False)
        job = asyncio.get_running_loop().create_task(self._save(meta, chunks, pace), name="snapshot-save")
        try:
            return await self._done(job)
        except asyncio.CancelledError:
            job.add_done_callback(_close_unwanted)
            raise

    async def restore(self, archive: BinaryIO) -> None:
        """Put the state in `archive`, which is closed here, in place of the current one, on all servers.

        Raises `RequestError` for an archive that cannot be restored here, and what `propose` raises; an
        `OutcomeUnknownError` leaves open which state there is.
        """
        try:
            self._check_room()
        except OverloadedError:
            discard(archive)
            raise
        await self._done(asyncio.get_running_loop().create_task(self._restore(archive), name="snapshot-restore"))

    def dismantle(self, former: Store) -> None:
        """Give up a state that another one took the place of; nobody waits for that."""
        self._thread.submit(former.dismantle, Pace())

    async def stop(self) -> None:
        """End what is under way; a step in a thread is waited for."""
        for job in list(self._jobs):
            job.cancel()
        if self._jobs:
            await asyncio.wait(self._jobs)
        self._thread.shutdown()

    def _check_room(self) -> None:
        if len(self._jobs) >= JOBS_MAX:
            raise OverloadedError(f"{JOBS_MAX} snapshots are being saved or restored on this server already")

    async def _done(self, job: asyncio.Task[T]) -> T:
        kept = cast("asyncio.Task[None]", job)
        self._jobs.add(kept)
        kept.add_done_callback(self._forget)
        return await asyncio.shield(job)

    def _forget(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()  # its caller was told, or is gone

    async def _save(self, meta: ArchiveMeta, chunks: Iterable[bytes], pace: Pace) -> SavedState:
        began = self._clock.monotonic()
        archive = self._new_file()
        try:
            size = await self._in_thread(lambda: make_archive(archive, meta, chunks, self._new_file, pace))
        except BaseException:
            discard(archive)
            raise
        self._log.info("snapshot.archive.saved", id=meta.id, size_bytes=size, elapsed_ms=self._elapsed_ms(began))
        return SavedState(archive=archive, size_bytes=size, index=meta.index)

    async def _restore(self, archive: BinaryIO) -> None:
        began = self._clock.monotonic()
        with discarding(self._new_file()) as file:
            with discarding(archive):
                state = await self._in_thread(lambda: _unpack(archive, file, self._store.datacenter))
            await self._put_through(state)
        meta = state.meta
        self._log.warning("snapshot.archive.restored", id=meta.id, elapsed_ms=self._elapsed_ms(began))

    async def _put_through(self, state: _State) -> None:
        restore_id, size = self._rng.uuid4(), state.meta.size
        pieces = -(-size // _PIECE_BYTES)
        await self._propose(RestoreBegin(id=restore_id, size=size, pieces=pieces, sha256=state.sha256))
        try:
            for number in range(pieces):
                data = await self._in_thread(lambda: state.file.read(_PIECE_BYTES))
                await self._propose(RestorePiece(id=restore_id, number=number, data=data))
            await self._propose(RestoreFinish(id=restore_id))
        except LictorError:
            # Should this fail as well, the next restore or the progress of the log frees the servers of the pieces.
            with contextlib.suppress(LictorError):
                await self._propose(RestoreAbandon(id=restore_id))
            raise

    def _new_file(self) -> BinaryIO:
        with _file_errors(self._directory):
            return cast(BinaryIO, tempfile.TemporaryFile(dir=self._directory))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """The result of `work`. It is waited for also when this job is cancelled, since it uses the job's files."""
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise

    def _elapsed_ms(self, began: float) -> float:
        return round((self._clock.monotonic() - began) * 1000, 1)


def make_archive(
    archive: BinaryIO,
    meta: ArchiveMeta,
    chunks: Iterable[bytes],
    new_file: Callable[[], BinaryIO],
    rest: Rest = no_rest,
) -> int:
    """Write the state in `chunks` to `archive`, verify it, go back to its beginning; its size in bytes.

    `new_file` gives a file for use on the way. Waits for the disk. Raises `StorageError`.
    """
    with discarding(new_file()) as state, _file_errors("the directory for temporary files"):
        for part in stream(chunks):
            state.write(part)
        size = state.tell()
        if size > STATE_BYTES_MAX:
            raise StorageError(
                f"the state has {size} bytes, and no server would restore more than {STATE_BYTES_MAX}: "
                "stop a server and copy its data directory instead"
            )
        state.seek(0)
        write_archive(archive, meta.of_size(size), state)
        written = archive.tell()
        archive.seek(0)
        try:
            loaded = check_archive(archive, datacenter=meta.datacenter, rest=rest)
        except RequestError as error:
            raise DataDamagedError(f"the snapshot was read back as something else: {error}; save it again") from error
        if loaded != meta.of_size(size):
            raise DataDamagedError("the snapshot was read back as another one; save it again")
        archive.seek(0)
    return written


def check_archive(
    archive: BinaryIO,
    take_part: Callable[[bytes], object] | None = None,
    *,
    datacenter: str = "",
    rest: Rest = no_rest,
) -> ArchiveMeta:
    """What `archive` is, once its state was loaded into a scratch store; `take_part` is given that state in parts.

    Raises `RequestError` unless it is a whole archive of ours, of `datacenter` if that is given. Waits for the disk.
    """
    reader, loader = StreamReader(), Loader(Store, may_hold_restore=False, rest=rest)

    def load(part: bytes) -> None:
        for chunk in reader.feed(part):
            loader.feed(chunk)
        if take_part is not None:
            take_part(part)

    with collector_paused():
        meta = read_archive(archive, load, check=ArchiveMeta.check_ours)
        reader.finish()
        loaded = loader.finish()
        found = loaded.datacenter
        loaded.dismantle(rest)
    if loaded.index + loaded.index_shift != meta.index:
        raise RequestError(f"the snapshot says that it is of index {meta.index}, but its state is of another one")
    if datacenter and found != datacenter:
        raise RequestError(f"the snapshot is of datacenter {found!r}, this one is {datacenter!r}: restore it there")
    return meta


def _unpack(archive: BinaryIO, file: BinaryIO, datacenter: str) -> _State:
    digest = hashlib.sha256()

    def note(part: bytes) -> None:
        digest.update(part)
        file.write(part)

    with _file_errors("the directory for temporary files"):
        meta = check_archive(archive, note, datacenter=datacenter, rest=Pace())
        file.seek(0)
    return _State(meta, file, digest.digest())


def _close_unwanted(job: asyncio.Task[SavedState]) -> None:
    if not job.cancelled() and job.exception() is None:
        job.result().archive.close()


@contextlib.contextmanager
def _file_errors(where: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"cannot keep a snapshot in {where}: {reason}; make room on that disk, and retry") from error
