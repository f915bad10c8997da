"""Many datagrams in one system call: Linux's recvmmsg(2) and sendmmsg(2), which Python's socket module lacks.

A call for each datagram, with an address object made and taken apart each time, costs more than the answer itself;
so the messages and addresses of a batch stay where the kernel put them, in fixed slots. An answer goes to the address
in its question's slot, its first bytes (the id) are sent from where they came, and on a wildcard address it leaves
from the address that was asked (ip(7), IP_PKTINFO; RFC 3542, section 6.1).
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import mmap
import os
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from lictor_core.addresses import join_host_port

__all__ = ["BATCH_MAX", "Client", "Datagrams"]

BATCH_MAX: Final = 64
"""Datagrams received in one call."""
MESSAGE_BYTES_MAX: Final = 4096
"""Longest message received; what is longer loses its end, which makes it malformed."""
ANSWER_BYTES_MAX: Final = 65536
"""Room for one answer; pages that are never written take no memory."""

_IP_PKTINFO: Final = 8  # linux/in.h; Python 3.11 has no name for it
_CONTROL_BYTES: Final = {
    socket.AF_INET: socket.CMSG_SPACE(12),  # struct in_pktinfo: interface, local address, destination
    socket.AF_INET6: socket.CMSG_SPACE(20),  # struct in6_pktinfo: address, interface
}
_INTERFACE_AT: Final = socket.CMSG_LEN(0)
"""Where in a control message of IPv4 the interface stands."""
_ADDRESS_BYTES: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}  # struct sockaddr_in, sockaddr_in6
_WILDCARDS: Final = ("0.0.0.0", "::")


class _Piece(ctypes.Structure):
    """struct iovec"""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct msghdr"""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Header(ctypes.Structure):
    """struct mmsghdr: a message and the length received or sent"""

    _fields_ = (("message", _Message), ("length", ctypes.c_uint32))


_libc: Final = ctypes.CDLL(None, use_errno=True)


