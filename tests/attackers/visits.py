"""What somebody says at each door who may come in, and what is heard there: the measure of every refusal."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Final

import msgspec

from lictor_core.calls import ReadRequest
from lictor_core.codec import pack
from lictor_core.frames import Frame, FrameKind, FrameReader, encode_frame
from lictor_core.queries import KeyQuery
from lictor_core.registry import ReadOptions
from lictor_server.cluster import ServerCard
from lictor_server.raft.hello import Answer, AnswerReader, Hello, greeting_bytes
from lictor_server.tls import ALPN_RAFT, ALPN_RPC
from tests.attackers.fortress import MANAGEMENT, Fortress
from tests.attackers.kinds import Door
from tests.dns.asking import query
from tests.server.certificates import Pair

__all__ = [
    "ALPN", "SECURED", "TREASURE", "connect", "drained", "frames_in", "greeting", "has_come_in", "introduction",
    "spoken", "visit",
]  # fmt: skip

SECURED: Final = (Door.HTTPS, Door.RPC, Door.RAFT, Door.JOIN, Door.GRPC, Door.PROXY)
"""Where TLS is spoken and a certificate asked for."""
ALPN: Final = {Door.RPC: ALPN_RPC, Door.RAFT: ALPN_RAFT, Door.JOIN: ALPN_RPC, Door.GRPC: "h2"}
TREASURE: Final = b"treasure"
"""What stands under the key `secret`; base64 of it is in JSON."""
_SHOWN: Final = (TREASURE, b"InRyZWFzdXJlIg==")
_WITHIN_S: Final = 20.0
_READ_BYTES: Final = 65_536
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS: Final = 4


def connect(
    place: tuple[str, int] | str, context: ssl.SSLContext | None = None, *, timeout_s: float = _WITHIN_S
) -> socket.socket:
    """A connection, with TLS if a context is given. Raises `OSError`, of which `ssl.SSLError` is one."""
    if isinstance(place, str):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(timeout_s)
        plain.connect(place)
    else:
        plain = socket.create_connection(place, timeout=timeout_s)
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain)
    except OSError:
        plain.close()
        raise


def drained(connection: socket.socket, *, until: bytes = b"", bytes_max: int = 1 << 20) -> bytes:
    """What comes until the other end closes, `until` was heard, or nothing comes in time (`TimeoutError`)."""
    heard = b""
    while len(heard) < bytes_max and (not until or until not in heard):
        try:
            more = connection.recv(_READ_BYTES)
        except (ConnectionError, ssl.SSLError):
            break
        if not more:
            break
        heard += more
    return heard


def spoken(fort: Fortress, door: Door, token: str = MANAGEMENT) -> bytes:
    """What a visitor says who shows `token`, where the door takes one."""
    match door:
        case Door.HTTP | Door.HTTPS | Door.UNIX | Door.PROXY:
            head = (
                f"GET /v1/kv/secret HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Consul-Token: {token}\r\nConnection: close\r\n\r\n"
            )
            return head.encode()
        case Door.RPC | Door.JOIN:
            request = ReadRequest(query=KeyQuery(key="secret"), options=ReadOptions(token=token))
            return encode_frame(Frame(FrameKind.REQUEST, 1, "read", pack(request)))
        case Door.RAFT:
            return greeting(fort)
        case Door.GRPC:
            return _PREFACE
        case Door.ADMIN:
            return b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        case Door.DNS_UDP:
            return query("consul.service.consul", "A")
        case Door.DNS_TCP:
            message = query("consul.service.consul", "A")
            return len(message).to_bytes(2, "big") + message


def has_come_in(door: Door, heard: bytes) -> bool:
    """Whether what was heard is what one hears inside."""
    match door:
        case Door.HTTP | Door.HTTPS | Door.UNIX | Door.PROXY | Door.RPC | Door.JOIN:
            return any(text in heard for text in _SHOWN)
        case Door.RAFT:
            return _answered(heard) is not None and _answered(heard) == ""
        case Door.GRPC:
            return len(heard) >= 9 and heard[3] == _SETTINGS
        case Door.ADMIN:
            return b"SourceAgeSeconds" in heard
        case Door.DNS_UDP:
            return len(heard) > 12 and struct.unpack_from(">H", heard, 6)[0] > 0
        case Door.DNS_TCP:
            return len(heard) > 14 and struct.unpack_from(">H", heard, 8)[0] > 0


def _answered(heard: bytes) -> str | None:
    """The code of a Raft answer; empty when the connection was taken."""
    try:
        answer: Answer | None = AnswerReader().feed(heard)
    except Exception:
        return None
    return None if answer is None else answer.code


def greeting(fort: Fortress) -> bytes:
    """The first words of a server that is not there yet."""
    return greeting_bytes(
        Hello(
            datacenter="dc1",
            cluster_id="",
            id="99999999-0000-4000-8000-000000000009",
            name="visitor",
            address="127.0.0.1:1",
            expects=fort.node_id,
            incarnation="visitor",
        )
    )


def introduction() -> bytes:
    """The card of a server that wants to belong."""
    card = ServerCard(id="99999999-0000-4000-8000-000000000009", name="v", address="127.0.0.1:1", datacenter="dc1")
    return encode_frame(Frame(FrameKind.REQUEST, 1, "server.introduce", msgspec.msgpack.encode(card)))


def frames_in(heard: bytes) -> list[Frame]:
    """The whole frames of what was heard."""
    return FrameReader().feed(heard)


def visit(fort: Fortress, door: Door, pair: Pair | None = None, said: bytes | None = None) -> bytes:
    """What is heard by who shows `pair` (a server's, at the proxy a leaf of the mesh, without any) and says it."""
    words = spoken(fort, door) if said is None else said
    if door is Door.DNS_UDP:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(_WITHIN_S)
            datagrams.sendto(words, fort.place(door))
            return datagrams.recv(_READ_BYTES)
    context = context_of(fort, door, pair or (fort.leaf if door is Door.PROXY else fort.good))
    place = fort.unix if door is Door.UNIX else fort.place(door)
    with connect(place, context) as connection:
        connection.sendall(words)
        heard = b""
        while not has_come_in(door, heard) and not (door in (Door.RPC, Door.JOIN) and frames_in(heard)):
            more = connection.recv(_READ_BYTES)
            if not more:
                break
            heard += more
        return heard


def context_of(fort: Fortress, door: Door, pair: Pair | None) -> ssl.SSLContext | None:
    """TLS as one speaks it at a door; none where it is plain."""
    if door not in SECURED:
        return None
    return fort.context(pair, alpn=ALPN.get(door, ""), trusting=fort.roots if door is Door.PROXY else "")
