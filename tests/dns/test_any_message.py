"""Whatever comes: at most one answer, never too long, with the id and question it came with, that others can read."""

import ipaddress
import struct
from typing import Final

import dnslib
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_core.records import CRITICAL, WARNING
from lictor_dns.cache import AnswerCache
from lictor_dns.protocol import HEADER_BYTES, ID_BYTES, MESSAGE_BYTES_MAX, UDP_BYTES_MIN
from lictor_dns.question import Question, Refusal, parse
from lictor_dns.render import UDP_BYTES_MAX
from lictor_dns.settings import DnsSettings
from tests.dns.asking import query, text
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service
from tests.support.clock import ManualClock

_MANY: Final = 300
_CATALOG: Final = PlainCatalog(
    [
        *(
            make_instance(
                make_service("many", port=number),
                make_node(f"n{number}", str(ipaddress.ip_address(0x0A000000 + number))),
            )
            for number in range(_MANY)
        ),
        make_instance(
            make_service(tags=["v1"]), make_node("n1", "10.0.0.1", meta={"k": "v", "rfc1035-long": "x" * 700})
        ),
        make_instance(make_service("six", address="2001:db8::1"), make_node("n2", "10.0.0.2"), statuses=[WARNING]),
        make_instance(make_service("hosted", address="a.host.example.com"), make_node("n3", "10.0.0.3")),
        make_instance(make_service("inside", address="n1.node.consul"), make_node("n4", "10.0.0.4")),
        make_instance(make_service("down"), make_node("n5", "10.0.0.5"), statuses=[CRITICAL]),
        make_instance(make_service("consul"), make_node("server", "10.0.0.6")),
    ]
)
_RESPONSE: Final = 0x8000
_LABELS: Final = st.sampled_from(
    [b"web", b"many", b"six", b"hosted", b"inside", b"down", b"v1", b"n1", b"n7", b"_many", b"_tcp", b"0a000001"]
) | st.text("abcXYZ019-_", min_size=1, max_size=63).map(str.encode)
"""Not any bytes: one of the other hands reads no others in a label."""
_SUFFIXES: Final = st.sampled_from(
    [
        (b"service", b"consul"),
        (b"SERVICE", b"dc1", b"Consul"),
        (b"node", b"consul"),
        (b"connect", b"consul"),
        (b"query", b"consul"),
        (b"ingress", b"consul"),
        (b"addr", b"consul"),
        (b"consul",),
        (b"0", b"0", b"10", b"in-addr", b"arpa"),
        (b"ip6", b"arpa"),
        (b"example", b"com"),
        (),
    ]
)
_TYPES: Final = st.sampled_from([1, 28, 33, 255, 16, 5, 2, 6, 12, 15, 65, 35, 251, 252, 41, 0]) | st.integers(0, 65535)
_SETTINGS: Final = st.builds(
    DnsSettings,
    alt_domain=st.sampled_from(["", "alt.consul", "example"]),
    node_ttl_s=st.sampled_from([0, 2**31 - 1]),
    only_passing=st.booleans(),
    node_meta_txt=st.booleans(),
    udp_answer_limit=st.sampled_from([0, 1, 3, 1000]),
    a_record_limit=st.sampled_from([0, 1, 7]),
    enable_truncate=st.booleans(),
    disable_compression=st.booleans(),
)


def reply_to(message: bytes, dns_settings: DnsSettings, *, is_udp: bool) -> bytes | None:
    """What a listener sends back."""
    refused: list[Refusal] = []
    cache = AnswerCache(
        _CATALOG, dns_settings, ManualClock(), SeededRng(1), lambda refusal, _: refused.append(refusal), is_udp=is_udp
    )
    cache.refresh()
    tail = cache.reply(message[ID_BYTES:], "client")
    assert len(refused) <= 1
    return None if tail is None else message[:ID_BYTES] + tail


def room(asked: Question | Refusal, *, is_udp: bool) -> int:
    """The bytes that whoever asked takes."""
    if not is_udp:
        return MESSAGE_BYTES_MAX
    payload = asked.edns.payload if isinstance(asked, Question) and asked.edns else 0
    return min(max(payload, UDP_BYTES_MIN), UDP_BYTES_MAX)


def check(message: bytes, reply: bytes | None, *, is_udp: bool) -> None:
    """All that holds of any reply."""
    asked = parse(message)
    if reply is None:
        assert isinstance(asked, Refusal)
        assert asked.code is None
        return
    assert len(reply) <= room(asked, is_udp=is_udp)
    id, flags, questions, *counts = struct.unpack_from(">6H", reply)
    assert id == int.from_bytes(message[:ID_BYTES], "big")
    assert flags & _RESPONSE
    assert reply[HEADER_BYTES:].startswith(asked.wire)
    assert questions == bool(asked.wire)
    if isinstance(asked, Refusal):
        assert (flags & 15, counts) == (asked.code, [0, 0, 0])
        assert len(reply) == HEADER_BYTES + len(asked.wire)


@given(message=st.binary(max_size=700), is_udp=st.booleans())
def test_any_bytes_get_at_most_one_bounded_answer(message: bytes, is_udp: bool) -> None:
    check(message, reply_to(message, DnsSettings(), is_udp=is_udp), is_udp=is_udp)


@given(
    changes=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 120),
    more=st.binary(max_size=40),
    is_udp=st.booleans(),
)
def test_a_question_with_wrong_bytes_gets_at_most_one_bounded_answer(
    changes: list[tuple[int, int]], cut: int | None, more: bytes, is_udp: bool
) -> None:
    message = bytearray(query("many.service.consul", "SRV", payload=1232)[:cut] + more)
    for place, value in changes:
        if place < len(message):
            message[place] = value
    check(bytes(message), reply_to(bytes(message), DnsSettings(), is_udp=is_udp), is_udp=is_udp)


@settings(max_examples=150)
@given(
    labels=st.lists(_LABELS, max_size=3),
    suffix=_SUFFIXES,
    kind=_TYPES,
    flags=st.sampled_from([0, 0x0100, 0x0110]),
    payload=st.none() | st.sampled_from([0, 512, 513, 1232, 4096, 65535]),
    is_udp=st.booleans(),
    dns_settings=_SETTINGS,
)
def test_every_answer_is_read_by_two_other_hands(
    labels: list[bytes],
    suffix: tuple[bytes, ...],
    kind: int,
    flags: int,
    payload: int | None,
    is_udp: bool,
    dns_settings: DnsSettings,
) -> None:
    name = b"".join(bytes((len(label),)) + label for label in (*labels, *suffix)) + b"\0"
    opt = b"" if payload is None else struct.pack(">BHHIH", 0, 41, payload, 0, 0)
    message = struct.pack(">6H", 0xABCD, flags, 1, 0, 0, bool(opt)) + name + struct.pack(">2H", kind, 1) + opt
    reply = reply_to(message, dns_settings, is_udp=is_udp)
    assert reply is not None
    check(message, reply, is_udp=is_udp)
    read, again = text(reply), dnslib.DNSRecord.parse(reply)
    assert read.id == again.header.id == 0xABCD
    counted = [len(section) for section in (read.answer, read.authority, read.additional)]
    counted[2] += read.edns >= 0
    assert counted == [len(section) for section in (again.rr, again.auth, again.ar)]
