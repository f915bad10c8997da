"""DNS messages of clients, over UDP and TCP, to the answer: at most one, bounded, that repeats id and question."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from lictor_dns.settings import DnsSettings
from tests.dns.asking import query
from tests.dns.test_any_message import check, reply_to

_SETTINGS = (
    DnsSettings(),
    DnsSettings(alt_domain="alt.consul", node_meta_txt=True, enable_truncate=True),
    DnsSettings(only_passing=True, udp_answer_limit=1, a_record_limit=1, disable_compression=True),
)
_NAMES = (
    "many.service.consul", "web.service.consul", "v1.web.service.consul", "_many._tcp.service.consul", "n1.node.consul",
    "six.service.dc1.consul", "hosted.service.consul", "inside.service.consul", "0a000001.addr.consul", "consul",
    "1.0.0.10.in-addr.arpa", "web.query.consul", "web.connect.consul", "web.ingress.consul", "web.virtual.consul",
    "example.com",
)  # fmt: skip


def run(data: bytes) -> None:
    """The first byte chooses transport and settings."""
    if not data:
        return
    is_udp, message = bool(data[0] & 1), data[1:]
    reply = reply_to(message, _SETTINGS[(data[0] >> 1) % len(_SETTINGS)], is_udp=is_udp)
    check(message, reply, is_udp=is_udp)


def seeds() -> Iterable[bytes]:
    """A question for each kind of name, with and without EDNS, and what breaks the rules."""
    for number, name in enumerate(_NAMES):
        for kind in ("A", "SRV", "TXT", "ANY", "SOA"):
            yield bytes([number % 6]) + query(name, kind, payload=1232 if number % 2 else None)
    plain = query("web.service.consul", "A")
    yield b"\x00" + plain + struct.pack(">HHIH", 1, 1, 1, 0)
    yield b"\x01" + plain[:20]
    yield b"\x01" + plain[:12] + b"\xc0\x0c\x00\x01\x00\x01"
    yield b"\x00" + plain[:2] + b"\x80" + plain[3:]
