"""Answer to bytes, within what the client takes. One routine cuts for all types and both transports.

Answers go first, then the authority, then addresses, then texts, each while there is room, so that a client loses
additional records before it loses an answer, and never gets an empty answer while there are instances.
"""

from __future__ import annotations

import itertools
import struct
from typing import Final, NamedTuple

from lictor_dns.answer import Answer, RecordType, Result
from lictor_dns.protocol import HEADER, MESSAGE_BYTES_MAX, OPTION, UDP_BYTES_MIN, Flag, ResponseCode
from lictor_dns.question import KEPT_FLAGS, Edns, Question, Refusal
from lictor_dns.settings import DnsSettings
from lictor_dns.subnet import CLIENT_SUBNET, with_scope
from lictor_dns.writer import Writer

__all__ = ["UDP_BYTES_MAX", "Limits", "limits_for", "render", "render_refusal"]

UDP_BYTES_MAX: Final = 65535 - 20 - 8  # what an IPv4 packet holds after its header and UDP's

_CODES: Final = {
    Result.FOUND: 0,
    Result.NO_DATA: 0,
    Result.NO_NAME: ResponseCode.NAME_ERROR,
    Result.NOT_OFFERED: ResponseCode.NOT_IMPLEMENTED,
    Result.REFUSED: ResponseCode.REFUSED,
    Result.ELSEWHERE: ResponseCode.REFUSED,
    Result.FAILED: ResponseCode.SERVER_FAILURE,
}
_NOT_OURS: Final = frozenset((Result.REFUSED, Result.ELSEWHERE))
_OPT: Final = struct.Struct(">BHHIH")  # RFC 6891, section 6.1.2: the root, the type, payload, flags, length
_RECORD_BYTES_MIN: Final = 16  # an A record whose name is a pointer


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
    bytes_max = min(max(payload, UDP_BYTES_MIN), UDP_BYTES_MAX) if is_udp else MESSAGE_BYTES_MAX
    few = is_udp and bytes_max == UDP_BYTES_MIN
    return Limits(
        bytes_max=bytes_max,
        answers_max=settings.few_max if few else MESSAGE_BYTES_MAX,
        compress=not settings.disable_compression,
        mark_truncated=settings.enable_truncate,
    )


def render(question: Question, answer: Answer, limits: Limits) -> bytes:
    """The message that answers `question`, with 0 as its id, at most `limits.bytes_max` long."""
    # A refused question is none of ours; Consul leaves its EDNS unanswered too.
    is_ours = answer.result is not Result.REFUSED
    edns = _edns_record(question.edns, scoped=answer.scoped) if question.edns and is_ours else None
    bytes_max = limits.bytes_max - (len(edns) if edns else 0)
    writer = Writer(question.wire, question.labels, bytes_max, compress=limits.compress)
    answers = answer.answers[: limits.answers_max] if answer.interchangeable else answer.answers
    given = writer.add(answers)
    authority = writer.add(answer.authority)
    wanted = dict.fromkeys(itertools.chain(answer.additional, *answer.attached[:given]))
    additional = writer.add(record for record in wanted if record.type is not RecordType.TXT)
    additional += writer.add(record for record in wanted if record.type is RecordType.TXT)
    flags = Flag.RESPONSE | question.kept_flags | _CODES[answer.result]
    if answer.authoritative and answer.result not in _NOT_OURS:
        flags |= Flag.AUTHORITATIVE
    if answer.recursion_available:
        flags |= Flag.RECURSION_AVAILABLE
    # A client that could be given none of them must be told, whatever the settings say, or it believes in none.
    if given < len(answer.answers) and (limits.mark_truncated or not given):
        flags |= Flag.TRUNCATED
    message = writer.message
    if edns:
        message += edns
        additional += 1
    HEADER.pack_into(message, 0, 0, flags, 1, given, authority, additional)
    return bytes(message)


def render_refusal(refusal: Refusal) -> bytes | None:
    """A message with 0 as its id that says why there is no answer; None where nothing is to be sent."""
    if refusal.code is None:
        return None
    flags = Flag.RESPONSE | refusal.flags & (Flag.OPCODE | KEPT_FLAGS) | refusal.code
    return HEADER.pack(0, flags, 1 if refusal.wire else 0, 0, 0, 0) + refusal.wire


def _edns_record(edns: Edns, *, scoped: bool) -> bytes:
    # The client's own payload comes back, as Consul has it.
    options = b""
    if edns.client_subnet:
        subnet = with_scope(edns.client_subnet, scoped=scoped)
        options = OPTION.pack(CLIENT_SUBNET, len(subnet)) + subnet
    return _OPT.pack(0, RecordType.OPT, edns.payload, 0, len(options)) + options
