"""DNS servers of the world outside, small and odd: what recursors are pointed at in tests.

What is asked says how it is answered: see `_ODD` and `_RECORDS`. Everything asked is remembered, with its port.
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Callable, Generator, Mapping
from typing import Final, NamedTuple, TypeAlias

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.support.ports import free_port

__all__ = ["HOST", "MANY", "Asked", "Odd", "Upstream", "upstream", "upstreams"]

HOST: Final = "127.0.0.1"
MANY: Final = 60
_UDP_BYTES_MIN: Final = 512
_TTL: Final = 300
_RECORDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("www.example.com.", "A"): ("203.0.113.80",),
    ("www.example.com.", "AAAA"): ("2001:db8::80",),
    ("www.example.com.", "TXT"): ('"v=spf1 -all"', '"two" "strings"'),
    ("www.example.com.", "MX"): ("10 mail.example.com.",),
    ("_sip._tcp.example.com.", "SRV"): ("1 2 5060 www.example.com.",),
    ("host.example.com.", "A"): ("203.0.113.7", "203.0.113.8"),
    ("host.example.com.", "AAAA"): ("2001:db8::7",),
    ("node.example.com.", "A"): ("203.0.113.9",),
    ("six.example.com.", "AAAA"): ("2001:db8::6",),
    ("eight.example.com.", "A"): tuple(f"203.0.113.{number}" for number in range(50, 58)),
    ("inwards.example.com.", "CNAME"): ("n1.node.consul.",),
    ("not-first.example.com.", "A"): ("203.0.113.2",),
    ("alias.example.com.", "CNAME"): ("www.example.com.",),
    ("many.example.com.", "A"): tuple(f"203.0.113.{number}" for number in range(100, 100 + MANY)),
    ("7.113.0.203.in-addr.arpa.", "PTR"): ("host.example.com.",),
}
_SOA: Final = "ns.example.com. hostmaster.example.com. 7 3600 600 86400 60"


Odd: TypeAlias = Callable[[bytes, bytes, str], list[bytes]]
"""What is sent instead of an answer, of the question, the right answer, and the transport."""


class Asked(NamedTuple):
    """One question as it came: over `transport`, from `port`."""

    transport: str
    port: int
    message: dns.message.Message
    wire: bytes


class Upstream:
    """One server over UDP and TCP on `port`; `name` stands in its answers for `who.example.com` TXT.

    `odd` maps names to what is done instead of an answer.
    """

    def __init__(self, name: str, port: int, odd: Mapping[str, Odd]) -> None:
        self.name = name
        self.port = port
        self.asked: list[Asked] = []
        self.odd = dict(odd)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{HOST}:{self.port}"

    def names(self) -> list[str]:
        """`transport name type` of what was asked, in order."""
        return [
            f"{one.transport} {one.message.question[0].name} {dns.rdatatype.to_text(one.message.question[0].rdtype)}"
            for one in self.asked
        ]

    def answer(self, wire: bytes, transport: str, port: int) -> list[bytes]:
        """What is sent for a question."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return []
        self.asked.append(Asked(transport, port, query, wire))
        right = self._right(query, transport)
        odd = self.odd.get(query.question[0].name.to_text().lower()) or _ODD.get(
            query.question[0].name.to_text().lower()
        )
        return odd(wire, right, transport) if odd else [right]

    def _right(self, query: dns.message.Message, transport: str) -> bytes:
        reply = dns.message.make_response(query, recursion_available=True, our_payload=1232)
        name, kind = query.question[0].name, query.question[0].rdtype
        self._fill(reply, name.to_text().lower(), dns.rdatatype.to_text(kind))
        wire = reply.to_wire(max_size=65_535)
        size = max(_UDP_BYTES_MIN, query.payload if query.edns >= 0 else 0)
        if transport == "udp" and len(wire) > size:
            reply.flags |= dns.flags.TC
            reply.answer.clear()
            wire = reply.to_wire()
        return wire

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        if name == "who.example.com.":
            _add(reply, name, "TXT", f'"{self.name}"')
            return
        code = dns.rcode.REFUSED if name == f"not-{self.name}.example.com." else _CODES.get(name)
        if code is not None:
            reply.set_rcode(code)
            return
        found = _RECORDS.get((name, kind))
        alias = _RECORDS.get((name, "CNAME"))
        if found is None and alias is not None:
            _add(reply, name, "CNAME", *alias)
            name = alias[0]
            found = _RECORDS.get((name, kind))
        if found:
            _add(reply, name, kind, *found)
            return
        reply.authority.append(dns.rrset.from_text("example.com.", _TTL, "IN", "SOA", _SOA))
        if not reply.answer and all(known != name for known, _ in _RECORDS):
            reply.set_rcode(dns.rcode.NXDOMAIN)


def _add(reply: dns.message.Message, name: str, kind: str, *texts: str) -> None:
    # A set of its own for each: dnspython shuffles the records of a set.
    reply.answer += [dns.rrset.from_text(name, _TTL, "IN", kind, text) for text in texts]


_CODES: Final = {
    "refused.example.com.": dns.rcode.REFUSED,
    "servfail.example.com.": dns.rcode.SERVFAIL,
    "formerr.example.com.": dns.rcode.FORMERR,
    "notimp.example.com.": dns.rcode.NOTIMP,
}


def _silence(_query: bytes, _right: bytes, _transport: str) -> list[bytes]:
    return []


def _wrong_id(_query: bytes, right: bytes, _transport: str) -> list[bytes]:
    return [bytes((right[0] ^ 0xFF, right[1])) + right[2:]]


def _other_question(query: bytes, right: bytes, _transport: str) -> list[bytes]:
    other = dns.message.make_response(dns.message.make_query("www.example.com", "A", id=int.from_bytes(query[:2])))
    return [other.to_wire()]


def _garbage(query: bytes, _right: bytes, _transport: str) -> list[bytes]:
    return [query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:] + b"\xc0"]


def _silent_over_tcp(_query: bytes, right: bytes, transport: str) -> list[bytes]:
    return [] if transport == "tcp" else [right]


_ODD: Final[Mapping[str, Odd]] = {
    "silent.example.com.": _silence,
    "wrong-id.example.com.": _wrong_id,
    "other-question.example.com.": _other_question,
    "garbage.example.com.": _garbage,
    "silent-over-tcp.example.com.": _silent_over_tcp,
}


@contextlib.contextmanager
def upstream(
    name: str = "first",
    *,
    port: int = 0,
    odd: Mapping[str, Odd] | None = None,
) -> Generator[Upstream]:
    """A server that runs while the block does."""
    served = Upstream(name, port or free_port(), odd or {})

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            for piece in served.answer(data, "udp", self.client_address[1]):
                sock.sendto(piece, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(2)) == 2:
                query = self.rfile.read(int.from_bytes(head))
                pieces = served.answer(query, "tcp", self.client_address[1])
                if not pieces:
                    self.rfile.read(1)  # until the other side has enough of it
                for piece in pieces:
                    self.wfile.write(len(piece).to_bytes(2) + piece)

    servers = [
        socketserver.ThreadingUDPServer((HOST, served.port), Datagram),
        _TcpServer((HOST, served.port), Stream),
    ]
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield served
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@contextlib.contextmanager
def upstreams() -> Generator[tuple[Upstream, Upstream]]:
    """Two servers, one called `first`, the other `second`."""
    with upstream("first") as first, upstream("second") as second:
        yield first, second


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
