"""What a recursor sent: whether it answers what was asked, whether it is whole, and the addresses in it. Pure.

Written by hand although a library parses answers elsewhere: a reply is handed on as it came, with records of types that
no library knows, so only its frame is read; and whatever the bytes are, nothing but `BrokenReplyError` is raised.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final, NamedTuple

from lictor_dns.answer import Address, Record, RecordType, Target
from lictor_dns.names import NAME_BYTES_MAX, Labels, lowered
from lictor_dns.protocol import (
    CLASS_IN,
    HEADER,
    HEADER_BYTES,
    ID_BYTES,
    POINTER,
    RECORD,
    TYPE_AND_CLASS,
    Flag,
    ResponseCode,
)

__all__ = ["BrokenReplyError", "Reply", "addresses_in", "fitted", "read_reply"]

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


def read_reply(message: bytes, id: int, wire: bytes) -> Reply | None:
    """`message` as the reply to the question `wire` that was sent with `id`; None when it is none.

    What is none may come from somebody who guesses: go on waiting. Raises `BrokenReplyError` when it is the reply, and
    cannot be read.
    """
    if len(message) < HEADER_BYTES:
        return None
    its_id, flags, questions, *counts = HEADER.unpack_from(message)
    if its_id != id or not flags & Flag.RESPONSE or flags & Flag.OPCODE:
        return None
    code, is_truncated = flags & Flag.CODE, bool(flags & Flag.TRUNCATED)
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
    return _bare(reply.message, wire, int.from_bytes(reply.message[2:4], "big") | Flag.TRUNCATED, reply.edns)


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
            links.setdefault(lowered(owner), Record(owner, RecordType.CNAME, ttl, Target(target)))
        elif its_kind == kind and length == _ADDRESS_BYTES[kind]:
            ip = ipaddress.ip_address(message[start : start + length])
            addresses.setdefault(lowered(owner), []).append(Record(owner, kind, ttl, Address(ip)))
    found: list[Record] = []
    name = lowered(host)
    while name in links and len(found) < _LINKS_MAX:
        link = links.pop(name)
        assert isinstance(link.data, Target)
        found.append(link)
        name = lowered(link.data.name)
    return found if reply.code else [*found, *addresses.get(name, ())]


def _bare(message: bytes, wire: bytes, flags: int, edns: bytes) -> bytes:
    return message[:ID_BYTES] + HEADER.pack(0, flags, 1, 0, 0, 1 if edns else 0)[ID_BYTES:] + wire + edns


def _is_same_question(theirs: bytes, ours: bytes) -> bool:
    # Case does not count in a name (RFC 4343), and its length bytes are no letters; in type and class all counts.
    name = len(ours) - TYPE_AND_CLASS.size
    return theirs[:name].lower() == ours[:name].lower() and theirs[name:] == ours[name:]


def _frame(message: bytes, place: int, count: int) -> tuple[int, bytes]:
    """Where the `count` records that begin at `place` end, and the OPT record among them."""
    edns = b""
    sizes: dict[int, int] = {}
    for _ in range(count):
        start = place
        place = _past_name(message, place, sizes)
        if place + RECORD.size > len(message):
            raise BrokenReplyError("a record ends early")
        kind, _, _, length = RECORD.unpack_from(message, place)
        place += RECORD.size + length
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
        if length & POINTER == POINTER:
            target = (length & ~POINTER) << 8 | _byte(message, place + 1)
            after = after or place + 2
            # A name may point to what stands before it (RFC 1035, 4.1.4); so it cannot go round in circles.
            if target >= first:
                raise BrokenReplyError("a name points to itself or ahead")
            first = place = target
        elif length & POINTER:
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
        size += 0 if length & POINTER or not length else 1 + length
        if size > NAME_BYTES_MAX:
            raise BrokenReplyError("a name is too long")
        sizes[start] = size
    return after


def _byte(message: bytes, place: int) -> int:
    if place >= len(message):
        raise BrokenReplyError("a name ends early")
    return message[place]


def _answers(message: bytes) -> Iterator[tuple[Labels, int, int, int, int]]:
    """Owner, type, time to live, and where the data stand, of each record of class IN in the answer section."""
    _, _, questions, count, _, _ = HEADER.unpack_from(message)
    place = HEADER_BYTES
    for _ in range(questions):
        _, place = _name_at(message, place)
        place += TYPE_AND_CLASS.size
    for _ in range(min(count, _ANSWERS_MAX)):
        owner, place = _name_at(message, place)
        kind, its_class, ttl, length = RECORD.unpack_from(message, place)
        place += RECORD.size
        if its_class == CLASS_IN:
            yield owner, kind, ttl if ttl <= _TTL_S_MAX else 0, place, length
        place += length


def _name_at(message: bytes, place: int) -> tuple[Labels, int]:
    """The name that begins at `place`, and where what follows it begins."""
    labels: list[bytes] = []
    after = pointers = 0
    size = 1
    while length := _byte(message, place):
        if length & POINTER == POINTER:
            after = after or place + 2
            place = (length & ~POINTER) << 8 | _byte(message, place + 1)
            pointers += 1
            if pointers > _POINTERS_MAX:
                raise BrokenReplyError("a name has more pointers than labels")
            continue
        label = message[place + 1 : place + 1 + length]
        size += 1 + length
        if length & POINTER or len(label) < length or size > NAME_BYTES_MAX:
            raise BrokenReplyError("a name has an unknown kind of label, ends early or is too long")
        labels.append(label)
        place += 1 + length
    return tuple(labels), after or place + 1
