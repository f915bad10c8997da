"""The process behind one disk: `python -m lictor_jepsen.disk.serve MOUNTPOINT BYTES SYNC_SECONDS`.

It mounts the disk, takes a line of standard input for an order, and answers each by a line. When its input ends it
ends, and the disk with it: what is on it is in its memory alone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import BinaryIO, Final

import mfusepy
import msgspec

from lictor_jepsen.disk.filesystem import Filesystem
from lictor_jepsen.disk.orders import Answer, from_line, to_line

__all__ = ["main"]

_THREADS_MAX: Final = 10
"""Calls that are answered at once: each slow sync takes one."""
_THREADS_KNOWN_FROM: Final = (3, 12)
"""From this version on libfuse takes these numbers, and complains without them."""


class _Mount(mfusepy.FUSE):
    """An open file has no path here, so that it may be unlinked; its number must come along wherever there is one."""

    operations: Filesystem

    def truncate_fuse_3(self, path: bytes | None, length: int, fip: mfusepy.FilePointer) -> int:
        """`ftruncate` too."""
        return self.operations.truncate(_text(path), length, _number(fip))

    def chmod_fuse_3(self, path: bytes | None, mode: int, fip: mfusepy.FilePointer) -> int:
        """`fchmod` too."""
        return self.operations.chmod(_text(path), mode, _number(fip))


def _text(path: bytes | None) -> str | None:
    return None if path is None else os.fsdecode(path)


def _number(fip: mfusepy.FilePointer) -> int | None:
    return fip.contents.fh if fip else None


def main() -> None:
    """Serve until standard input ends."""
    mountpoint, capacity, sync_s = sys.argv[1:]
    filesystem = Filesystem(int(capacity), float(sync_s), time.time_ns)
    threading.Thread(target=_listen, args=(filesystem, sys.stdin.buffer, sys.stdout.buffer), daemon=True).start()
    # Nothing may be kept from before a power cut: names and sizes are asked for each time, contents at each open.
    timeouts = {"entry_timeout": 0, "attr_timeout": 0, "negative_timeout": 0}
    threads: dict[str, int] = {}
    if (mfusepy.fuse_version_major, mfusepy.fuse_version_minor) >= _THREADS_KNOWN_FROM:
        threads = {"max_threads": _THREADS_MAX, "max_idle_threads": _THREADS_MAX}
    fixed = {"foreground": True, "hard_remove": True, "fsname": "lictor-jepsen"}
    _Mount(filesystem, mountpoint, **fixed, **timeouts, **threads)


def _listen(filesystem: Filesystem, orders: BinaryIO, answers: BinaryIO) -> None:
    for line in orders:
        try:
            answer = filesystem.carry_out(from_line(line))
        except msgspec.ValidationError as error:
            answer = Answer(said="", error=f"no order: {error}")
        answers.write(to_line(answer))
        answers.flush()
    # Not by leaving the loop of libfuse: whoever waits for an answer of this disk would keep it from ending.
    os._exit(0)


if __name__ == "__main__":
    main()
