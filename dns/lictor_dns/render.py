"""Answer to bytes, within what the client takes. One routine cuts for all types and both transports.

Answers go first, then the authority, then addresses, then texts, each while there is room, so that a client loses
additional records before it loses an answer, and never gets an empty answer while there are instances.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

import dnslib
from dnslib.label import DNSBuffer, DNSLabel

from lictor_dns.answer import Address, Answer, Data, Record, RecordType, Result, Soa, Srv, Target, Text
from lictor_dns.names import Labels
from lictor_dns.question import HEADER_BYTES, Edns, Question, Refusal, ResponseCode
from lictor_dns.settings import DnsSettings

__all__ = ["TCP_BYTES_MAX", "UDP_BYTES_MAX", "UDP_BYTES_MIN", "Limits", "limits_for", "render", "render_refusal"]

UDP_BYTES_MIN: Final = 512  # RFC 1035, section 4.2.1: what every client takes
TCP_BYTES_MAX: Final = 65535  # the same, 4.2.2: the length before a message has 16 bits
UDP_BYTES_MAX: Final = 65535 - 20 - 8  # what an IPv4 packet holds after its header and UDP's

_QR: Final = 0x8000
_AA: Final = 0x0400
_TC: Final = 0x0200
_RA: Final = 0x0080
_OPCODE_AND_RD: Final = 0x7900
_CODES: Final = {
    Result.FOUND: 0,
    Result.NO_DATA: 0,
    Result.NO_NAME: ResponseCode.NAME_ERROR,
    Result.NOT_OFFERED: ResponseCode.NOT_IMPLEMENTED,
    Result.REFUSED: ResponseCode.REFUSED,
    Result.FAILED: ResponseCode.SERVER_FAILURE,
}
_AUTHORITATIVE: Final = frozenset((Result.FOUND, Result.NO_DATA, Result.NO_NAME, Result.NOT_OFFERED))
_IN: Final = 1
_NAME_BYTES_MAX: Final = 255
_POINTER_REACH: Final = 0x4000  # a compression pointer has 14 bits (RFC 1035, section 4.1.4)
_CLIENT_SUBNET: Final = 8  # RFC 7871, section 6
_RECORD_BYTES_MIN: Final = 16  # an A record whose name is a pointer
_HEADER: Final = struct.Struct(">6H")


class Limits(NamedTuple):
    """What a client takes: `bytes_max` of a message, `answers_max` instances; and how to write and mark it."""

    bytes_max: int
    answers_max: int
    compress: bool
    mark_truncated: bool

    @property
    def records_max(self) -> int:
        """One more answer than a reply can hold: making further ones would be for nothing."""
        return min(self.answers_max, self.bytes_max // _RECORD_BYTES_MIN) + 1


def limits_for(question: Question, settings: DnsSettings, *, is_udp: bool) -> Limits:
    """The limits of the client that asked. Over UDP it takes 512 bytes, or what its EDNS payload says above that."""
    payload = question.edns.payload if question.edns else 0
    bytes_max = min(max(payload, UDP_BYTES_MIN), UDP_BYTES_MAX) if is_udp else TCP_BYTES_MAX
    few = is_udp and bytes_max == UDP_BYTES_MIN
    return Limits(
        bytes_max=bytes_max,
        answers_max=settings.udp_answer_limit if few else TCP_BYTES_MAX,
        compress=not settings.disable_compression,
        mark_truncated=settings.enable_truncate,
    )


def render(question: Question, answer: Answer, limits: Limits) -> bytes:
    """The message that answers `question`, with 0 as its id, at most `limits.bytes_max` long."""
    # A refused question is none of ours; Consul leaves its EDNS unanswered too.
    edns = _edns_record(question.edns) if question.edns and answer.result is not Result.REFUSED else None
    writer = _Writer(question, limits.bytes_max - (len(edns) if edns else 0), compress=limits.compress)
    answers = answer.answers[: limits.answers_max] if answer.interchangeable else answer.answers
    given = writer.add(answers)
    authority = writer.add(answer.authority)
    wanted = dict.fromkeys(itertools.chain(answer.additional, *answer.attached[:given]))
    additional = writer.add(record for record in wanted if record.type is not RecordType.TXT)
    additional += writer.add(record for record in wanted if record.type is RecordType.TXT)
    flags = _QR | question.kept_flags | _CODES[answer.result]
    if answer.result in _AUTHORITATIVE:
        flags |= _AA
    if answer.recursion_available:
        flags |= _RA
    # A client that could be given none of them must be told, whatever the settings say, or it believes in none.
    if given < len(answer.answers) and (limits.mark_truncated or not given):
        flags |= _TC
    message = writer.message
    if edns:
        message += edns
        additional += 1
    _HEADER.pack_into(message, 0, 0, flags, 1, given, authority, additional)
    return bytes(message)


def render_refusal(refusal: Refusal) -> bytes | None:
    """A header with 0 as its id that says why there is no answer; None where nothing is to be sent."""
    if refusal.code is None:
        return None
    flags = _QR | refusal.flags & _OPCODE_AND_RD | refusal.code
    return _HEADER.pack(0, flags, 0, 0, 0, 0)


class _Writer:
    """A message that grows record by record and takes back one that does not fit."""

    def __init__(self, question: Question, bytes_max: int, *, compress: bool) -> None:
        self._buffer = _Buffer(bytes(HEADER_BYTES) + question.wire, compress=compress)
        self._buffer.learn(question.labels, HEADER_BYTES)
        self._bytes_max = bytes_max

    @property
    def message(self) -> bytearray:
        return self._buffer.data

    def add(self, records: Iterable[Record]) -> int:
        """Write records in order until one does not fit; returns how many did."""
        count = 0
        for record in records:
            mark = self._buffer.offset
            name = DNSLabel(record.name)
            dnslib.RR(name, record.type, _IN, record.ttl, _rdata(record.type, record.data)).pack(self._buffer)
            if self._buffer.offset > self._bytes_max:
                self._buffer.forget_from(mark)
                break
            count += 1
        return count


class _Buffer(DNSBuffer):
    """Names point back to where they stood before, also into SRV targets, which are themselves written in full."""

    def __init__(self, data: bytes, *, compress: bool) -> None:
        super().__init__(data)
        self.offset = len(data)
        self._compress = compress

    def encode_name(self, name: DNSLabel) -> None:
        # Far into a long message no new name may be pointed to, but a known one may still be.
        if self._compress and (name.label in self.names or self.offset + _NAME_BYTES_MAX <= _POINTER_REACH):
            super().encode_name(name)
        else:
            super().encode_name_nocompress(name)

    def encode_name_nocompress(self, name: DNSLabel) -> None:
        start = self.offset
        super().encode_name_nocompress(name)
        self.learn(name.label, start)

    def learn(self, labels: Labels, place: int) -> None:
        """Names written from now on may point to `labels`, which stand in full at `place`."""
        for index, label in enumerate(labels):
            if place >= _POINTER_REACH:
                return
            self.names.setdefault(labels[index:], place)
            place += 1 + len(label)

    def forget_from(self, mark: int) -> None:
        """Cut the message at `mark`."""
        del self.data[mark:]
        self.offset = mark
        self.names = {labels: place for labels, place in self.names.items() if place < mark}


def _rdata(kind: RecordType, data: Data) -> dnslib.RD:
    match data:
        case Address(ip):
            return dnslib.A(tuple(ip.packed)) if ip.version == 4 else dnslib.AAAA(tuple(ip.packed))
        case Target(name):
            label = DNSLabel(name)
            if kind is RecordType.CNAME:
                return dnslib.CNAME(label)
            return dnslib.NS(label) if kind is RecordType.NS else dnslib.PTR(label)
        case Srv(priority, weight, port, target):
            return dnslib.SRV(priority, weight, port, DNSLabel(target))
        case Text(strings):
            return dnslib.TXT(strings)
        case Soa():
            times = (data.serial, data.refresh, data.retry, data.expire, data.minimum)
            return dnslib.SOA(DNSLabel(data.primary), DNSLabel(data.mailbox), times)
        case _:
            assert_never(data)


def _edns_record(edns: Edns) -> bytes:
    # The client's own payload comes back, as Consul has it. A subnet comes back with scope 0: true for everybody.
    options: list[dnslib.EDNSOption] = []
    if edns.client_subnet:
        subnet = bytearray(edns.client_subnet)
        subnet[3] = 0
        options.append(dnslib.EDNSOption(_CLIENT_SUBNET, bytes(subnet)))
    buffer = DNSBuffer()
    dnslib.RR(DNSLabel(()), RecordType.OPT, edns.payload, 0, options).pack(buffer)
    return bytes(buffer.data)
