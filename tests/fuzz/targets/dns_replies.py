"""DNS messages of recursors, or of who guesses: `BrokenReplyError` and nothing else; nothing that was not asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

import dns.message

from lictor_dns.answer import RecordType
from lictor_dns.protocol import HEADER_BYTES, MESSAGE_BYTES_MAX, question_wire
from lictor_dns.recursion.reply import BrokenReplyError, addresses_in, fitted, read_reply

_ID: Final = 0x1234
_HOST: Final = (b"www", b"example", b"com")
_WIRE: Final = question_wire(_HOST, RecordType.A)
_ROOM: Final = 512
_TEXT: Final = f"""id {_ID}
opcode QUERY
rcode NOERROR
flags QR RD RA
;QUESTION
www.example.com. IN A
;ANSWER
www.example.com. 60 IN CNAME a.example.com.
a.example.com. 60 IN CNAME b.example.org.
b.example.org. 60 IN A 192.0.2.1
b.example.org. 60 IN AAAA 2001:db8::1
www.example.com. 60 IN TXT "text"
"""


def run(data: bytes) -> None:
    """A reply, whose id and question are those that were asked with a first byte that is even."""
    if not data:
        return
    message = data[1:]
    if not data[0] & 1:
        message = _ID.to_bytes(2, "big") + message[2:4] + b"\x00\x01" + message[6:HEADER_BYTES] + _WIRE + message[12:]
    try:
        reply = read_reply(message, _ID, _WIRE)
    except BrokenReplyError:
        return
    if reply is None:
        return
    assert message[:2] == _ID.to_bytes(2, "big"), "a reply to another question was taken"
    assert len(reply.message) <= MESSAGE_BYTES_MAX
    assert len(fitted(reply, _WIRE, _ROOM)) <= max(_ROOM, HEADER_BYTES + len(_WIRE) + len(reply.edns))
    for kind in (RecordType.A, RecordType.AAAA):
        try:
            found = addresses_in(reply, _HOST, kind)
        except BrokenReplyError:
            continue
        for record in found:
            assert record.type in (kind, RecordType.CNAME), "a record of another type came along"


def seeds() -> Iterable[bytes]:
    """Answers with addresses, aliases, pointers, an OPT record; one that is cut, one that refuses."""
    message = dns.message.from_text(_TEXT)
    message.use_edns(0, payload=1232)
    whole = message.to_wire()
    assert ipaddress.ip_address("192.0.2.1").packed in whole
    yield b"\x01" + whole
    yield b"\x00" + whole[:12] + whole[12 + len(_WIRE) :]
    yield b"\x01" + whole[:60]
    yield b"\x01" + whole[:2] + bytes([whole[2] | 2]) + whole[3:70]
    yield b"\x01" + whole[:2] + b"\x80\x05" + bytes(8)
    yield b"\x00" + bytes([0, 0, 0x80, 0, 0, 1, 0, 3, 0, 0, 0, 0]) + b"\xc0\x0c\x00\x05\x00\x01\0\0\0\1\0\2\xc0\x0c"
