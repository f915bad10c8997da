"""A disk that obeys orders, as the calls of a filesystem: what the kernel asks, answered from an image.

Called by many threads at once; the clock and the waiting are passed in. mfusepy gives the names of the methods.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from lictor_jepsen.disk.image import File, Folder, Image, Node
from lictor_jepsen.disk.orders import ALL, Answer, Behave, Flip, KeepCopy, Lose, Order, Wipe, choose_bit, flip

__all__ = ["BLOCK_BYTES", "Filesystem"]

BLOCK_BYTES: Final = 4096
_NAME_BYTES_MAX: Final = 255


class _Open(NamedTuple):
    node: Node
    appends: bool


class Filesystem:
    """An empty disk of `capacity_bytes` whose syncs take `sync_s` when nothing else is ordered."""

    use_ns = True
    """Times are nanoseconds; read by mfusepy, as are the next two."""
    flag_nopath = True
    flag_nullpath_ok = True

    def __init__(self, capacity_bytes: int, sync_s: float, now_ns: Callable[[], int]) -> None:
        self._image = Image()
        self._capacity_bytes = capacity_bytes
        self._sync_s = sync_s
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._orders = Behave()
        self._rng = Random(0)
        self._syncs_to_fail = 0
        self._refused = 0
        self._era = 0
        self._handles: dict[int, _Open] = {}
        self._numbers = count(1)

    # Orders.

    def carry_out(self, order: Order) -> Answer:
        """Do it; the answer comes when it is done."""
        with self._changed:
            refused, self._refused = self._refused, 0
            try:
                said = self._carry_out(order)
            except OSError as error:
                return Answer(said="", refused=refused, error=str(error))
            return Answer(said=said, refused=refused)

    def _carry_out(self, order: Order) -> str:
        match order:
            case Behave():
                self._behave(order)
                return "ordered"
            case Lose(seed=seed, loss=loss):
                unsynced = sum(not file.is_synced for _, file in self._image.files())
                self._image.lose(Random(seed), loss)
                return f"{unsynced} files were not synced, changes {loss}"
            case Flip(seed=seed, under=under):
                return self._flip(seed, under)
            case Wipe(under=under):
                self._wipe(under)
                return f"{under} emptied"
            case KeepCopy(into=into):
                return self._copy(Path(into))

    def _behave(self, orders: Behave) -> None:
        self._orders = orders
        self._rng = Random(orders.seed)
        self._syncs_to_fail = orders.failing_syncs
        self._era += 1
        self._changed.notify_all()

    def _flip(self, seed: int, under: str) -> str:
        files = [(path, len(file.now)) for path, file in self._image.files() if path.startswith(f"{under}/")]
        where = choose_bit(files, Random(seed))
        if where is None:
            raise OSError(errno.ENOENT, "there is no file with a bit to turn over", under)
        flip(self._image, where)
        return f"bit {where.bit} of byte {where.offset} of {where.path}"

    def _wipe(self, under: str) -> None:
        node = self._image.find(under)
        assert isinstance(node, Folder), "folders are emptied"
        for name in list(node.now):
            node.bind(name, None)
        node.sync()

    def _copy(self, into: Path) -> str:
        number = 0
        for path, file in self._image.files():
            number += 1
            target = into / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.now)
        return f"{number} files copied"

    # What stands before a call.

    def _ready(self, *, changes: bool) -> None:
        if self._orders.off:
            self._refuse(errno.EIO)
        if changes and self._orders.read_only:
            self._refuse(errno.EROFS)

    def _refuse(self, number: int) -> None:
        self._refused += 1
        raise OSError(number, os.strerror(number))

    def _wait(self, seconds: float) -> None:
        """Take so long, or until something else is ordered. With the lock, which others get meanwhile."""
        era = self._era
        if seconds > 0:
            self._changed.wait_for(lambda: self._era != era, seconds)

    def _node(self, path: str | None, handle: int | None) -> Node:
        if handle is not None and handle in self._handles:
            return self._handles[handle].node
        if path is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._image.find(path)

    def _file(self, path: str | None, handle: int | None) -> File:
        node = self._node(path, handle)
        if not isinstance(node, File):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        return node

    def _opened(self, node: Node, flags: int) -> int:
        number = next(self._numbers)
        self._handles[number] = _Open(node, bool(flags & os.O_APPEND))
        return number

    def _touch(self, node: Node) -> None:
        node.changed_ns = self._now_ns()

    # Files.

    def create(self, path: str, mode: int, flags: int) -> int:
        """A new file, opened."""
        with self._lock:
            self._ready(changes=True)
            made = self._image.make_file(path, mode)
            self._touch(made)
            return self._opened(made, flags)

    def open(self, path: str, flags: int) -> int:
        """Open a file; with O_TRUNC it is empty then."""
        with self._lock:
            self._ready(changes=bool(flags & (os.O_WRONLY | os.O_RDWR)))
            file = self._file(path, None)
            if flags & os.O_TRUNC:
                file.resize(0)
                self._touch(file)
            return self._opened(file, flags)

    def release(self, path: str | None, handle: int) -> int:
        """Close, a folder too."""
        del path
        with self._lock:
            self._handles.pop(handle, None)
        return 0

    def read(self, path: str | None, size: int, offset: int, handle: int) -> bytes:
        """Up to `size` bytes."""
        with self._lock:
            self._ready(changes=False)
            if self._orders.failing_reads:
                self._refuse(errno.EIO)
            return bytes(self._file(path, handle).now[offset : offset + size])

    def write(self, path: str | None, data: bytes, offset: int, handle: int) -> int:
        """All of `data`, or an error."""
        with self._changed:
            self._wait(self._orders.write_ms / 1000)
            self._ready(changes=True)
            file = self._file(path, handle)
            if self._handles[handle].appends:
                offset = len(file.now)
            self._need_room(offset + len(data) - len(file.now))
            file.write(offset, data)
            self._touch(file)
            return len(data)

    def truncate(self, path: str | None, size: int, handle: int | None = None) -> int:
        """Cut off, or fill up with zeros."""
        with self._lock:
            self._ready(changes=True)
            file = self._file(path, handle)
            self._need_room(size - len(file.now))
            file.resize(size)
            self._touch(file)
        return 0

    def _need_room(self, growth: int) -> None:
        if growth > 0 and (self._orders.full or growth > self._capacity_bytes - self._image.used_bytes):
            self._refuse(errno.ENOSPC)

    def fsync(self, path: str | None, datasync: int, handle: int) -> int:
        """Make a file last. What is written meanwhile may last with it."""
        del datasync
        with self._changed:
            self._sync(self._node(path, handle))
        return 0

    def fsyncdir(self, path: str | None, datasync: int, handle: int) -> int:
        """Make the names in a folder last."""
        return self.fsync(path, datasync, handle)

    def _sync(self, node: Node) -> None:
        self._ready(changes=False)
        self._wait(self._sync_s + self._orders.sync_ms / 1000)
        self._ready(changes=not node.is_synced)
        if self._syncs_to_fail:
            if self._syncs_to_fail != ALL:
                self._syncs_to_fail -= 1
            node.fail_sync(evicted=self._rng.random() < 0.5)
            self._refuse(errno.EIO)
        node.sync()

    # Names.

    def mknod(self, path: str, mode: int, device: int) -> int:
        """A socket or a pipe, which is a name here and nothing else."""
        del device
        with self._lock:
            self._ready(changes=True)
            self._touch(self._image.make_file(path, mode))
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        """A new folder."""
        with self._lock:
            self._ready(changes=True)
            self._touch(self._image.make_folder(path, mode))
        return 0

    def unlink(self, path: str) -> int:
        """Remove a file's name; who has it open keeps it."""
        with self._lock:
            self._ready(changes=True)
            self._image.remove_file(path)
        return 0

    def rmdir(self, path: str) -> int:
        """Remove an empty folder."""
        with self._lock:
            self._ready(changes=True)
            self._image.remove_folder(path)
        return 0

    def rename(self, old: str, new: str) -> int:
        """Within one folder, at once."""
        with self._lock:
            self._ready(changes=True)
            self._image.rename(old, new)
        return 0

    def opendir(self, path: str) -> int:
        """Open a folder, to list or to sync it."""
        with self._lock:
            self._ready(changes=False)
            return self._opened(self._image.find(path), 0)

    def releasedir(self, path: str | None, handle: int) -> int:
        """Close it."""
        return self.release(path, handle)

    def readdir(self, path: str | None, handle: int) -> Sequence[str]:
        """The names in a folder."""
        with self._lock:
            self._ready(changes=False)
            node = self._node(path, handle)
            if not isinstance(node, Folder):
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            return [".", "..", *node.now]

    # What is known of them.

    def getattr(self, path: str | None, handle: int | None = None) -> Mapping[str, int]:
        """As stat(2)."""
        with self._lock:
            node = self._node(path, handle)
            kind = (stat.S_IFMT(node.mode) or stat.S_IFREG) if isinstance(node, File) else stat.S_IFDIR
            size = len(node.now) if isinstance(node, File) else 0
            return {
                "st_mode": kind | stat.S_IMODE(node.mode),
                "st_nlink": 1 if isinstance(node, File) else 2,
                "st_uid": os.getuid(),
                "st_gid": os.getgid(),
                "st_size": size,
                "st_blocks": -(-size // 512),
                "st_atime": node.changed_ns,
                "st_mtime": node.changed_ns,
                "st_ctime": node.changed_ns,
            }

    def statfs(self, path: str) -> Mapping[str, int]:
        """As statvfs(3)."""
        del path
        with self._lock:
            free = 0 if self._orders.full else max(0, self._capacity_bytes - self._image.used_bytes) // BLOCK_BYTES
            return {
                "f_bsize": BLOCK_BYTES,
                "f_frsize": BLOCK_BYTES,
                "f_blocks": self._capacity_bytes // BLOCK_BYTES,
                "f_bfree": free,
                "f_bavail": free,
                "f_namemax": _NAME_BYTES_MAX,
            }

    def chmod(self, path: str | None, mode: int, handle: int | None = None) -> int:
        """Modes last at once: no program here relies on when they do."""
        with self._lock:
            self._ready(changes=True)
            node = self._node(path, handle)
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        return 0

    def chown(self, path: str | None, uid: int, gid: int) -> int:
        """Everything belongs to whoever runs the disk."""
        del path, uid, gid
        return 0

    def utimens(self, path: str | None, times: tuple[int, int] | None = None) -> int:
        """Set when it was changed."""
        if path is None:
            return 0  # of an open file, whose number does not come along: nothing here relies on it
        with self._lock:
            self._ready(changes=True)
            self._node(path, None).changed_ns = times[1] if times else self._now_ns()
        return 0
