"""Records as bytes, one after the other, within a bound (RFC 1035, sections 3.2, 3.3 and 4.1.4).

Written by hand although a library does the same: an answer has hundreds of records, is made anew with every change of
what it names, and there the library took ten times as long. Names point back to where they stood before, also into SRV
targets, which are themselves written in full (RFC 2782).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, assert_never

from lictor_dns.answer import Address, Data, Record, Soa, Srv, Target, Text
from lictor_dns.names import Labels
from lictor_dns.protocol import CLASS_IN, HEADER_BYTES, POINTER, RECORD

__all__ = ["Writer"]

_POINTER: Final = POINTER << 8
_POINTER_REACH: Final = 0x4000  # a compression pointer has 14 bits (RFC 1035, section 4.1.4)
_LENGTH: Final = struct.Struct(">H")
_PORT: Final = struct.Struct(">HHH")
_SOA_TIMES: Final = struct.Struct(">5I")
_ROOT: Final = b"\0"


class Writer:
    """A message that grows record by record and takes back one that does not fit.

    It begins with an empty header and `question`, whose name is `asked`. `bytes_max` bounds the whole.
    """

    def __init__(self, question: bytes, asked: Labels, bytes_max: int, *, compress: bool) -> None:
        self.message = bytearray(HEADER_BYTES) + question
        self._bytes_max = bytes_max
        self._compress = compress
        self._pointers: dict[Labels, bytes] = {}
        self._learned: list[Labels] = []
        self._learn(asked, HEADER_BYTES)

    def add(self, records: Iterable[Record]) -> int:
        """Write records in order until one does not fit; returns how many did."""
        message = self.message
        count = 0
        for record in records:
            mark = len(message)
            self._learned.clear()
            self._write(record)
            if len(message) > self._bytes_max:
                del message[mark:]
                for labels in self._learned:
                    del self._pointers[labels]
                break
            count += 1
        return count

    def _write(self, record: Record) -> None:
        message = self.message
        self._write_name(record.name)
        data = record.data
        if isinstance(data, Address):
            address = data.ip.packed
            message += RECORD.pack(record.type, CLASS_IN, record.ttl, len(address))
            message += address
            return
        message += RECORD.pack(record.type, CLASS_IN, record.ttl, 0)
        start = len(message)
        self._write_data(data)
        _LENGTH.pack_into(message, start - _LENGTH.size, len(message) - start)

    def _write_data(self, data: Data) -> None:
        message = self.message
        match data:
            case Srv():
                message += _PORT.pack(data.priority, data.weight, data.port)
                self._write_whole_name(data.target)
            case Text(strings):
                for string in strings:
                    message.append(len(string))
                    message += string
            case Target(name):
                self._write_name(name)
            case Soa():
                self._write_name(data.primary)
                self._write_name(data.mailbox)
                message += _SOA_TIMES.pack(data.serial, data.refresh, data.retry, data.expire, data.minimum)
            case Address(ip):
                message += ip.packed
            case _:
                assert_never(data)

    def _write_name(self, labels: Labels) -> None:
        """Write a name up to where the rest of it stands already, and a pointer to that."""
        message, pointers = self.message, self._pointers
        if not self._compress:
            self._write_whole_name(labels)
            return
        for index, label in enumerate(labels):
            rest = labels[index:] if index else labels
            pointer = pointers.get(rest)
            if pointer is not None:
                message += pointer
                return
            self._point(rest, len(message))
            message.append(len(label))
            message += label
        message += _ROOT

    def _write_whole_name(self, labels: Labels) -> None:
        message = self.message
        if self._compress:
            self._learn(labels, len(message))
        for label in labels:
            message.append(len(label))
            message += label
        message += _ROOT

    def _learn(self, labels: Labels, place: int) -> None:
        """Names written from now on may point to `labels`, which stand in full at `place`, and to their ends."""
        for index, label in enumerate(labels):
            rest = labels[index:] if index else labels
            # Whoever knows a name knows its ends, too: they were learned with it.
            if rest in self._pointers:
                return
            self._point(rest, place)
            place += 1 + len(label)

    def _point(self, labels: Labels, place: int) -> None:
        # Far into a long message no new name may be pointed to, but a known one may still be.
        if place < _POINTER_REACH:
            self._pointers[labels] = (_POINTER | place).to_bytes(2, "big")
            self._learned.append(labels)