class Client:
    """Who sent the message in a slot; as text only where it is asked for, in a log event."""

    def __init__(self, addresses: mmap.mmap, start: int, family: socket.AddressFamily) -> None:
        self._addresses = addresses
        self._start = start
        self._is_ipv4 = family == socket.AF_INET

    def __str__(self) -> str:
        host, port = self.address()[:2]
        return join_host_port(host, port)

    def address(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """The address as Python's sockets take it."""
        raw = self._addresses[self._start : self._start + 28]
        (port,) = struct.unpack_from("!H", raw, 2)
        if self._is_ipv4:
            return str(ipaddress.IPv4Address(raw[4:8])), port
        (flow,) = struct.unpack_from("!I", raw, 4)
        (scope,) = struct.unpack_from("=I", raw, 24)
        return str(ipaddress.IPv6Address(raw[8:24])), port, flow, scope


class Datagrams:
    """A batch of messages on a bound, non-blocking UDP socket, and their answers.

    `receive` fills the slots and tells the lengths; slot N's message is `messages[N * MESSAGE_BYTES_MAX:][:length]`.
    `answer` puts what follows the first `id_bytes` of an answer into a slot, `send` sends a run of answered slots.
    """

    def __init__(self, bound: socket.socket, id_bytes: int) -> None:
        family = bound.family
        self._socket = bound
        self._id_bytes = id_bytes
        self.messages = mmap.mmap(-1, BATCH_MAX * MESSAGE_BYTES_MAX)
        self._answers = mmap.mmap(-1, BATCH_MAX * ANSWER_BYTES_MAX)
        address_bytes, control_bytes = _ADDRESS_BYTES[family], _CONTROL_BYTES[family]
        addresses = mmap.mmap(-1, BATCH_MAX * address_bytes)
        control = mmap.mmap(-1, BATCH_MAX * control_bytes)
        self.clients = [Client(addresses, slot * address_bytes, family) for slot in range(BATCH_MAX)]
        host: object = bound.getsockname()[0]
        with_control = self._with_control = host in _WILDCARDS
        self._control, self._control_bytes = control, control_bytes
        if with_control:
            _ask_for_destination(bound)
        self._interfaces = _words(control, _INTERFACE_AT, control_bytes) if family == socket.AF_INET else None
        self._no_interfaces = memoryview(bytes(BATCH_MAX * 4)).cast("I")
        self._received_pieces = (_Piece * BATCH_MAX)()
        self._sent_pieces = (_Piece * (2 * BATCH_MAX))()
        self._received = (_Header * BATCH_MAX)()
        self._sent = (_Header * BATCH_MAX)()
        starts = [_address_of(memory) for memory in (self.messages, self._answers, addresses, control)]
        message_start, answer_start, name_start, control_start = starts
        pieces_start, sent_start = ctypes.addressof(self._received_pieces), ctypes.addressof(self._sent_pieces)
        for slot in range(BATCH_MAX):
            message = message_start + slot * MESSAGE_BYTES_MAX
            self._received_pieces[slot] = _Piece(message, MESSAGE_BYTES_MAX)
            self._sent_pieces[2 * slot] = _Piece(message, id_bytes)
            self._sent_pieces[2 * slot + 1] = _Piece(answer_start + slot * ANSWER_BYTES_MAX, 0)
            name = (name_start + slot * address_bytes, address_bytes)
            tail = (control_start + slot * control_bytes, control_bytes) if with_control else (None, 0)
            piece_bytes = ctypes.sizeof(_Piece)
            self._received[slot] = _Header(_Message(*name, pieces_start + slot * piece_bytes, 1, *tail, 0), 0)
            self._sent[slot] = _Header(_Message(*name, sent_start + 2 * slot * piece_bytes, 2, *tail, 0), 0)
        self._fresh = bytes(self._received)
        self._lengths = _words(self._received, _Header.length.offset, ctypes.sizeof(_Header))
        self._answer_lengths = memoryview(self._sent_pieces).cast("B").cast("L")  # size_t
        # The maps are referred to by address alone: keep them as long as this object.
        self._kept_alive = (addresses, control)

    def receive(self) -> Sequence[int]:
        """Take what has come, at most `BATCH_MAX` messages; returns their lengths. Raises `OSError`."""
        ctypes.memmove(self._received, self._fresh, len(self._fresh))
        count: int = _libc.recvmmsg(self._socket.fileno(), self._received, BATCH_MAX, socket.MSG_DONTWAIT, None)
        if count < 0:
            code = ctypes.get_errno()
            if code in (errno.EAGAIN, errno.EINTR):
                return ()
            raise OSError(code, os.strerror(code))
        if self._interfaces is not None:
            # The way back is for the routing table to find; only the address is given.
            self._interfaces[:] = self._no_interfaces
        return self._lengths[:count].tolist()

    def answer(self, slot: int, tail: bytes) -> None:
        """Put an answer into `slot`, all of it but the id. At most `ANSWER_BYTES_MAX` long."""
        start = slot * ANSWER_BYTES_MAX
        length = len(tail)
        self._answers[start : start + length] = tail
        self._answer_lengths[4 * slot + 3] = length

    def later(self, slot: int) -> Callable[[bytes | None], None]:
        """Sends one answer, all of it but the id, to who asked in `slot`, when the slot holds another message by then.

        What the kernel has no room for is lost, as UDP may; None sends nothing.
        """
        start = slot * MESSAGE_BYTES_MAX
        id = bytes(self.messages[start : start + self._id_bytes])
        address = self.clients[slot].address()
        control = self._control_of(slot)

        def send(tail: bytes | None) -> None:
            if tail is not None:
                with suppress(OSError):
                    self._socket.sendmsg((id, tail), control, socket.MSG_DONTWAIT, address)

        return send

    def _control_of(self, slot: int) -> list[tuple[int, int, bytes]]:
        """The address that was asked in `slot`, as ancillary data; none where the socket has but one."""
        if not self._with_control:
            return []
        start = slot * self._control_bytes + socket.CMSG_LEN(0)
        if self._socket.family == socket.AF_INET:
            return [(socket.IPPROTO_IP, _IP_PKTINFO, self._control[start : start + 12])]
        return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, self._control[start : start + 20])]

    def send(self, first: int, end: int) -> int:
        """Send the answers in slots `first` to `end` (excluded); returns how many were lost.

        Those that the kernel has no room for are lost, as UDP may; so is one that it refuses.
        """
        lost = 0
        while first < end:
            headers = ctypes.byref(self._sent, first * ctypes.sizeof(_Header))
            sent: int = _libc.sendmmsg(self._socket.fileno(), headers, end - first, socket.MSG_DONTWAIT)
            if sent >= 0:
                first += sent
            elif ctypes.get_errno() == errno.EAGAIN:
                return lost + end - first
            else:
                first += 1
                lost += 1
        return lost


def _ask_for_destination(bound: socket.socket) -> None:
    if bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _address_of(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def _words(memory: mmap.mmap | ctypes.Array[_Header], offset: int, stride: int) -> memoryview:
    """The 32 bit number at `offset` of every slot."""
    return memoryview(memory).cast("B").cast("I")[offset // 4 :: stride // 4]
