"""Saved states on their way between an agent and this server, piece by piece: each waits in a file without a name.

The agent asks for each piece, or sends it, so neither end holds more than one in memory. What belongs to a connection
goes with it, and so does what nobody asks about any more.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeVar, cast

from lictor_core.calls import RestoreOrder, RestorePart, SavedHead
from lictor_core.codec import unpack
from lictor_core.errors import BodyTooLargeError, NotFoundError, OverloadedError, RequestError, StorageError
from lictor_core.limits import ARCHIVE_BYTES_MAX, RESTORE_PIECE_BYTES_MAX
from lictor_core.registry import ReadOptions, Registry
from lictor_core.scratch import discard
from lictor_server.rpc.methods import VisitedStep
from lictor_server.rpc.visitor import Visitor

__all__ = ["HELD_MAX", "IDLE_S_MAX", "Transfers"]

T = TypeVar("T")

HELD_MAX: Final = 8
"""Archives on their way at once; one more is refused with 429."""
IDLE_S_MAX: Final = 60.0
"""One that nobody asks about for so long is dropped."""


async def _anybody(token: str) -> None:
    """Without access control."""


@dataclass(eq=False)
class _Held:
    """One archive. `size` is how much of it came or went."""

    id: int
    file: BinaryIO
    visitor: Visitor
    size: int = 0
    busy: bool = False
    idle: asyncio.TimerHandle | None = None
    unwatch: Callable[[], None] | None = None


class Transfers:
    """The archives on their way. All methods belong to the event loop."""

    def __init__(
        self, registry: Registry, *, directory: str, may_restore: Callable[[str], Awaitable[None]] = _anybody
    ) -> None:
        """`directory` is where archives stand for a moment; empty for that of the operating system.

        `may_restore` raises `PermissionDeniedError` for a token that may not: it is asked before anything is kept.
        """
        self._may_restore = may_restore
        self._registry = registry
        self._directory = directory or tempfile.gettempdir()
        self._held: dict[int, _Held] = {}
        self._last_id = 0

    def methods(self) -> dict[str, VisitedStep]:
        """Each method by its name on the wire."""
        return {
            "save_state": self._save,
            "saved_part": self._saved_part,
            "restore_begin": self._restore_begin,
            "restore_part": self._restore_part,
            "restore_finish": self._restore_finish,
        }

    async def _save(self, payload: bytes, visitor: Visitor) -> SavedHead:
        options = unpack(payload, ReadOptions)
        self._check_room()
        saved = await self._registry.save_state(options)
        try:
            held = self._hold(saved.archive, visitor)
        except BaseException:
            discard(saved.archive)
            raise
        return SavedHead(
            id=held.id,
            size_bytes=saved.size_bytes,
            index=saved.index,
            last_contact_ms=saved.last_contact_ms,
            known_leader=saved.known_leader,
        )

    async def _saved_part(self, payload: bytes, visitor: Visitor) -> bytes:
        held = self._find(unpack(payload, int), visitor)
        data = await self._with_file(held, lambda: held.file.read(RESTORE_PIECE_BYTES_MAX))
        if len(data) < RESTORE_PIECE_BYTES_MAX:
            self._drop(held)
        return data

    async def _restore_begin(self, payload: bytes, visitor: Visitor) -> int:
        await self._may_restore(unpack(payload, str))
        self._check_room()
        try:
            file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._directory))  # noqa: SIM115 it is kept open
        except OSError as error:
            raise self._no_room(error) from error
        return self._hold(file, visitor).id

    async def _restore_part(self, payload: bytes, visitor: Visitor) -> None:
        part = unpack(payload, RestorePart)
        held = self._find(part.id, visitor)
        if held.size + len(part.data) > ARCHIVE_BYTES_MAX:
            self._drop(held)
            raise BodyTooLargeError(f"the snapshot is larger than {ARCHIVE_BYTES_MAX} bytes")
        await self._with_file(held, lambda: held.file.write(part.data))
        held.size += len(part.data)

    async def _restore_finish(self, payload: bytes, visitor: Visitor) -> None:
        order = unpack(payload, RestoreOrder)
        held = self._find(order.id, visitor)
        await self._with_file(held, lambda: held.file.seek(0))
        self._release(held)
        await self._registry.restore_state(held.file, datacenter=order.datacenter, token=order.token)

    # What is held.

    def _check_room(self) -> None:
        if len(self._held) >= HELD_MAX:
            raise OverloadedError(f"{HELD_MAX} snapshots are on their way to or from this server already: retry later")

    def _hold(self, file: BinaryIO, visitor: Visitor) -> _Held:
        self._check_room()
        self._last_id += 1
        held = _Held(self._last_id, file, visitor)
        self._held[held.id] = held
        held.unwatch = visitor.at_end(lambda: self._drop(held))
        self._touch(held)
        return held

    def _find(self, id: int, visitor: Visitor) -> _Held:
        held = self._held.get(id)
        if held is None or held.visitor is not visitor:
            raise NotFoundError("that snapshot is not on its way here: begin again")
        if held.busy:
            raise RequestError("a piece of that snapshot is on its way already: send one after the other")
        self._touch(held)
        return held

    def _touch(self, held: _Held) -> None:
        if held.idle is not None:
            held.idle.cancel()
        held.idle = asyncio.get_running_loop().call_later(IDLE_S_MAX, self._drop, held)

    async def _with_file(self, held: _Held, work: Callable[[], T]) -> T:
        held.busy = True
        running = asyncio.ensure_future(asyncio.to_thread(work))
        running.add_done_callback(_seen)
        try:
            return await asyncio.shield(running)
        except OSError as error:
            self._drop(held)
            raise self._no_room(error) from error
        except ValueError:  # it was dropped, and its file closed, meanwhile
            raise NotFoundError("that snapshot is not on its way here any more: begin again") from None
        finally:
            held.busy = False

    def _release(self, held: _Held) -> None:
        """Hold it no more; its file is somebody else's now."""
        self._held.pop(held.id, None)
        if held.idle is not None:
            held.idle.cancel()
        if held.unwatch is not None:
            held.unwatch()

    def _drop(self, held: _Held) -> None:
        if self._held.get(held.id) is held:
            self._release(held)
            discard(held.file)

    def _no_room(self, error: OSError) -> StorageError:
        reason = error.strerror or str(error)
        return StorageError(f"cannot keep a snapshot in {self._directory}: {reason}; make room on that disk, and retry")


def _seen(work: asyncio.Future[T]) -> None:
    """Whoever waited for it may be gone; then its failure is no news."""
    if not work.cancelled():
        work.exception()
