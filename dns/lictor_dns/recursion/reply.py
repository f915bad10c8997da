"""What a recursor sent: whether it answers what was asked, whether it is whole, and the addresses in it. Pure.

Written by hand although a library parses answers elsewhere: a reply is handed on as it came, with records of types that
no library knows, so only its frame is read; and whatever the bytes are, nothing but `BrokenReplyError` is raised.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from lictor_dns.answer import Address, Record, RecordType, Target
from lictor_dns.names import Labels
from lictor_dns.question import HEADER_BYTES, ResponseCode

__all__ = ["BrokenReplyError", "Reply", "addresses_in", "fitted", "question_wire", "read_reply"]

_HEADER: Final = struct.Struct(">6H")
_RECORD: Final = struct.Struct(">HHIH")
_IS_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_TC: Final = 0x0200
_CODE: Final = 0x000F
_IN: Final = 1
_TYPE_AND_CLASS_BYTES: Final = 4
_POINTER: Final = 0xC0
_NAME_BYTES_MAX: Final = 255  # RFC 1035, section 2.3.4
_POINTERS_MAX: Final = 127
"""Pointers followed in one name: more than it can have labels."""
_ANSWERS_MAX: Final = 256
"""Records of an answer in which addresses are looked for."""
_LINKS_MAX: Final = 8
"""CNAME records followed one after the other."""
_ADDRESS_BYTES: Final = {RecordType.A: 4, RecordType.AAAA: 16}
_TTL_S_MAX: Final = 2**31 - 1  # RFC 2181, section 8


class BrokenReplyError(Exception):
    """A reply to what was asked that breaks the protocol; never leaves this package."""


class Reply(NamedTuple):
    """A reply to what was asked: `message` with its id and the question as it was asked, its RCODE, its TC flag.

    `edns` is its OPT record, empty where it has none.
    """

    message: bytes
    code: int
    is_truncated: bool
    edns: bytes = b""

    @property
    def is_answer(self) -> bool:
        """Whether it says something about the name. Whoever refuses or fails has nothing to say, another one may."""
        return self.code in (0, ResponseCode.NAME_ERROR)


def question_wire(labels: Labels, kind: int) -> bytes:
    """A question section of class IN."""
    name = b"".join(bytes((len(label),)) + label for label in labels)
    return name + b"\0" + kind.to_bytes(2, "big") + _IN.to_bytes(2, "big")


def read_reply(message: bytes, id: int, wire: bytes) -> Reply | None:
    """`message` as the reply to the question `wire` that was sent with `id`; None when it is none.

    What is none may come from somebody who guesses: go on waiting. Raises `BrokenReplyError` when it is the reply, and
    cannot be read.
    """
    if len(message) < HEADER_BYTES:
        return None
    its_id, flags, questions, *counts = _HEADER.unpack_from(message)
    if its_id != id or not flags & _IS_RESPONSE or flags & _OPCODE:
        return None
    code, is_truncated = flags & _CODE, bool(flags & _TC)
    if not questions and code:
        # Some servers refuse with a header alone; it says nothing that could be believed wrongly.
        return Reply(message[:HEADER_BYTES], code, is_truncated=False)
    body = HEADER_BYTES + len(wire)
    if questions != 1 or not _is_same_question(message[HEADER_BYTES:body], wire):
        return None
    try:
        end, edns = _frame(message, body, sum(counts))
    except BrokenReplyError:
        if not is_truncated:
            raise
        # It was cut within a record: what is left says that there is more, and no more than that.
        return Reply(_bare(message, wire, flags, b""), code, is_truncated)
    return Reply(message[:HEADER_BYTES] + wire + message[body:end], code, is_truncated, edns)


def fitted(reply: Reply, wire: bytes, bytes_max: int) -> bytes:
    """The message for a client that takes `bytes_max`: when it is longer, just that there is more (RFC 2181, 9)."""
    if len(reply.message) <= bytes_max:
        return reply.message
    return _bare(reply.message, wire, int.from_bytes(reply.message[2:4], "big") | _TC, reply.edns)


def addresses_in(reply: Reply, host: Labels, kind: RecordType) -> list[Record]:
    """The addresses of type `kind` that the reply gives for `host`, behind the CNAME records that lead to them.

    Records of other names are left out: nobody asked for them. Of a name that is not there only the way to it is given.
    Raises `BrokenReplyError`.
    """
    message = reply.message
    links: dict[Labels, Record] = {}
    addresses: dict[Labels, list[Record]] = {}
    for owner, its_kind, ttl, start, length in _answers(message):
        if its_kind == RecordType.CNAME:
            target, _ = _name_at(message, start)
            links.setdefault(_lower(owner), Record(owner, RecordType.CNAME, ttl, Target(target)))
        elif its_kind == kind and length == _ADDRESS_BYTES[kind]:
            ip = ipaddress.ip_address(message[start : start + length])
            addresses.setdefault(_lower(owner), []).append(Record(owner, kind, ttl, Address(ip)))
    found: list[Record] = []
    name = _lower(host)
    while name in links and len(found) < _LINKS_MAX:
        link = links.pop(name)
        assert isinstance(link.data, Target)
        found.append(link)
        name = _lower(link.data.name)
    return found if reply.code else [*found, *addresses.get(name, ())]


def _bare(message: bytes, wire: bytes, flags: int, edns: bytes) -> bytes:
    return message[:2] + struct.pack(">5H", flags, 1, 0, 0, 1 if edns else 0) + wire + edns


def _is_same_question(theirs: bytes, ours: bytes) -> bool:
    # Case does not count in a name (RFC 4343), and its length bytes are no letters; in type and class all counts.
    name = len(ours) - _TYPE_AND_CLASS_BYTES
    return theirs[:name].lower() == ours[:name].lower() and theirs[name:] == ours[name:]


def _frame(message: bytes, place: int, count: int) -> tuple[int, bytes]:
    """Where the `count` records that begin at `place` end, and the OPT record among them."""
    edns = b""
    sizes: dict[int, int] = {}
    for _ in range(count):
        start = place
        place = _past_name(message, place, sizes)
        if place + _RECORD.size > len(message):
            raise BrokenReplyError("a record ends early")
        kind, _, _, length = _RECORD.unpack_from(message, place)
        place += _RECORD.size + length
        if place > len(message):
            raise BrokenReplyError("a record's data ends early")
        if kind == RecordType.OPT:
            edns = message[start:place]
    return place, edns


def _past_name(message: bytes, place: int, sizes: dict[int, int]) -> int:
    """Where what follows the name at `place` begins.

    `sizes` remembers how long the names are that begin at each place, so that a message in which many names point to
    the same one is read in one go.
    """
    passed: list[int] = []
    after = 0
    size = 0
    first = place
    while not (after and place in sizes):
        length = _byte(message, place)
        passed.append(place)
        if length & _POINTER == _POINTER:
            target = (length & ~_POINTER) << 8 | _byte(message, place + 1)
            after = after or place + 2
            # A name may point to what stands before it (RFC 1035, 4.1.4); so it cannot go round in circles.
            if target >= first:
                raise BrokenReplyError("a name points to itself or ahead")
            first = place = target
        elif length & _POINTER:
            raise BrokenReplyError("a name has an unknown kind of label")
        elif length:
            place += 1 + length
        else:
            after = after or place + 1
            sizes[place] = 1
            break
    size = sizes[place]
    for start in reversed(passed):
        length = message[start]
        size += 0 if length & _POINTER or not length else 1 + length
        if size > _NAME_BYTES_MAX:
            raise BrokenReplyError("a name is too long")
        sizes[start] = size
    return after


def _byte(message: bytes, place: int) -> int:
    if place >= len(message):
        raise BrokenReplyError("a name ends early")
    return message[place]


def _answers(message: bytes) -> Iterator[tuple[Labels, int, int, int, int]]:
    """Owner, type, time to live, and where the data stand, of each record of class IN in the answer section."""
    _, _, questions, count, _, _ = _HEADER.unpack_from(message)
    place = HEADER_BYTES
    for _ in range(questions):
        _, place = _name_at(message, place)
        place += _TYPE_AND_CLASS_BYTES
    for _ in range(min(count, _ANSWERS_MAX)):
        owner, place = _name_at(message, place)
        kind, its_class, ttl, length = _RECORD.unpack_from(message, place)
        place += _RECORD.size
        if its_class == _IN:
            yield owner, kind, ttl if ttl <= _TTL_S_MAX else 0, place, length
        place += length


def _name_at(message: bytes, place: int) -> tuple[Labels, int]:
    """The name that begins at `place`, and where what follows it begins."""
    labels: list[bytes] = []
    after = pointers = 0
    size = 1
    while length := _byte(message, place):
        if length & _POINTER == _POINTER:
            after = after or place + 2
            place = (length & ~_POINTER) << 8 | _byte(message, place + 1)
            pointers += 1
            if pointers > _POINTERS_MAX:
                raise BrokenReplyError("a name has more pointers than labels")
            continue
        label = message[place + 1 : place + 1 + length]
        size += 1 + length
        if length & _POINTER or len(label) < length or size > _NAME_BYTES_MAX:
            raise BrokenReplyError("a name has an unknown kind of label, ends early or is too long")
        labels.append(label)
        place += 1 + length
    return tuple(labels), after or place + 1


def _lower(labels: Labels) -> Labels:
    return tuple(label.lower() for label in labels)
