"""Where the servers keep their data: folders of the run, disks so small that they can be filled, or disks that obey.

A small disk is a tmpfs of its own. It and an obeying disk exist only in the harness's mount namespace, and what is on
them is gone after the run. A tmpfs takes a sync for done at once, so runs whose faults need no other disk use folders.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Final, Protocol

from lictor_jepsen.disk.orders import Behave, Order
from lictor_jepsen.net import Node

__all__ = ["SMALL_DISK_MIB", "Disks", "Folders", "SmallDisks"]

SMALL_DISK_MIB: Final = 64
_BALLAST: Final = "ballast"
_PIECE: Final = bytes(64 * 1024)
_MOUNT_S_MAX: Final = 20.0
_NO_FUSE_HERE: Final = "a disk of this machine takes no orders: use --net netns, where each server gets one that does"


class Disks(Protocol):
    """The disks of the servers."""

    lacks_filling: str
    """Why they cannot be filled; empty when they can be."""
    lacks_orders: str
    """Why they take no orders; empty when they do."""

    def directory(self, node: Node) -> Path:
        """The data directory of a node; made when asked for first."""
        ...

    async def fill(self, node: Node) -> None:
        """Leave no byte free."""
        ...

    async def empty(self, node: Node) -> None:
        """Give the room back."""
        ...

    async def behave(self, node: Node, fault: str, how: Behave) -> int:
        """Let the disk of a node behave as one fault wants, beside what others want; how many calls failed before."""
        ...

    async def order(self, node: Node, order: Order) -> str:
        """Give another order to the disk of a node; what was done."""
        ...

    def damaged(self, node: Node) -> bool:
        """Whether a bit of it was turned over since it was emptied last."""
        ...

    async def close(self, keep: Path | None) -> None:
        """The run is over; copy what would be gone into `keep`, if given."""
        ...


class Folders:
    """A folder a node, on whatever disk the run is kept on."""

    lacks_filling = "the disk of this machine is not filled: use --net netns, where each server gets a small one"

    def __init__(self, root: Path, lacks_orders: str = _NO_FUSE_HERE) -> None:
        self._root = root
        self.lacks_orders = lacks_orders

    def directory(self, node: Node) -> Path:
        path = self._root / node.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    async def fill(self, node: Node) -> None:
        """Never called: `lacks_filling` says why."""
        raise NotImplementedError(self.lacks_filling)

    async def empty(self, node: Node) -> None:
        """Nothing was filled."""

    async def behave(self, node: Node, fault: str, how: Behave) -> int:
        """Called to end what never began."""
        assert how == Behave(), self.lacks_orders
        return 0

    async def order(self, node: Node, order: Order) -> str:
        """Never called: `lacks_orders` says why."""
        raise NotImplementedError(self.lacks_orders)

    def damaged(self, node: Node) -> bool:
        """No bit is turned over."""
        del node
        return False

    async def close(self, keep: Path | None) -> None:
        """Folders stay."""


class SmallDisks(Folders):
    """A tmpfs of `SMALL_DISK_MIB` a node."""

    lacks_filling = ""

    def directory(self, node: Node) -> Path:
        """One level below the root of its disk; mounted when asked for first."""
        disk = self._root / node.name
        path = disk / "data"
        if not path.exists():
            disk.mkdir(parents=True, exist_ok=True)
            command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MIB}m", "none", str(disk)]
            subprocess.run(command, check=True, timeout=_MOUNT_S_MAX)
            path.mkdir()
        return path

    async def fill(self, node: Node) -> None:
        with contextlib.suppress(OSError), (self._root / node.name / _BALLAST).open("ab", buffering=0) as ballast:
            while ballast.write(_PIECE):
                pass

    async def empty(self, node: Node) -> None:
        (self._root / node.name / _BALLAST).unlink(missing_ok=True)
