"""A question as somebody words it, made into the bytes that a client would send, and read from them again."""

from __future__ import annotations

import ipaddress
from typing import Final, NamedTuple

import dnslib

from lictor_core.errors import RequestError
from lictor_dns.answer import RecordType
from lictor_dns.names import labels_of
from lictor_dns.protocol import HEADER, OPTION, RECORD, Flag, question_wire
from lictor_dns.question import Question, Refusal, parse
from lictor_dns.subnet import CLIENT_SUBNET, subnet_of

__all__ = ["Asked", "type_number", "type_text", "worded"]

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
    header = HEADER.pack(0, Flag.RECURSION_DESIRED, 1, 0, 0, int(has_edns))
    message = header + question_wire(labels, type_number(kind))
    if has_edns:
        message += b"\0" + RECORD.pack(RecordType.OPT, payload, 0, len(options)) + options
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
    option = subnet_of(network)
    return OPTION.pack(CLIENT_SUBNET, len(option)) + option
