"""A disk as a model: what is on it now, and what a power cut leaves of that. Pure; chance is passed in.

What POSIX promises, and no more: a file's bytes last once the file was synced, a name once its folder was (fsync(2)).
What was not synced may be gone, there in part, or there:

* the bytes of a file sector by sector, each as it was at any moment since the last sync; its size likewise;
* the names of a folder in the order of their changes, as journals keep them, up to any moment; a rename is one change.

A sync that fails is final, as in Linux: what it should have written is never written, although a later sync succeeds.
"""

from __future__ import annotations

import enum
import errno
import os
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple, NoReturn, TypeAlias

__all__ = ["SECTOR", "File", "Folder", "Image", "Loss", "Node"]

SECTOR: Final = 512
"""What a disk writes whole or not at all, in bytes."""


class Loss(enum.StrEnum):
    """What a power cut leaves of changes that were not synced."""

    FORGOTTEN = "forgotten"
    """Nothing."""
    TORN = "torn"
    """Those up to some moment; the one after it in part."""
    SCATTERED = "scattered"
    """Any sectors of them."""


class _Write(NamedTuple):
    offset: int
    data: bytes


class _Resize(NamedTuple):
    size: int


class _Bind(NamedTuple):
    """A name leads to a node; None: to nothing."""

    name: str
    node: Node | None


class _Move(NamedTuple):
    old: str
    new: str
    node: Node


class File:
    """A file: its bytes as programs see them, as the disk has them, and the changes between the two."""

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.changed_ns = 0
        """When it was changed last; told by the caller, and not lost."""
        self.now = bytearray()
        self.kept = bytearray()
        self._changes: list[_Write | _Resize] = []

    @property
    def is_synced(self) -> bool:
        """Whether a power cut changes nothing."""
        return not self._changes

    def write(self, offset: int, data: bytes) -> None:
        """Write; a gap behind the end is filled with zeros."""
        self._change(_Write(offset, data))

    def resize(self, size: int) -> None:
        """Cut off, or fill up with zeros."""
        self._change(_Resize(size))

    def _change(self, change: _Write | _Resize) -> None:
        _apply(self.now, change)
        self._changes.append(change)

    def sync(self) -> None:
        """All of it lasts now."""
        for change in self._changes:
            _apply(self.kept, change)
        self._changes.clear()

    def fail_sync(self, *, evicted: bool) -> None:
        """The changes since the last sync never reach the disk.

        Programs see them until the power goes, or, `evicted`, no more: what the disk has is read again, and the size
        stays.
        """
        self._changes.clear()
        if evicted:
            size = len(self.now)
            self.now = bytearray(self.kept[:size])
            _apply(self.now, _Resize(size))

    def lose(self, rng: Random, loss: Loss) -> None:
        """The power goes."""
        if loss is Loss.TORN:
            self._tear(rng.randint(0, len(self._changes)), rng)
        elif loss is Loss.SCATTERED:
            self._scatter(rng)
        self._changes.clear()
        self.now = bytearray(self.kept)

    def _tear(self, whole: int, rng: Random) -> None:
        for change in self._changes[:whole]:
            _apply(self.kept, change)
        torn = self._changes[whole] if whole < len(self._changes) else None
        if isinstance(torn, _Write):
            # Sectors lie where the file says, not where the write began.
            first, last = torn.offset // SECTOR, (torn.offset + len(torn.data)) // SECTOR
            end = rng.randint(first, last) * SECTOR - torn.offset
            if end > 0:
                _apply(self.kept, _Write(torn.offset, torn.data[:end]))

    def _scatter(self, rng: Random) -> None:
        """Each sector, and the size, as after some number of the changes, each its own."""
        until: dict[int, int] = {}
        size, size_until = len(self.kept), rng.randint(0, len(self._changes))
        for number, change in enumerate(self._changes):
            if number < size_until:
                size = _size_after(size, change)
            for place, data in _sectors(change, len(self.kept)):
                sector = place // SECTOR
                if sector not in until:
                    until[sector] = rng.randint(0, len(self._changes))
                if number < until[sector]:
                    _apply(self.kept, _Write(place, data))
        _apply(self.kept, _Resize(size))


class Folder:
    """A folder: its names as programs see them, as the disk has them, and the changes between the two."""

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.changed_ns = 0
        self.now: dict[str, Node] = {}
        self.kept: dict[str, Node] = {}
        self._changes: list[_Bind | _Move] = []

    @property
    def is_synced(self) -> bool:
        """Whether a power cut changes nothing in it; what its names lead to is another matter."""
        return not self._changes

    def bind(self, name: str, node: Node | None) -> None:
        """Let a name lead to a node, or to nothing."""
        self._change(_Bind(name, node))

    def move(self, old: str, new: str) -> None:
        """Rename, in place of what had the new name."""
        self._change(_Move(old, new, self.now[old]))

    def _change(self, change: _Bind | _Move) -> None:
        _rename(self.now, change)
        self._changes.append(change)

    def sync(self) -> None:
        """All names last now."""
        self.kept = dict(self.now)
        self._changes.clear()

    def fail_sync(self, *, evicted: bool) -> None:
        """A journal that cannot be written keeps what it has: the changes may still last, by a later sync."""

    def lose(self, rng: Random, loss: Loss) -> None:
        """The power goes, here and in all that its names still lead to."""
        count = 0 if loss is Loss.FORGOTTEN else rng.randint(0, len(self._changes))
        for change in self._changes[:count]:
            _rename(self.kept, change)
        self._changes.clear()
        self.now = dict(self.kept)
        for name in sorted(self.now):
            self.now[name].lose(rng, loss)


