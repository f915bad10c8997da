"""Numbers and shapes of DNS messages, for all who read or write them (RFC 1035, section 4). Pure."""

from __future__ import annotations

import struct
from typing import Final

from lictor_dns.names import Labels

__all__ = [
    "CLASS_IN",
    "HEADER",
    "HEADER_BYTES",
    "ID_BYTES",
    "LENGTH_BYTES",
    "MESSAGE_BYTES_MAX",
    "OPTION",
    "POINTER",
    "RECORD",
    "TYPE_AND_CLASS",
    "UDP_BYTES_MIN",
    "Flag",
    "ResponseCode",
    "question_wire",
]

HEADER: Final = struct.Struct(">6H")
"""The id, the flags, and how many questions and records of each section there are (4.1.1)."""
HEADER_BYTES: Final = HEADER.size
ID_BYTES: Final = 2
"""The id is the first of the header."""
TYPE_AND_CLASS: Final = struct.Struct(">HH")
"""What follows the name of a question (4.1.2)."""
RECORD: Final = struct.Struct(">HHIH")
"""What follows the name of a record: type, class, time to live, length of the data (4.1.3)."""
OPTION: Final = struct.Struct(">HH")
"""The number of an option of EDNS and its length (RFC 6891, section 6.1.2)."""
CLASS_IN: Final = 1
POINTER: Final = 0xC0
"""These bits of a length byte make it the first half of a pointer (4.1.4)."""
LENGTH_BYTES: Final = 2
"""Over TCP a message comes after its length (4.2.2)."""
MESSAGE_BYTES_MAX: Final = 65535
"""The longest message that such a length can tell."""
UDP_BYTES_MIN: Final = 512
"""What every client takes over UDP (4.2.1)."""


class Flag:
    """Bits of the header's second word (4.1.1; CD: RFC 4035, section 3.1.6)."""

    RESPONSE: Final = 0x8000
    OPCODE: Final = 0x7800
    AUTHORITATIVE: Final = 0x0400
    TRUNCATED: Final = 0x0200
    RECURSION_DESIRED: Final = 0x0100
    RECURSION_AVAILABLE: Final = 0x0080
    CHECKING_DISABLED: Final = 0x0010
    CODE: Final = 0x000F


class ResponseCode:
    """The codes in `Flag.CODE` that mean something here (4.1.1)."""

    FORMAT_ERROR: Final = 1
    SERVER_FAILURE: Final = 2
    NAME_ERROR: Final = 3
    NOT_IMPLEMENTED: Final = 4
    REFUSED: Final = 5


def question_wire(labels: Labels, kind: int) -> bytes:
    """A question section of class IN: `kind` is the type's number."""
    name = b"".join(bytes((len(label),)) + label for label in labels)
    return name + b"\0" + TYPE_AND_CLASS.pack(kind, CLASS_IN)
