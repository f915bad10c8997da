"""The bad links of the network: what is sent over them passes through this process, which is late, loses and doubles.

The router sends packets of shaped links into a TUN device, from which they are read here; what `Wire` says arrives is
written back when it is time, and the router carries it on. Nothing is asked of the kernel but TUN: `netem` is missing
in many kernels, and has no seed.
"""

from __future__ import annotations

import asyncio
import fcntl
import heapq
import os
import struct
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from lictor_jepsen.wire import Wire

__all__ = ["DEVICE", "WAITING_MAX", "Relay", "lacks_relay"]

DEVICE: Final = "relay"
"""The name of the network device."""
WAITING_MAX: Final = 20_000
"""Packets under way at once; one more is lost, as in a router that is full."""
_TUN: Final = Path("/dev/net/tun")
_SET_INTERFACE: Final = 0x400454CA
_IS_TUN, _WITHOUT_HEADER = 0x0001, 0x1000
_PACKET_BYTES_MAX: Final = 65_536
_AT_ONCE_MAX: Final = 128
"""Packets read before others of this process have their turn."""
_ADDRESSES: Final = slice(12, 20)
"""Where an IPv4 packet says from whom and to whom."""


def lacks_relay() -> str:
    """Why there can be no relay here; empty when there can."""
    return "" if os.access(_TUN, os.R_OK | os.W_OK) else f"links cannot be made bad: {_TUN} cannot be opened here"


class Relay:
    """Its device exists from `open` to `close`. Not more than `WAITING_MAX` packets wait in it."""

    def __init__(self) -> None:
        self._file = -1
        self._wires: dict[bytes, Wire] = {}
        self._waiting: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._alarm: asyncio.TimerHandle | None = None
        self.passed = 0
        """Packets that were carried on."""
        self.lost = 0
        """Packets that were not, by chance or since too many waited."""

    @property
    def is_open(self) -> bool:
        """Whether its device exists."""
        return self._file >= 0

    def open(self) -> None:
        """Make the device, which takes a root in its network. Raises `OSError`."""
        file = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(file, _SET_INTERFACE, struct.pack("16sH22x", DEVICE.encode(), _IS_TUN | _WITHOUT_HEADER))
        except OSError:
            os.close(file)
            raise
        self._file = file
        asyncio.get_running_loop().add_reader(file, self._read)

    def close(self) -> None:
        """Take the device away, with what is under way; harmless when it is not open."""
        if not self.is_open:
            return
        asyncio.get_running_loop().remove_reader(self._file)
        os.close(self._file)
        self._file = -1
        self._waiting.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def put(self, source: str, target: str, wire: Wire | None) -> None:
        """Make the link from one address to another this bad; with no wire, packets under way pass as they come."""
        ends = IPv4Address(source).packed + IPv4Address(target).packed
        if wire is None:
            self._wires.pop(ends, None)
        else:
            self._wires[ends] = wire

    def _read(self) -> None:
        now = asyncio.get_running_loop().time()
        for _ in range(_AT_ONCE_MAX):
            try:
                packet = os.read(self._file, _PACKET_BYTES_MAX)
            except BlockingIOError:
                break
            wire = self._wires.get(packet[_ADDRESSES])
            times = (now,) if wire is None else wire.offer(now, len(packet))
            self.lost += not times
            for time in times:
                if len(self._waiting) >= WAITING_MAX:
                    self.lost += 1
                else:
                    self._number += 1
                    heapq.heappush(self._waiting, (time, self._number, packet))
        self._write()

    def _write(self) -> None:
        """Carry on whatever is due, and come back for the next one."""
        loop = asyncio.get_running_loop()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._waiting and self._waiting[0][0] <= loop.time():
            try:
                os.write(self._file, heapq.heappop(self._waiting)[2])
                self.passed += 1
            except OSError:  # a node that is just made or taken away has no way to it
                self.lost += 1
        if self._waiting:
            self._alarm = loop.call_at(self._waiting[0][0], self._write)
