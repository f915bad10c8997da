"""Disks that obey orders: one process a server, mounted in the harness's own mount namespace."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes.util
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from lictor_jepsen.disk.orders import Answer, Behave, Flip, KeepCopy, Order, Wipe, merged, to_line
from lictor_jepsen.net import Node

__all__ = ["CAPACITY_MIB", "DATA", "SYNC_S", "DiskError", "ObedientDisks", "lacks_fuse"]

CAPACITY_MIB: Final = 512
"""How much a disk holds: far more than a run writes, since it is memory that it takes."""
SYNC_S: Final = 0.001
"""How long a sync takes when nothing else is ordered: as a fast disk's, so that work can pile up unsynced."""
DATA: Final = "/data"
"""The data directory, as a path on the disk."""
_MOUNT_S_MAX: Final = 20.0
_LOOK_S: Final = 0.02
_ORDER_S_MAX: Final = 20.0
_DEVICE: Final = Path("/dev/fuse")
_SERVE: Final = "lictor_jepsen.disk.serve"


class DiskError(Exception):
    """A disk cannot be made or does not answer; the message names it."""


def lacks_fuse() -> str:
    """Why disks that obey cannot be made here; empty when they can, but for what only the mount can tell."""
    if importlib.util.find_spec("mfusepy") is None:
        return "there is no Python package mfusepy: install lictor[torture]"
    if ctypes.util.find_library("fuse3") is None and ctypes.util.find_library("fuse") is None:
        return "there is no library libfuse: install fuse3"
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return f"{_DEVICE} cannot be opened: the kernel has no FUSE, or this user may not use it"
    return ""


class ObedientDisks:
    """A disk a node, mounted when its directory is asked for first."""

    lacks_filling = ""
    lacks_orders = ""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._served: dict[str, subprocess.Popen[bytes]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._wanted: dict[str, dict[str, Behave]] = {}
        self._damaged: set[str] = set()

    def directory(self, node: Node) -> Path:
        """One level below the root of its disk, whose names last. Raises `DiskError`."""
        disk = self._root / node.name
        if node.name not in self._served:
            disk.mkdir(parents=True, exist_ok=True)
            self._served[node.name] = _mounted(disk)
            made = disk / DATA.lstrip("/")
            made.mkdir(mode=0o700)
            descriptor = os.open(disk, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return disk / DATA.lstrip("/")

    async def fill(self, node: Node) -> None:
        await self.behave(node, "full", Behave(full=True))

    async def empty(self, node: Node) -> None:
        await self.behave(node, "full", Behave())

    async def behave(self, node: Node, fault: str, how: Behave) -> int:
        wanted = self._wanted.setdefault(node.name, {})
        if wanted.get(fault, Behave()) == how:
            return 0
        wanted[fault] = how
        return (await self._obeyed(node.name, merged(wanted.values()))).refused

    async def order(self, node: Node, order: Order) -> str:
        """Raises `DiskError` when it was not carried out."""
        said = (await self._obeyed(node.name, order)).said
        if isinstance(order, Flip):
            self._damaged.add(node.name)
        elif isinstance(order, Wipe):
            self._damaged.discard(node.name)
        return said

    def damaged(self, node: Node) -> bool:
        return node.name in self._damaged

    async def close(self, keep: Path | None) -> None:
        for name, served in self._served.items():
            if keep is not None and served.poll() is None:
                with contextlib.suppress(DiskError):
                    await self._obeyed(name, KeepCopy(into=str(keep / name)))
            assert served.stdin is not None, "it was made with a pipe"
            served.stdin.close()
        for served in self._served.values():
            await asyncio.to_thread(served.wait, _ORDER_S_MAX)
            assert served.stdout is not None, "it was made with a pipe"
            served.stdout.close()

    async def _obeyed(self, name: str, order: Order) -> Answer:
        async with self._asking.setdefault(name, asyncio.Lock()):
            return await asyncio.to_thread(self._ask, name, order)

    def _ask(self, name: str, order: Order) -> Answer:
        served = self._served[name]
        assert served.stdin is not None, "it was made with a pipe"
        assert served.stdout is not None, "it was made with a pipe"
        try:
            served.stdin.write(to_line(order))
            served.stdin.flush()
            line = served.stdout.readline()
            answer = msgspec.json.decode(line, type=Answer)
        except (OSError, msgspec.DecodeError) as error:
            raise DiskError(f"the disk of {name} does not answer: {error}") from error
        if answer.error:
            raise DiskError(f"the disk of {name} did not obey: {answer.error}")
        return answer


def _mounted(disk: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", _SERVE, str(disk), str(CAPACITY_MIB * 1024 * 1024), str(SYNC_S)]
    served = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    until = time.monotonic() + _MOUNT_S_MAX
    while not os.path.ismount(disk):
        if served.poll() is not None or time.monotonic() > until:
            served.kill()
            served.wait()
            raise DiskError(f"no disk could be mounted at {disk}: `{' '.join(command)}` said why")
        time.sleep(_LOOK_S)
    return served
