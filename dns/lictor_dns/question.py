"""Bytes to question. Whatever the bytes are, the outcome is a question or a refusal, never an exception.

Written by hand although a library parses answers elsewhere: it takes any bytes as a label (RFC 2181, section 11),
copies the question for the reply byte by byte, and looks at nothing that does not decide the answer.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from lictor_dns.answer import RecordType
from lictor_dns.names import NAME_BYTES_MAX, Labels
from lictor_dns.protocol import HEADER, HEADER_BYTES, OPTION, POINTER, RECORD, TYPE_AND_CLASS, Flag, ResponseCode
from lictor_dns.subnet import CLIENT_SUBNET, normal_subnet

__all__ = ["KEPT_FLAGS", "Edns", "Question", "Refusal", "parse"]

KEPT_FLAGS: Final = Flag.RECURSION_DESIRED | Flag.CHECKING_DISABLED
"""These are copied into every reply (RFC 1035, section 4.1.1; RFC 4035, section 3.1.6)."""
_ANSWERS_MAX: Final = 1
_AUTHORITY_MAX: Final = 1
_ADDITIONAL_MAX: Final = 2
"""Most records in the sections after the question; a query has an OPT, perhaps a signature."""


class Edns(NamedTuple):
    """What an OPT record says (RFC 6891). Its version is not looked at: there is only version 0.

    `payload` is what the client takes, in bytes; `client_subnet` its option as it goes back, or nothing.
    """

    payload: int
    client_subnet: bytes


class Question(NamedTuple):
    """One question. `type` is any number, named in `RecordType` or not; the class is not looked at, as in Consul.

    `kept_flags` go into the reply, as does `wire`, the question section as it came. The id is not here: whoever
    carries messages copies it.
    """

    kept_flags: int
    labels: Labels
    type: int
    wire: bytes
    edns: Edns | None


class Refusal(NamedTuple):
    """A message that gets a header back, with this `code`, or with None nothing; `reason` is for the log.

    `wire` is the question section as it came, which goes back too; empty where it could not be read.
    """

    flags: int
    code: int | None
    reason: str
    wire: bytes = b""


class _Malformed(Exception):
    """The message ends early or breaks a rule; never leaves this module."""


def parse(message: bytes) -> Question | Refusal:
    """The question in `message`, or why there is none. Less than a header, or a reply itself, gets no reply."""
    if len(message) < HEADER_BYTES:
        return Refusal(0, None, "shorter than a header")
    _, flags, questions, answers, authority, additional = HEADER.unpack_from(message)
    if flags & Flag.RESPONSE:
        return Refusal(flags, None, "a reply, not a query")
    if flags & Flag.OPCODE:
        return Refusal(flags, ResponseCode.NOT_IMPLEMENTED, "operation is not QUERY")
    wire = b""
    try:
        if questions != 1:
            raise _Malformed(f"{questions} questions in one message")
        if answers > _ANSWERS_MAX or authority > _AUTHORITY_MAX or additional > _ADDITIONAL_MAX:
            raise _Malformed("more records than a query has")
        labels, end = _question_name(message)
        kind, _ = _unpack(TYPE_AND_CLASS, message, end)
        end += TYPE_AND_CLASS.size
        wire = message[HEADER_BYTES:end]
        edns = _find_edns(message, end, answers + authority, additional)
    except _Malformed as error:
        return Refusal(flags, ResponseCode.FORMAT_ERROR, str(error), wire)
    return Question(flags & KEPT_FLAGS, labels, kind, wire, edns)


def _question_name(message: bytes) -> tuple[Labels, int]:
    labels: list[bytes] = []
    place = HEADER_BYTES
    while True:
        if place >= len(message):
            raise _Malformed("the name ends early")
        length = message[place]
        place += 1
        if length == 0:
            return tuple(labels), place
        # Nothing stands before the first name to which it could point, and other high bits are unassigned.
        if length & POINTER:
            raise _Malformed("the question's name has a pointer or unknown label")
        label = message[place : place + length]
        place += length
        if len(label) < length or place - HEADER_BYTES >= NAME_BYTES_MAX:
            raise _Malformed("the name ends early or is too long")
        labels.append(label)


def _find_edns(message: bytes, place: int, skipped: int, additional: int) -> Edns | None:
    found: Edns | None = None
    for number in range(skipped + additional):
        # As Consul does, answer a message whose header promises records that are not there.
        if place == len(message):
            break
        place = _skip_name(message, place)
        kind, payload, _, length = _unpack(RECORD, message, place)
        place += RECORD.size
        data = message[place : place + length]
        if len(data) < length:
            raise _Malformed("a record ends early")
        place += length
        if kind == RecordType.OPT and number >= skipped and found is None:
            found = Edns(payload, _client_subnet(data))
    return found


def _skip_name(message: bytes, place: int) -> int:
    while place < len(message):
        length = message[place]
        if length & POINTER == POINTER:
            return place + 2
        if length & POINTER:
            raise _Malformed("a name has an unknown label")
        place += 1 + length
        if length == 0:
            return place
    raise _Malformed("a record's name ends early")


def _client_subnet(options: bytes) -> bytes:
    """The first subnet option; all others must be well formed, too."""
    found = b""
    place = 0
    while place < len(options):
        code, length = _unpack(OPTION, options, place)
        place += OPTION.size
        option = options[place : place + length]
        if len(option) < length:
            raise _Malformed("an EDNS option ends early")
        if code == CLIENT_SUBNET:
            subnet = normal_subnet(option)
            if subnet is None:
                raise _Malformed("a client subnet is of no known family or has too long a prefix")
            found = found or subnet
        place += length
    return found


def _unpack(shape: struct.Struct, data: bytes, place: int) -> tuple[int, ...]:
    if place + shape.size > len(data):
        raise _Malformed("the message ends early")
    return shape.unpack_from(data, place)
