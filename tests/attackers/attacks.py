"""The attacks. Each raises `AssertionError` when the attacker got more than a refusal."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from typing import Final

from lictor_core.frames import Frame, FrameKind, encode_frame
from lictor_server.raft.framing import framed
from lictor_server.raft.hello import PREAMBLE
from tests.attackers.fortress import Fortress
from tests.attackers.kinds import Door
from tests.attackers.visits import (
    connect,
    context_of,
    drained,
    frames_in,
    has_come_in,
    introduction,
    spoken,
    visit,
)
from tests.server.certificates import Authority, Pair

__all__ = [
    "Attack", "as_client", "by_name", "cross_site", "expired", "foreign", "other_protocol", "oversized",
    "slow", "stranger", "truncated", "unproven", "with_foreign_token", "with_revoked_token",
]  # fmt: skip

Attack = Callable[[Fortress, Door], None]
EVIL: Final = "https://evil.example"
_MB: Final = 1 << 20
_SLOW_S_MAX: Final = 45.0
"""The longest bound is ten seconds; the rest is for a busy machine."""


# Certificates.


def unproven(fort: Fortress, door: Door) -> None:
    """By TLS without a certificate; and without TLS at all."""
    _refused(fort, door, context_of(fort, door, None))
    _refused(fort, door, None)


def foreign(fort: Fortress, door: Door) -> None:
    """A certificate with all the right names, of a CA that nobody here knows."""
    other = Authority(fort.scratch / f"foreign-{door.name}")
    _refused(fort, door, context_of(fort, door, _pair(fort, other, door, "web")))


def expired(fort: Fortress, door: Door) -> None:
    """A certificate that was good until yesterday."""
    of = fort.mesh if door is Door.PROXY else fort.authority
    _refused(fort, door, context_of(fort, door, _pair(fort, of, door, "web", expired=True)))


def stranger(fort: Fortress, door: Door) -> None:
    """At a proxy: a service that no intention lets in, and an agent, who is no service."""
    _refused(fort, door, context_of(fort, door, _pair(fort, fort.mesh, door, "stranger")))
    _refused(fort, door, context_of(fort, door, fort.client))


def _pair(fort: Fortress, authority: Authority, door: Door, service: str, *, expired: bool = False) -> Pair:
    name = f"{service}-{door.name}-{expired}"
    if door is not Door.PROXY:
        return authority.server(name, expired=expired)
    uri = f"spiffe://{fort.trust_domain}/ns/default/dc/dc1/svc/{service}"
    return authority.issue(name, [f"{service}.example"], uris=[uri], expired=expired)


def _refused(fort: Fortress, door: Door, context: ssl.SSLContext | None) -> None:
    heard = b""
    with contextlib.suppress(OSError), connect(fort.place(door), context) as connection:
        connection.sendall(spoken(fort, door))
        heard = drained(connection)
    assert not has_come_in(door, heard), f"came in, and heard {heard[:100]!r}"
    if context is not None:
        assert heard == b"", f"was told {heard[:100]!r} before anything was proven"


def as_client(fort: Fortress, door: Door) -> None:
    """A client's certificate: it may ask what agents ask, and nothing that servers ask of one another."""
    if door is Door.RAFT:
        heard = visit(fort, door, fort.client)
        assert not has_come_in(door, heard), "a client keeps the log"
        return
    said = (
        introduction() if door is Door.JOIN else encode_frame(Frame(FrameKind.REQUEST, 1, "leader.read_index", b"\xc2"))
    )
    (frame,) = frames_in(visit(fort, door, fort.client, said))
    assert (frame.kind, frame.method) == (FrameKind.ERROR, "permission_denied"), frame
    if door is Door.RPC:
        (frame,) = frames_in(visit(fort, door, fort.good, said))
        assert frame.kind is FrameKind.REPLY, "a server may"


# Tokens.


def with_revoked_token(fort: Fortress, door: Door) -> None:
    """It was good, and was deleted."""
    _denied(fort, door, fort.revoked)


def with_foreign_token(fort: Fortress, door: Door) -> None:
    """Nobody here made it."""
    _denied(fort, door, fort.foreign)


def _denied(fort: Fortress, door: Door, token: str) -> None:
    heard = visit(fort, door, None, spoken(fort, door, token))
    assert not has_come_in(door, heard)
    assert token.encode() not in heard, "a refusal repeats the secret"
    if door in (Door.RPC, Door.JOIN):
        (frame,) = frames_in(heard)
        assert (frame.kind, frame.method) == (FrameKind.ERROR, "permission_denied"), frame
    else:
        assert heard.startswith(b"HTTP/1.1 403 "), heard[:200]


# Browsers.


