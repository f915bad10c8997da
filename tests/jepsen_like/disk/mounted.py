"""What a program sees of an obedient disk: `python -m tests.jepsen_like.disk.mounted FOLDER`, in a mount namespace.

It prints a line of JSON: what it saw. Without a mount namespace of its own it would leave a mount behind.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from lictor_jepsen.disk import ALL, Behave, DiskError, Flip, Lose, Loss, ObedientDisks, Wipe
from lictor_jepsen.net import Node

NODE: Final = Node(1, "n1", "127.0.0.1")
SYNCS: Final = 400


class Seen(msgspec.Struct):
    """All that is looked at."""

    survived: dict[str, str]
    """What a power cut left, by the name of the file."""
    unlinked: bool
    """Whether a name was gone after a power cut, though its removal was not synced."""
    failed_sync: int | None
    full: int | None
    read_only: int | None
    failed_read: int | None
    refused: int
    mapped: str
    flipped: bool
    refusal: str
    emptied: list[str]
    syncs_a_second: float
    kept: list[str]
    """What was copied at the end."""
    mount_left: bool
    held: str
    """What a file held that was cut off, and unlinked, while it was open."""
    talked: bool
    """Whether a socket on the disk could be connected to."""


def _write(path: Path, data: bytes, *, sync: bool) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(data)
        if sync:
            os.fsync(file.fileno())


def _sync_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _error(path: Path, data: bytes) -> int | None:
    try:
        _write(path, data, sync=True)
    except OSError as error:
        return error.errno
    return None


def _read_error(path: Path) -> int | None:
    try:
        path.read_bytes()
    except OSError as error:
        return error.errno
    return None


def _syncs_a_second(path: Path) -> float:
    with path.open("ab", buffering=0) as file:
        began = time.monotonic()
        for _ in range(SYNCS):
            file.write(bytes(300))
            os.fdatasync(file.fileno())
        return SYNCS / (time.monotonic() - began)


def _held(path: Path) -> str:
    with path.open("w+b", buffering=0) as file:
        file.write(b"abcdef")
        os.ftruncate(file.fileno(), 3)
        os.fchmod(file.fileno(), 0o640)
        os.utime(file.fileno())
        mode = os.fstat(file.fileno()).st_mode & 0o777
        path.unlink()
        os.ftruncate(file.fileno(), 2)
        file.seek(0)
        return f"{file.read().decode()} {mode:o}"


def _talked(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(path))
        server.listen()
        client.connect(str(path))
        return True


async def _look(root: Path) -> Seen:
    disks = ObedientDisks(root / "data")
    data = disks.directory(NODE)
    assert disks.directory(NODE) == data, "it is mounted once"
    _write(data / "synced", b"whole", sync=True)
    _sync_names(data)
    _write(data / "synced", b"-lost", sync=False)
    _write(data / "nameless", b"x", sync=True)
    await disks.behave(NODE, "power-loss", Behave(off=True))
    said = await disks.order(NODE, Lose(seed=1, loss=Loss.FORGOTTEN))
    await disks.behave(NODE, "power-loss", Behave())
    assert said.startswith("1 files"), said
    survived = {path.name: path.read_text() for path in data.iterdir()}
    (data / "synced").unlink()
    await disks.order(NODE, Lose(seed=1, loss=Loss.FORGOTTEN))
    unlinked = not (data / "synced").exists()

    await disks.behave(NODE, "fsync-error", Behave(failing_syncs=ALL))
    failed_sync = _error(data / "f", b"x")
    refused = await disks.behave(NODE, "fsync-error", Behave())
    await disks.fill(NODE)
    full = _error(data / "f", b"x")
    await disks.behave(NODE, "disk-read-only", Behave(read_only=True))
    read_only = _error(data / "f", b"x")
    await disks.empty(NODE)
    await disks.behave(NODE, "disk-read-only", Behave())
    _write(data / "f", b"y", sync=True)
    await disks.behave(NODE, "read-error", Behave(failing_reads=True))
    failed_read = _read_error(data / "f")
    await disks.behave(NODE, "read-error", Behave())

    with (data / "synced").open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
        mapped = view[:].decode()
    held, talked = _held(data / "held"), _talked(data / "socket")
    (data / "raft").mkdir()
    _write(data / "raft" / "vote", b"abc", sync=True)
    await disks.order(NODE, Flip(seed=1, under="/data/raft"))
    flipped = (data / "raft" / "vote").read_bytes() != b"abc" and disks.damaged(NODE)
    await disks.order(NODE, Wipe(under="/data"))
    emptied = [path.name for path in data.iterdir()]
    assert not disks.damaged(NODE)
    try:
        await disks.order(NODE, Flip(seed=1, under="/data/raft"))
        refusal = ""
    except DiskError as error:
        refusal = str(error)
    syncs = _syncs_a_second(data / "log")
    await disks.close(root / "kept")
    left = await asyncio.to_thread(os.path.ismount, root / "data" / "n1")
    kept = sorted(str(path.relative_to(root / "kept")) for path in (root / "kept").rglob("*") if path.is_file())
    return Seen(
        survived,
        unlinked,
        failed_sync,
        full,
        read_only,
        failed_read,
        refused,
        mapped,
        flipped,
        refusal,
        emptied,
        syncs,
        kept,
        left,
        held,
        talked,
    )


if __name__ == "__main__":
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, timeout=20)
    print(msgspec.json.encode(asyncio.run(_look(Path(sys.argv[1])))).decode())
