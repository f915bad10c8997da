"""Lictor on a disk that keeps nothing but what was synced; with `--planted`, it also lies about syncing.

SIGKILL leaves the kernel's page cache as it is, so a log that is never synced survives it. Here what is written to the
log stays in the process until it is synced, and a kill takes it along, as a power cut would. An honest run must lose
nothing on such a disk. With `--planted`, a sync writes out at most every half a second: the bug "fsync off".

`python tests/jepsen_like/planted/lossy_disk.py [--planted] agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import os
import sys
import time
from types import SimpleNamespace
from typing import Final

from lictor.cli import main
from lictor_server.raft import segments
from lictor_server.raft.files import write_all

LAG_S: Final = 0.5
"""How late the lying disk writes out."""


class LossyDisk:
    """What stands between the log and the kernel: `write_all` and the syncs of its module."""

    def __init__(self, *, lies: bool) -> None:
        self._lies = lies
        self._unsynced: dict[int, bytearray] = {}
        self._flushed_at = 0.0

    def write_all(self, descriptor: int, data: bytes) -> None:
        """Keep it until it is synced."""
        self._unsynced.setdefault(descriptor, bytearray()).extend(data)

    def fdatasync(self, descriptor: int) -> None:
        """Write out and sync; or, lying, only every now and then."""
        now = time.monotonic()
        if self._lies and now - self._flushed_at < LAG_S:
            return
        self._flushed_at = now
        self._flush(descriptor)
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """An orderly end loses nothing."""
        self._flush(descriptor)
        os.close(descriptor)

    def _flush(self, descriptor: int) -> None:
        write_all(descriptor, bytes(self._unsynced.pop(descriptor, b"")))


def plant(*, lies: bool) -> None:
    """Put a lossy disk under the log of this process."""
    disk = LossyDisk(lies=lies)
    syncs = {"fdatasync": disk.fdatasync, "fsync": disk.fdatasync, "close": disk.close}
    parts = segments.__dict__
    assert {"os", "write_all"} <= parts.keys(), "the log writes and syncs by names that are replaced here"
    parts["os"] = SimpleNamespace(**{**vars(os), **syncs})
    parts["write_all"] = disk.write_all


if __name__ == "__main__":
    lying = sys.argv[1:2] == ["--planted"]
    if lying:
        del sys.argv[1]
    plant(lies=lying)
    main()
