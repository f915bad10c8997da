"""A question as somebody words it, made into the bytes that a client would send, and read from them again."""

from __future__ import annotations

import ipaddress
import struct
from typing import Final, NamedTuple

import dnslib

from lictor_core.errors import RequestError
from lictor_dns.answer import RecordType
from lictor_dns.names import labels_of
from lictor_dns.question import Question, Refusal, parse

__all__ = ["Asked", "type_number", "type_text", "worded"]

_RECURSION_DESIRED: Final = 0x0100
_IN: Final = 1
_CLIENT_SUBNET: Final = 8  # RFC 7871, section 6
_NUMBERED: Final = "TYPE"  # RFC 3597, section 5
_NUMBER_MAX: Final = 65535
_SHOWN_CHARS_MAX: Final = 100


class Asked(NamedTuple):
    """A question, and how it comes."""

    question: Question
    is_udp: bool


def worded(name: str, kind: str = "A", *, is_udp: bool = True, payload: int = 0, subnet: str = "") -> Asked:
    """The question for `kind` of `name`. With `payload` the client says by EDNS how many bytes it takes, with `subnet`
    (an address with its prefix length) where those are for whom it asks.

    Raises `RequestError` for what cannot be asked.
    """
    labels = labels_of(name)
    if labels is None:
        raise RequestError(f"{name[:_SHOWN_CHARS_MAX]!r} is no DNS name: labels have 1 to 63 bytes, a name 255 at most")
    if not 0 <= payload <= _NUMBER_MAX:
        raise RequestError(f"a payload of {payload} bytes cannot be said: use 0 to {_NUMBER_MAX}")
    options = _subnet_option(subnet) if subnet else b""
    has_edns = bool(payload or options)
    header = struct.pack(">6H", 0, _RECURSION_DESIRED, 1, 0, 0, int(has_edns))
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    message = header + wire + struct.pack(">HH", type_number(kind), _IN)
    if has_edns:
        message += b"\0" + struct.pack(">HHIH", RecordType.OPT, payload, 0, len(options)) + options
    question = parse(message)
    assert not isinstance(question, Refusal), "what is made here is a question"
    return Asked(question, is_udp)


def type_number(kind: str) -> int:
    """The number of a type given by name (`SRV`), as `TYPE33`, or as `33`. Raises `RequestError`."""
    wanted = kind.upper()
    known: dict[str, int] = dnslib.QTYPE.reverse
    number = known.get(wanted)
    if number is not None:
        return number
    digits = wanted.removeprefix(_NUMBERED)
    if digits.isascii() and digits.isdigit() and len(digits) <= len(str(_NUMBER_MAX)) and int(digits) <= _NUMBER_MAX:
        return int(digits)
    raise RequestError(f"{kind[:_SHOWN_CHARS_MAX]!r} is no type of DNS records: use one such as A, AAAA, SRV or TXT")


def type_text(number: int) -> str:
    """The name of a type; as `TYPE65280` where it has none."""
    known: dict[int, str] = dnslib.QTYPE.forward
    return known.get(number, f"{_NUMBERED}{number}")


def _subnet_option(subnet: str) -> bytes:
    try:
        network = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        raise RequestError(f"{subnet[:_SHOWN_CHARS_MAX]!r} is no subnet: write it as 192.0.2.0/24") from None
    family = 1 if network.version == 4 else 2  # IANA's address family numbers
    octets = network.network_address.packed[: (network.prefixlen + 7) // 8]
    data = struct.pack(">HBB", family, network.prefixlen, 0) + octets
    return struct.pack(">HH", _CLIENT_SUBNET, len(data)) + data
