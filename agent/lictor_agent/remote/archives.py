"""Snapshots between an agent and a server, one piece a call, through a file without a name at either end."""

from __future__ import annotations

import asyncio
import tempfile
from typing import BinaryIO, Final, cast

from lictor_agent.remote.calls import ANSWER_S_MAX
from lictor_agent.remote.link import ServerLink
from lictor_core.calls import RestoreOrder, RestorePart, SavedHead
from lictor_core.codec import pack, pack_given, unpack
from lictor_core.errors import NotFoundError, OutcomeUnknownError, PeerError, StorageError
from lictor_core.limits import ARCHIVE_BYTES_MAX, RESTORE_PIECE_BYTES_MAX
from lictor_core.registry import ReadOptions, SavedState
from lictor_core.scratch import discard, discarding
from lictor_server import RpcPool

__all__ = ["ATTEMPTS_MAX", "RemoteArchives"]

ATTEMPTS_MAX: Final = 3
"""A transfer whose server is lost begins again at another one, so many times in all."""
_SNAPSHOT_S_MAX: Final = 600.0
"""How long a server may take to save its state, or to put a restored one through the log."""


class RemoteArchives:
    """Saves and restores through the server in use. All methods belong to one event loop."""

    def __init__(self, link: ServerLink, pool: RpcPool, *, hold_s: float) -> None:
        self._link = link
        self._pool = pool
        self._hold_s = hold_s

    async def save(self, options: ReadOptions) -> SavedState:
        """See core's `Registry.save_state`."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            archive = _new_file()
            try:
                with self._link.pinned():
                    return await self._saved(await self._link.server(self._hold_s), options, archive)
            except (PeerError, NotFoundError):
                discard(archive)
                if attempt == ATTEMPTS_MAX:
                    raise
            except BaseException:
                discard(archive)
                raise
        raise AssertionError("the last attempt returns or raises")

    async def _saved(self, server: str, options: ReadOptions, archive: BinaryIO) -> SavedState:
        answer = await self._pool.call(server, "save_state", pack(options), timeout_s=_SNAPSHOT_S_MAX)
        head = unpack(answer, SavedHead)
        if head.size_bytes > ARCHIVE_BYTES_MAX:
            raise StorageError(f"{server} saved {head.size_bytes} bytes; at most {ARCHIVE_BYTES_MAX} are taken")
        came = 0
        while came < head.size_bytes:
            answer = await self._pool.call(server, "saved_part", pack(head.id), timeout_s=ANSWER_S_MAX)
            part = unpack(answer, bytes)
            came += len(part)
            if not part or came > head.size_bytes:
                raise PeerError(f"{server} sent {came} bytes of a snapshot of {head.size_bytes}: save it again")
            await _written(archive, part)
        await _rewound(archive)
        return SavedState(
            archive=archive,
            size_bytes=head.size_bytes,
            index=head.index,
            last_contact_ms=head.last_contact_ms,
            known_leader=head.known_leader,
        )

    async def restore(self, archive: BinaryIO, *, datacenter: str, token: str) -> None:
        """See core's `Registry.restore_state`."""
        with discarding(archive), self._link.pinned():
            server, id = await self._uploaded(archive, token)
            order = RestoreOrder(id=id, datacenter=datacenter, token=token)
            try:
                await self._pool.call(server, "restore_finish", pack(order), timeout_s=_SNAPSHOT_S_MAX)
            except PeerError as error:
                if error.definite:
                    raise
                raise OutcomeUnknownError(
                    f"the server was lost while the snapshot was put in place: look which state there is ({error})"
                ) from error

    async def _uploaded(self, archive: BinaryIO, token: str) -> tuple[str, int]:
        """The server that has all of `archive` now, and by which id. What only came there changed nothing."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            server = await self._link.server(self._hold_s)
            archive.seek(0)
            try:
                return server, await self._upload(server, archive, token)
            except (PeerError, NotFoundError):
                if attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _upload(self, server: str, archive: BinaryIO, token: str) -> int:
        id = unpack(await self._pool.call(server, "restore_begin", pack_given(token), timeout_s=ANSWER_S_MAX), int)
        while data := await asyncio.to_thread(archive.read, RESTORE_PIECE_BYTES_MAX):
            part = RestorePart(id=id, data=data)
            await self._pool.call(server, "restore_part", pack(part), timeout_s=ANSWER_S_MAX)
        return id


def _new_file() -> BinaryIO:
    try:
        return cast(BinaryIO, tempfile.TemporaryFile())
    except OSError as error:
        raise _no_room(error) from error


async def _written(archive: BinaryIO, part: bytes) -> None:
    try:
        await asyncio.to_thread(archive.write, part)
    except OSError as error:
        raise _no_room(error) from error


async def _rewound(archive: BinaryIO) -> None:
    try:
        await asyncio.to_thread(archive.seek, 0)  # what is in the buffer goes to the disk now
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(
        f"cannot keep the snapshot in {tempfile.gettempdir()} while it comes: {reason}; "
        "make room there, or set TMPDIR to another directory"
    )
