"""Records of the write-ahead log as bytes, and back. Pure: what a file is, `segments` knows.

A record is a head of 25 bytes and a payload::

    crc32 4 | length of the payload 4 | kind 1 | entry 8 | term 8 | payload        all numbers big-endian

The checksum covers all behind it and starts from the salt of its segment, which is random: neither a value that a
client chose nor the rest of an older file is ever taken for a record.

What a reader makes of bytes that are no record depends on what follows. Every batch starts with a `MARK`, written only
after all before it was synced. Bytes that are no record with a mark behind them were therefore whole once: that is
damage, and nothing after it can be trusted. Without one they are the tail of a batch that was never acknowledged, or
was so last: it is cut off.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["FORMAT", "HEAD_BYTES", "Kind", "Record", "Scan", "Start", "encode", "encode_start", "mark", "scan"]

FORMAT: Final = 1
"""Raised with every change that older code cannot read."""
HEAD_BYTES: Final = 25

_HEAD: Final = struct.Struct(">IIBQQ")
_BODY: Final = struct.Struct(">IBQQ")
_START: Final = struct.Struct(">8sIQI")
_MAGIC: Final = b"lictorwl"
_CRC_BYTES: Final = 4


class Kind(enum.IntEnum):
    """What a record says."""

    START = 1
    """First in a file; `entry` is that of the last entry before it."""
    ENTRY = 2
    """An entry of the log."""
    TRUNCATE = 3
    """The entries from `entry` on are dropped."""
    CLEAR = 4
    """All entries are dropped; the next one may have any index."""
    MARK = 5
    """All before it was synced; `entry` is the segment's number, `term` its own offset."""
    END = 6
    """Last in a file that another one follows, written as a mark is."""


class Record(NamedTuple):
    """One record of a file."""

    kind: Kind
    entry: int
    term: int
    payload: bytes
    offset: int


class Start(NamedTuple):
    """What the first record of a segment says."""

    format: int
    number: int
    salt: int
    last_index: int


class Scan(NamedTuple):
    """What a file holds: its start, the records after it, and where whole records end."""

    start: Start | None
    records: list[Record]
    end: int
    mark_behind: int | None
    """The offset of a mark behind `end`: what is at `end` is damage. None: it is a tail, or there is nothing."""


def encode(kind: Kind, entry: int, term: int, payload: bytes, salt: int) -> bytes:
    """One record."""
    body = _BODY.pack(len(payload), kind, entry, term)
    return zlib.crc32(payload, zlib.crc32(body, salt)).to_bytes(_CRC_BYTES, "big") + body + payload


def encode_start(start: Start) -> bytes:
    """The first record of a segment; its own checksum has no salt."""
    payload = _START.pack(_MAGIC, start.format, start.number, start.salt)
    return encode(Kind.START, start.last_index, 0, payload, 0)


def mark(kind: Kind, number: int, offset: int, salt: int) -> bytes:
    """A mark (or end) at `offset` of segment `number`."""
    return encode(kind, number, offset, b"", salt)


def scan(data: bytes) -> Scan:
    """Read a whole file. Never raises: what is wrong is in the result."""
    first = _record_at(data, 0, 0)
    start = None if first is None else _start_of(first)
    if first is None or start is None:
        return Scan(None, [], 0, _any_mark(data, 0))
    records: list[Record] = []
    end = HEAD_BYTES + len(first.payload)
    while (record := _record_at(data, end, start.salt)) is not None:
        records.append(record)
        end += HEAD_BYTES + len(record.payload)
    return Scan(start, records, end, _mark_after(data, end, start) if end < len(data) else None)


def _record_at(data: bytes, offset: int, salt: int) -> Record | None:
    if offset + HEAD_BYTES > len(data):
        return None
    crc, length, kind, entry, term = _HEAD.unpack_from(data, offset)
    stop = offset + HEAD_BYTES + length
    if stop > len(data) or zlib.crc32(memoryview(data)[offset + _CRC_BYTES : stop], salt) != crc:
        return None
    try:
        return Record(Kind(kind), entry, term, data[offset + HEAD_BYTES : stop], offset)
    except ValueError:
        return None


def _start_of(record: Record) -> Start | None:
    if record.kind is not Kind.START or len(record.payload) != _START.size:
        return None
    magic, version, number, salt = _START.unpack(record.payload)
    return Start(version, number, salt, record.entry) if magic == _MAGIC else None


def _mark_after(data: bytes, offset: int, start: Start) -> int | None:
    for place, record in _candidates(data, offset):
        if record == mark(Kind(data[place + 8]), start.number, place, start.salt):
            return place
    return None


def _any_mark(data: bytes, offset: int) -> int | None:
    """A mark in a file whose salt is lost: one that names its own place is taken for one."""
    return next((place for place, _ in _candidates(data, offset)), None)


def _candidates(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Places from `offset` on where bytes stand that look like a mark there: no payload, a kind, the own offset."""
    for kind in (Kind.MARK, Kind.END):
        wanted = bytes(_CRC_BYTES) + bytes([kind])  # the length, 0, and the kind
        place = data.find(wanted, offset + _CRC_BYTES) - _CRC_BYTES
        while place >= 0:
            record = data[place : place + HEAD_BYTES]
            if len(record) == HEAD_BYTES and int.from_bytes(record[-8:], "big") == place:
                yield place, record
            place = data.find(wanted, place + _CRC_BYTES + 1) - _CRC_BYTES
