"""Extensions: what clients say in an OPT record (RFC 6891), and the rare bits of a header."""

import struct
from collections.abc import Mapping

from tests.compat.scenarios.dns.registrations import instance
from tests.support.recorder.dns_scenario import DnsScenario, Question

_WEB = b"\x03web\x07service\x06consul\x00"
_TARGET = b"\x03WeB\x07SERVICE\x06conSUL\x00"
_NONE = b"\x04none\x07service\x06consul\x00"
_OTHER = b"\x03www\x07example\x03com\x00"

_COOKIE = (10, bytes(range(8)))
_PADDING = (12, bytes(32))
_NSID = (3, b"")
_SUBNET_4 = (8, bytes.fromhex("00011800c0a801"))
_SUBNET_6 = (8, bytes.fromhex("0002380020010db8010200"))


def _opt(
    *options: tuple[int, bytes], payload: int = 1232, owner: bytes = b"\x00", flags: int = 0, code: int = 0
) -> bytes:
    data = b"".join(struct.pack("!2H", number, len(value)) + value for number, value in options)
    return owner + struct.pack("!2HBBHH", 41, payload, code, 0, flags, len(data)) + data


def _asked(
    step: str,
    *additional: bytes,
    name: bytes = _WEB,
    kind: int = 1,
    qclass: int = 1,
    flags: int = 0x0100,
    transport: str = "udp",
    differs: Mapping[str, str] | None = None,
) -> Question:
    head = b"\x12\x34" + struct.pack("!5H", flags, 1, 0, 0, len(additional))
    wire = head + name + struct.pack("!2H", kind, qclass) + b"".join(additional)
    return Question(step, wire=wire, transport=transport, differs=differs or {})


_READ = "Lictor does not read the data of records that mean nothing in a question"
_NOT_READ = {"rcode": _READ, "flags": _READ, "answer": _READ}
_BITS = {"flags": "bits of a question that mean something else in a reply do not go back"}

