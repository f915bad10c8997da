"""Packets that nobody should send."""

import struct

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question

_ID = b"\x12\x34"
_RECURSE = b"\x01\x00"
_WEB = b"\x03web\x07service\x06consul\x00"
_A_IN = b"\x00\x01\x00\x01"


def _packet(
    flags: bytes = _RECURSE, counts: tuple[int, int, int, int] = (1, 0, 0, 0), rest: bytes = _WEB + _A_IN
) -> bytes:
    return _ID + flags + struct.pack("!4H", *counts) + rest


_OPT = b"\x00\x00\x29\x10\x00\x00\x01\x00\x00\x00\x00"

_CUT = "Lictor answers FORMERR to a question that is cut (RFC 1035 section 4.1.1)"
_NOTIFY = "Lictor is no secondary: NOTIFY gets NOTIMP, not the answer to a query (RFC 1996)"

SCENARIO = DnsScenario(
    "packets",
    "Broken packets and rare flags.",
    (instance("n1", "192.0.2.1", {"Service": "web", "Port": 80}),),
    (
        Question("one byte", wire=b"x"),
        Question("an identifier alone", wire=_ID),
        Question("eleven bytes", wire=_packet(rest=b"")[:11]),
        Question("a header without questions", wire=_packet(counts=(0, 0, 0, 0), rest=b"")),
        Question("a header that promises a question", wire=_packet(rest=b""), differs={"rcode": _CUT}),
        Question("a name that is cut", wire=_packet(rest=b"\x03we")),
        Question(
            "a question without a kind",
            wire=_packet(rest=_WEB),
            differs={"rcode": _CUT, "flags": _CUT, "question": _CUT, "authority": _CUT},
        ),
        Question("a compression pointer to itself", wire=_packet(rest=b"\xc0\x0c" + _A_IN)),
        Question("a compression pointer beyond the packet", wire=_packet(rest=b"\xc0\xff" + _A_IN)),
        Question("a label longer than 63", wire=_packet(rest=b"\x40" + b"a" * 64 + b"\x00" + _A_IN)),
        Question("a name longer than 255", wire=_packet(rest=(b"\x3f" + b"a" * 63) * 5 + b"\x00" + _A_IN)),
        Question("two questions", wire=_packet(counts=(2, 0, 0, 0), rest=(_WEB + _A_IN) * 2)),
        Question("bytes after the question", wire=_packet(rest=_WEB + _A_IN + b"trailing")),
        Question("an answer instead of a question", wire=_packet(flags=b"\x81\x80")),
        Question("the opcode IQUERY", wire=_packet(flags=b"\x09\x00")),
        Question("the opcode STATUS", wire=_packet(flags=b"\x11\x00")),
        Question(
            "the opcode NOTIFY",
            wire=_packet(flags=b"\x21\x00"),
            differs={"rcode": _NOTIFY, "flags": _NOTIFY, "question": _NOTIFY, "answer": _NOTIFY},
        ),
        Question("the opcode UPDATE", wire=_packet(flags=b"\x29\x00")),
        Question("a response code in a question", wire=_packet(flags=b"\x01\x05")),
        Question("the authentic data flag", wire=_packet(flags=b"\x01\x20")),
        Question("the checking disabled flag", wire=_packet(flags=b"\x01\x10")),
        Question("checking disabled in a broken packet", wire=_packet(flags=b"\x01\x10", rest=b"\xc0\x0c" + _A_IN)),
        Question(
            "an answer record in a question",
            wire=_packet(
                counts=(1, 1, 0, 0), rest=_WEB + _A_IN + _WEB + _A_IN + b"\x00\x00\x00\x01\x00\x04\x01\x02\x03\x04"
            ),
        ),
        Question("an unknown version of EDNS", wire=_packet(counts=(1, 0, 0, 1), rest=_WEB + _A_IN + _OPT)),
        Question(
            "EDNS twice",
            wire=_packet(counts=(1, 0, 0, 2), rest=_WEB + _A_IN + _OPT.replace(b"\x00\x00\x01", b"\x00\x00\x00") * 2),
        ),
        Question("bytes that are no label", wire=_packet(rest=b"\x03\xff\xfe\x00\x07service\x06consul\x00" + _A_IN)),
        Question("an empty label inside", wire=_packet(rest=b"\x03web\x00\x06consul\x00" + _A_IN)),
        Question("nothing but zeros", wire=bytes(40)),
        Question("nothing but ones", wire=b"\xff" * 40),
        Question("one byte over TCP", wire=b"x", transport="tcp"),
        Question("a header without questions over TCP", wire=_packet(counts=(0, 0, 0, 0), rest=b""), transport="tcp"),
        Question("a compression pointer to itself over TCP", wire=_packet(rest=b"\xc0\x0c" + _A_IN), transport="tcp"),
        Question("the agent still answers", "web.service.consul", "A"),
    ),
)
