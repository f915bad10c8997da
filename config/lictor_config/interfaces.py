"""The addresses of this machine's network interfaces. Beside `load` the only module that asks the machine.

Source: rtnetlink(7), as Linux has it.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Interface", "IpInterface", "machine_interfaces"]

IpInterface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_NETLINK_ROUTE: Final = 0
_GET_LINK, _GET_ADDRESS = 18, 22
_REQUEST_DUMP: Final = 0x301
_DONE, _ERROR = 3, 2
_LINK_NAME: Final = 3
_ADDRESS, _LOCAL = 1, 2
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS_HEAD: Final = struct.Struct("=BBBBi")
_ATTRIBUTE: Final = struct.Struct("=HH")
_REPLY_BYTES: Final = 65_536
_REPLIES_MAX: Final = 4096
_TIMEOUT_S: Final = 5.0
_FLAGS: Final = {"up": 0x1, "broadcast": 0x2, "loopback": 0x8, "point-to-point": 0x10, "multicast": 0x1000}
"""The bits of netdevice(7) under the names of go-sockaddr, in the order in which it shows them."""


@dataclass(frozen=True)
class Interface:
    """One address of an interface. `flags` are names such as up and loopback, in the order in which they are shown."""

    name: str
    address: IpInterface
    flags: tuple[str, ...] = ()
    is_default: bool = False
    """Whether the way to everywhere else leads through this interface."""

    def __str__(self) -> str:
        return f"{self.name} {self.address}"


def machine_interfaces() -> list[Interface]:
    """All addresses of this machine, in the order of its interfaces. Raises `OSError` when it does not tell."""
    links = {index: (name, flags) for index, name, flags in _links()}
    default = _default_name()
    found: list[tuple[int, Interface]] = []
    for index, address in _addresses():
        name, flags = links.get(index, ("", 0))
        shown = tuple(flag for flag, bit in _FLAGS.items() if flags & bit)
        found.append((index, Interface(name, address, shown, is_default=name == default)))
    return [interface for _, interface in sorted(found, key=lambda pair: (pair[0], pair[1].address.version))]


def _links() -> Iterator[tuple[int, str, int]]:
    for body in _dump(_GET_LINK, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        _, _, index, flags, _ = _LINK.unpack_from(body)
        name = dict(_attributes(body[_LINK.size :])).get(_LINK_NAME, b"")
        yield index, name.rstrip(b"\0").decode(errors="replace"), flags


def _addresses() -> Iterator[tuple[int, IpInterface]]:
    for body in _dump(_GET_ADDRESS, _ADDRESS_HEAD.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        _, prefix, _, _, index = _ADDRESS_HEAD.unpack_from(body)
        given = dict(_attributes(body[_ADDRESS_HEAD.size :]))
        raw = given.get(_LOCAL) or given.get(_ADDRESS)  # on point-to-point links the other end's is beside ours
        if raw is not None and len(raw) in (4, 16):
            yield index, ipaddress.ip_interface((raw, prefix))


def _dump(kind: int, body: bytes) -> Iterator[bytes]:
    """The bodies of the messages that answer a request for all of a kind."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE) as asked:
        asked.settimeout(_TIMEOUT_S)
        asked.bind((0, 0))
        asked.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, 1, 0) + body)
        for _ in range(_REPLIES_MAX):
            reply = asked.recv(_REPLY_BYTES)
            while len(reply) >= _HEADER.size:
                length, answer, _, _, _ = _HEADER.unpack_from(reply)
                if answer == _DONE:
                    return
                if answer == _ERROR or length < _HEADER.size:
                    raise OSError("the kernel does not tell the addresses of this machine")
                yield reply[_HEADER.size : length]
                reply = reply[_aligned(length) :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _default_name(table: Path = Path("/proc/net/route")) -> str:
    """The interface of the IPv4 default route; empty when there is none. Source: proc(5)."""
    if not os.path.exists(table):
        return ""
    for row in table.read_text(encoding="ascii", errors="replace").splitlines()[1:]:
        fields = row.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000":
            return fields[0]
    return ""
