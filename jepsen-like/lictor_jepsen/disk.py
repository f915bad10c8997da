"""Where the servers keep their data: folders of the run, or disks so small that they can be filled.

A small disk is a tmpfs of its own, so it exists only in the harness's mount namespace; what is on it is gone after the
run. It takes a sync for done at once, so runs whose faults fill no disk use folders.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Final

from lictor_jepsen.net import Node

__all__ = ["SMALL_DISK_MIB", "Folders", "SmallDisks"]

SMALL_DISK_MIB: Final = 64
_BALLAST: Final = "ballast"
_PIECE: Final = bytes(64 * 1024)
_MOUNT_S_MAX: Final = 20.0


class Folders:
    """A folder a node, on whatever disk the run is kept on."""

    lacks_filling = "the disk of this machine is not filled: use --net netns, where each server gets a small one"

    def __init__(self, root: Path) -> None:
        self._root = root

    def directory(self, node: Node) -> Path:
        """The data directory of a node; made when asked for first."""
        path = self._root / node.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def fill(self, node: Node) -> None:
        """Never called: `lacks_filling` says why."""
        raise NotImplementedError(self.lacks_filling)

    def empty(self, node: Node) -> None:
        """Nothing was filled."""


class SmallDisks:
    """A tmpfs of `SMALL_DISK_MIB` a node."""

    lacks_filling = ""

    def __init__(self, root: Path) -> None:
        self._root = root

    def directory(self, node: Node) -> Path:
        """The data directory of a node, one level below the root of its disk; mounted when asked for first."""
        disk = self._root / node.name
        path = disk / "data"
        if not path.exists():
            disk.mkdir(parents=True, exist_ok=True)
            command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MIB}m", "none", str(disk)]
            subprocess.run(command, check=True, timeout=_MOUNT_S_MAX)
            path.mkdir()
        return path

    def fill(self, node: Node) -> None:
        """Leave no byte free."""
        with contextlib.suppress(OSError), (self._root / node.name / _BALLAST).open("ab", buffering=0) as ballast:
            while ballast.write(_PIECE):
                pass

    def empty(self, node: Node) -> None:
        """Give the room back."""
        (self._root / node.name / _BALLAST).unlink(missing_ok=True)