SCENARIO = DnsScenario(
    "edns",
    "Sizes, flags and options of EDNS, and bits of the header.",
    (instance("n1", "192.0.2.1", {"Service": "web", "Port": 80}),),
    (
        *(_asked(f"a payload of {size}", _opt(payload=size)) for size in (0, 1, 511, 512, 513, 1232, 4096, 65535)),
        _asked("EDNS over TCP", _opt(), transport="tcp"),
        _asked("the DNSSEC OK bit", _opt(flags=0x8000)),
        _asked("reserved bits of EDNS", _opt(flags=0x7FFF)),
        _asked("an extended response code in a question", _opt(code=1)),
        _asked("a cookie", _opt(_COOKIE)),
        _asked("padding", _opt(_PADDING)),
        _asked("the name of the server asked for", _opt(_NSID)),
        _asked("an option of no known number", _opt((65001, b"private"))),
        _asked("a subnet of IPv4", _opt(_SUBNET_4)),
        _asked("a subnet of IPv6", _opt(_SUBNET_6)),
        _asked("a subnet of nobody", _opt((8, bytes.fromhex("00010000")))),
        _asked("a subnet, a cookie and padding", _opt(_COOKIE, _SUBNET_4, _PADDING)),
        _asked("a subnet asked about with a scope", _opt((8, bytes.fromhex("00011818c0a801")))),
        _asked("two subnets", _opt(_SUBNET_4, _SUBNET_6)),
        _asked("a subnet for a name nobody has", _opt(_SUBNET_4), name=_NONE),
        _asked("a subnet for another zone", _opt(_SUBNET_4), name=_OTHER),
        _asked("a subnet without an address", _opt((8, bytes.fromhex("00011800")))),
        _asked("a subnet that is cut", _opt((8, b"\x00\x01"))),
        _asked("a subnet of an unknown family", _opt((8, bytes.fromhex("00031800c0a801")))),
        _asked("a subnet with a prefix that is too long", _opt((8, bytes.fromhex("00012100c0a80101")))),
        _asked("a subnet with too many bytes", _opt((8, bytes.fromhex("00010800c0a80101")))),
        _asked("a subnet of family 0", _opt((8, bytes.fromhex("00000000")))),
        _asked("a subnet of family 0 with a prefix", _opt((8, bytes.fromhex("00001800c0a801")))),
        _asked("a subnet of family 0 with an address", _opt((8, bytes.fromhex("00000000c0a801")))),
        _asked("a subnet with bits beyond its prefix", _opt((8, bytes.fromhex("00011400c0a8ff")))),
        _asked("a subnet of IPv6 with a prefix that is too long", _opt((8, bytes.fromhex("0002810020010db8")))),
        _asked("a subnet of IPv6 with too many bytes", _opt((8, bytes.fromhex("00024000" + "20010db8" * 5)))),
        _asked("a subnet of IPv4 with too many bytes", _opt((8, bytes.fromhex("00011800" + "c0a80101" * 2)))),
        _asked("a subnet with a scope that is too long", _opt((8, bytes.fromhex("00011821c0a801")))),
        _asked("a subnet of IPv6 with a scope that is too long", _opt((8, bytes.fromhex("0002208120010db8")))),
        _asked("a subnet of family 0 with a scope", _opt((8, bytes.fromhex("000000ff")))),
        _asked("the second of two subnets is wrong", _opt(_SUBNET_4, (8, b"\x00\x03\x18\x00"))),
        _asked("a wrong subnet with bits of the header", _opt((8, b"\x00\x01")), flags=0x0770, differs=_BITS),
        _asked("a wrong subnet for another zone", _opt((8, b"\x00\x01")), name=_OTHER),
        _asked("an OPT record that is cut", _opt()[:-1]),
        _asked("an OPT record that promises more than it has", _opt()[:-2] + b"\x00\x05"),
        _asked("an option that promises more than it has", _opt((10, b"1234"))[:-6] + b"\x00\x09" + b"1234"),
        _asked("an option without a length", _opt()[:-2] + b"\x00\x02\x00\x0a"),
        _asked(
            "a record whose name points to itself",
            b"\xc0\x24\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00",
            differs=_NOT_READ,
        ),
        _asked("a record whose name is of no known kind", b"\x80\x24\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"),
        _asked("an address beside a question", _WEB + bytes.fromhex("0001000100000000000401020304")),
        _asked(
            "half an address beside a question", _WEB + bytes.fromhex("000100010000000000020102"), differs=_NOT_READ
        ),
        _asked("a record of no known kind beside a question", _WEB + bytes.fromhex("ff00000100000000000401020304")),
        _asked("a host name beside a question", _WEB + bytes.fromhex("00050001000000000002c00c")),
        _asked(
            "a host name cut beside a question", _WEB + bytes.fromhex("000500010000000000020361"), differs=_NOT_READ
        ),
        _asked("a signature beside a question", b"\x00" + bytes.fromhex("00fa00ff000000000000")),
        _asked("an OPT record before another one", _opt(), _WEB + bytes.fromhex("0001000100000000000401020304")),
        _asked("an OPT record after another one", _WEB + bytes.fromhex("0001000100000000000401020304"), _opt()),
        _asked("three records beside a question", _opt(), _opt(), _opt()),
        _asked("an OPT record with a name", _opt(owner=b"\x03opt\x00")),
        _asked("other bits of the header", flags=0x0170),
        _asked("no recursion desired", flags=0x0000),
        _asked("checking disabled with EDNS", _opt(flags=0x8000), flags=0x0110),
        _asked("an authoritative question", flags=0x0500),
        _asked("a truncated question", flags=0x0300),
        _asked("a question with recursion available", flags=0x0180),
        _asked("case that clients mix to be sure", _opt(), name=_TARGET),
        _asked("case that clients mix, SRV", _opt(), name=_TARGET, kind=33),
        _asked("the class NONE", qclass=254),
        _asked("the class HESIOD", qclass=4),
        _asked("a kind of number 0", kind=0),
        _asked("the kind OPT", kind=41),
        _asked("the kind SVCB", kind=64),
        _asked("the kind ANY for another zone", _opt(), name=_OTHER, kind=255),
        _asked("the kind MAILB", kind=253),
        _asked("the kind 65535", kind=65535),
    ),
)