def cross_site(fort: Fortress, door: Door) -> None:
    """A form that a page posts."""
    body = b'{"SourceName": "evil", "DestinationName": "*", "Action": "allow"}'
    head = f"POST /v1/connect/intentions HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {EVIL}\r\nContent-Type: text/plain\r\n"
    heard = _told(fort, door, f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    if door is Door.ADMIN:
        assert heard.split()[1] in (b"404", b"405"), heard[:200]
    else:
        assert heard.startswith(b"HTTP/1.1 403 "), heard[:200]
        assert b"another site" in heard
    assert b"\r\nAccess-Control-Allow-Origin:" not in heard, "the page may read it"
    assert b"evil" not in fort.api("GET", "/v1/connect/intentions")[1]


def other_protocol(fort: Fortress, door: Door) -> None:
    """A page may have its browser speak HTTP to any port; a port of something else makes nothing of it."""
    body = spoken(fort, door)
    head = f"POST / HTTP/1.1\r\nHost: {fort.host}\r\nOrigin: {EVIL}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    heard = b""
    with connect(fort.place(door)) as connection, contextlib.suppress(OSError):
        connection.sendall(head + body)
        heard = drained(connection)
    assert not has_come_in(door, heard)
    assert not heard.startswith(b"HTTP/"), f"answers a browser: {heard[:100]!r}"


def by_name(fort: Fortress, door: Door) -> None:
    """A name of somebody else that was made to lead here: for the browser it is the same site."""
    heard = _told(fort, door, b"GET /v1/agent/self HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    if door is Door.ADMIN:
        heard = _told(fort, door, b"GET /live HTTP/1.1\r\nHost: evil.example:9\r\nConnection: close\r\n\r\n")
    assert heard.split()[1][:1] == b"4", heard[:200]
    assert b"evil.example" in heard, "the reason is not told"
    assert not has_come_in(door, heard)


def _told(fort: Fortress, door: Door, said: bytes) -> bytes:
    """All that comes until the other end closes."""
    place = fort.unix if door is Door.UNIX else fort.place(door)
    with connect(place, context_of(fort, door, fort.good)) as connection:
        connection.sendall(said)
        return drained(connection)


# Too much, too little, too slowly.


def oversized(fort: Fortress, door: Door) -> None:
    """More than fits: refused before it has come, and the next visitor is served."""
    match door:
        case Door.HTTP | Door.HTTPS | Door.UNIX:
            head = b"GET /v1/kv/a HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * _MB + b"\r\n\r\n"
            assert _status(_flooded(fort, door, head)) in (b"", b"400", b"431")
            claim = b"PUT /v1/kv/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n"
            assert _status(_flooded(fort, door, claim)) in (b"403", b"413")
        case Door.ADMIN:
            head = b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * _MB + b"\r\n\r\n"
            assert _status(_flooded(fort, door, head)) in (b"", b"400", b"431")
        case Door.DNS_UDP:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                datagrams.sendto(os.urandom(60_000), fort.place(door))
        case Door.DNS_TCP:
            assert len(_flooded(fort, door, b"\xff\xff" + bytes(65_535))) <= 2 + 512
        case Door.RPC | Door.JOIN:
            heard = _flooded(fort, door, b"\x00\x7f\xff\xff" + bytes(_MB))
            assert all(frame.kind is FrameKind.ERROR for frame in frames_in(heard))
        case Door.RAFT:
            assert not has_come_in(door, _flooded(fort, door, PREAMBLE + b"\x7f\xff\xff\xff" + bytes(_MB)))
            assert not has_come_in(door, _flooded(fort, door, PREAMBLE + framed(bytes(8192))))
        case Door.GRPC:
            preface = spoken(fort, door)
            heard = _flooded(fort, door, preface + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(_MB))
            assert len(heard) < _MB
        case Door.PROXY:
            with connect(fort.place(door)) as connection, contextlib.suppress(OSError):
                connection.sendall(b"\x16\x03\x01\xff\xff" + bytes(_MB))
                assert len(drained(connection)) < 100
    assert has_come_in(door, visit(fort, door)), "nobody is served any more"


def _status(heard: bytes) -> bytes:
    """The status of an HTTP answer; empty when the connection was only closed."""
    return heard.split()[1] if heard else b""


def _flooded(fort: Fortress, door: Door, said: bytes) -> bytes:
    """What is heard by who goes on sending for as long as anybody takes it."""
    place = fort.unix if door is Door.UNIX else fort.place(door)
    with connect(place, context_of(fort, door, fort.good)) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(said)
        heard = b""
        with contextlib.suppress(OSError):
            heard = drained(connection)
        return heard


def truncated(fort: Fortress, door: Door) -> None:
    """Half of what is right, and the end: no answer to what was never asked, and the next visitor is served."""
    said = spoken(fort, door)
    half = said[: len(said) // 2]
    if door is Door.DNS_UDP:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(half, fort.place(door))
    else:
        place = fort.unix if door is Door.UNIX else fort.place(door)
        pair = fort.leaf if door is Door.PROXY else fort.good
        heard = b""
        with contextlib.suppress(OSError), connect(place, context_of(fort, door, pair)) as connection:
            connection.sendall(half)
            if isinstance(connection, ssl.SSLSocket):
                connection.unwrap()
            else:
                connection.shutdown(socket.SHUT_WR)
                heard = drained(connection)
        assert not has_come_in(door, heard)
    assert has_come_in(door, visit(fort, door)), "nobody is served any more"


def slow(fort: Fortress, door: Door) -> None:
    """One byte since the tests began: the connection was ended, or is about to be."""
    waiting = fort.waiting[door]
    waiting.settimeout(_SLOW_S_MAX)
    try:
        heard = drained(waiting)
    except TimeoutError:
        raise AssertionError(f"{door.value} waits for a second byte for more than {_SLOW_S_MAX:g} s") from None
    assert not has_come_in(door, heard)