Node: TypeAlias = File | Folder


class Image:
    """A whole disk, by absolute paths. Errors are `OSError`, with the numbers that system calls give.

    No links, and no renames from one folder to another (EXDEV, as between disks): which of the two folders is synced
    first would say what lasts, and nothing says which should be.
    """

    def __init__(self) -> None:
        self.root = Folder(0o755)

    def find(self, path: str) -> Node:
        """What is at a path."""
        node: Node = self.root
        for name in _parts(path):
            if not isinstance(node, Folder):
                _refuse(errno.ENOTDIR, path)
            if name not in node.now:
                _refuse(errno.ENOENT, path)
            node = node.now[name]
        return node

    def make_file(self, path: str, mode: int) -> File:
        """A new empty file."""
        made = File(mode)
        self._bind_new(path, made)
        return made

    def make_folder(self, path: str, mode: int) -> Folder:
        """A new empty folder."""
        made = Folder(mode)
        self._bind_new(path, made)
        return made

    def remove_file(self, path: str) -> None:
        """Unlink."""
        folder, name = self._place(path)
        if isinstance(self.find(path), Folder):
            _refuse(errno.EISDIR, path)
        folder.bind(name, None)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        folder, name = self._place(path)
        node = self.find(path)
        if not isinstance(node, Folder):
            _refuse(errno.ENOTDIR, path)
        if node.now:
            _refuse(errno.ENOTEMPTY, path)
        folder.bind(name, None)

    def rename(self, old: str, new: str) -> None:
        """Within one folder."""
        node = self.find(old)
        folder, old_name = self._place(old)
        other, new_name = self._place(new)
        if folder is not other:
            _refuse(errno.EXDEV, new)
        replaced = folder.now.get(new_name)
        if replaced is node:
            return
        if isinstance(replaced, Folder) and (replaced.now or not isinstance(node, Folder)):
            _refuse(errno.ENOTEMPTY if replaced.now else errno.EISDIR, new)
        if isinstance(replaced, File) and isinstance(node, Folder):
            _refuse(errno.ENOTDIR, new)
        folder.move(old_name, new_name)

    def files(self) -> Iterator[tuple[str, File]]:
        """All files with their paths, in the order of names."""
        return _files("", self.root)

    def sync_all(self) -> None:
        """As sync(2)."""
        _sync_all(self.root)

    @property
    def used_bytes(self) -> int:
        """What the files take."""
        return sum(len(file.now) for _, file in self.files())

    def lose(self, rng: Random, loss: Loss) -> None:
        """The power goes and comes back."""
        self.root.lose(rng, loss)

    def _place(self, path: str) -> tuple[Folder, str]:
        parts = _parts(path)
        if not parts:
            _refuse(errno.EBUSY, path)
        folder = self.find("/".join(parts[:-1]))
        if not isinstance(folder, Folder):
            _refuse(errno.ENOTDIR, path)
        return folder, parts[-1]

    def _bind_new(self, path: str, node: Node) -> None:
        folder, name = self._place(path)
        if name in folder.now:
            _refuse(errno.EEXIST, path)
        folder.bind(name, node)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _refuse(number: int, path: str) -> NoReturn:
    raise OSError(number, os.strerror(number), path)


def _files(path: str, folder: Folder) -> Iterator[tuple[str, File]]:
    for name, node in sorted(folder.now.items()):
        if isinstance(node, Folder):
            yield from _files(f"{path}/{name}", node)
        else:
            yield f"{path}/{name}", node


def _sync_all(folder: Folder) -> None:
    folder.sync()
    for node in folder.now.values():
        if isinstance(node, Folder):
            _sync_all(node)
        else:
            node.sync()


def _apply(data: bytearray, change: _Write | _Resize) -> None:
    size = _size_after(len(data), change)
    if size > len(data):
        data.extend(bytes(size - len(data)))
    if isinstance(change, _Write):
        data[change.offset : change.offset + len(change.data)] = change.data
    else:
        del data[size:]


def _size_after(size: int, change: _Write | _Resize) -> int:
    if isinstance(change, _Write):
        return max(size, change.offset + len(change.data)) if change.data else size
    return change.size


def _sectors(change: _Write | _Resize, kept_size: int) -> Iterator[tuple[int, bytes]]:
    """What a change does, sector by sector. What is cut off is zeros if the file grows again."""
    if isinstance(change, _Write):
        offset, data = change
    else:
        offset, data = change.size, bytes(max(0, kept_size - change.size))
    place = 0
    while place < len(data):
        end = min(len(data), (offset + place) // SECTOR * SECTOR + SECTOR - offset)
        yield offset + place, data[place:end]
        place = end


def _rename(names: dict[str, Node], change: _Bind | _Move) -> None:
    if isinstance(change, _Move):
        names.pop(change.old, None)
        names[change.new] = change.node
    elif change.node is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.node
