"""What was said once by somebody who was let in, said again byte for byte by somebody else."""

from __future__ import annotations

import contextlib
import socket
import ssl

from lictor_core.calls import WriteRequest
from lictor_core.codec import encode_command, pack
from lictor_core.commands import KVSet
from lictor_core.frames import Frame, FrameKind, encode_frame
from lictor_core.keyring import Ring, parse_key
from lictor_server.handshake import NONCE_BYTES, PROOF_BYTES, greeting, offered
from tests.attackers.fortress import KEY, MANAGEMENT, Fortress
from tests.attackers.kinds import Door
from tests.attackers.visits import connect, context_of, drained, frames_in, has_come_in, spoken

__all__ = ["replayed", "replayed_key"]

_READ_BYTES = 65_536
_KEY = "replayed"


def replayed(fort: Fortress, door: Door) -> None:
    """The bytes under TLS: the other end chose other numbers this time, so they mean nothing."""
    said = _write(door) or spoken(fort, door)
    context = context_of(fort, door, fort.leaf if door is Door.PROXY else fort.good)
    assert context is not None, "only what is secured can be recorded in vain"
    pieces, heard = _recorded(fort, door, context, said)
    if _write(door):
        assert fort.api("GET", f"/v1/kv/{_KEY}")[0] == 200, f"the first time it was written: {heard[:200]!r}"
        assert fort.api("DELETE", f"/v1/kv/{_KEY}")[0] == 200
    else:
        assert has_come_in(door, heard), f"the first time it came in: {heard[:200]!r}"
    with connect(fort.place(door)) as connection, contextlib.suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)
        drained(connection)
    if _write(door):
        assert fort.api("GET", f"/v1/kv/{_KEY}")[0] == 404, "it was written again"


def _write(door: Door) -> bytes:
    """A write, at doors that take one: what would be done twice."""
    if door is Door.HTTPS:
        head = f"PUT /v1/kv/{_KEY} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Consul-Token: {MANAGEMENT}\r\nContent-Length: 1\r\n"
        return f"{head}Connection: close\r\n\r\n1".encode()
    if door is Door.RPC:
        request = WriteRequest(command=encode_command(KVSet(key=_KEY, value=b"1")), token=MANAGEMENT)
        return encode_frame(Frame(FrameKind.REQUEST, 1, "write", pack(request)))
    return b""


def _recorded(fort: Fortress, door: Door, context: ssl.SSLContext, said: bytes) -> tuple[list[bytes], bytes]:
    """What went over the wire in each of the visitor's turns, and what was heard."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = context.wrap_bio(incoming, outgoing)
    pieces: list[bytes] = []
    with connect(fort.place(door)) as connection:

        def turn() -> None:
            if piece := outgoing.read():
                pieces.append(piece)
                connection.sendall(piece)

        def listen() -> bool:
            data = connection.recv(_READ_BYTES)
            incoming.write(data) if data else incoming.write_eof()
            return bool(data)

        while True:
            try:
                end.do_handshake()
                break
            except ssl.SSLWantReadError:
                turn()
                assert listen(), "closed during the handshake"
        end.write(said)
        turn()
        heard = b""
        while not has_come_in(door, heard) and not (door is Door.RPC and frames_in(heard)):
            try:
                more = end.read(_READ_BYTES)
                if not more:
                    break
                heard += more
            except ssl.SSLWantReadError:
                if not listen():
                    break
            except ssl.SSLError:
                break
        return pieces, heard


def replayed_key(fort: Fortress, door: Door) -> None:
    """A proof of a key: it was for two nonces, of which the server chooses one anew."""
    ring, own = Ring((parse_key(KEY),)), bytes(range(NONCE_BYTES))
    with connect(fort.keyed) as connection:
        connection.sendall(greeting(own))
        answer = _exactly(connection, 1 + NONCE_BYTES)
        proofs = offered(ring, "dc1", (own, answer[1:]))
        connection.sendall(proofs)
        assert _exactly(connection, 1 + PROOF_BYTES)[0] == 1, "the first time it was taken"
        connection.sendall(encode_frame(Frame(FrameKind.REQUEST, 1, "leader_status", b"")))
        assert connection.recv(_READ_BYTES), "and what follows is answered"
    with connect(fort.keyed) as connection:
        connection.sendall(greeting(own))
        assert _exactly(connection, 1 + NONCE_BYTES) != answer, "the server's nonce is another one"
        connection.sendall(proofs + encode_frame(Frame(FrameKind.REQUEST, 1, "leader_status", b"")))
        heard = drained(connection)
    assert heard[:1] == b"\0", f"the same proof was taken twice: {heard[:100]!r}"
    with connect(fort.keyed) as connection:
        connection.sendall(encode_frame(Frame(FrameKind.REQUEST, 1, "leader_status", b"")))
        (frame,) = frames_in(drained(connection))
    assert frame.kind is FrameKind.ERROR, "without a key nobody is heard"


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        assert more, f"closed after {data!r}"
        data += more
    return data
