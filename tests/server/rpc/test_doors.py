"""Any bytes from anybody on the server port: one event at most, a closed connection, and a listener that goes on."""

from __future__ import annotations

import asyncio

import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.frames import Frame, FrameKind, encode_frame
from lictor_server.raft.hello import PREAMBLE, greeting_bytes
from tests.server.raft.links import End, hello_to, running

EVENTS = ("rpc.connection.broken", "rpc.connection.refused", "raft.link.refused", "raft.link.broken")
BEGINNINGS = ("nothing", "raft", "hello", "rpc", "tls", "request")


def beginning(kind: str, end: End) -> bytes:
    match kind:
        case "raft":
            return PREAMBLE
        case "hello":
            return greeting_bytes(hello_to(end))
        case "rpc":
            return b"\x00"
        case "tls":
            return b"\x16\x03\x01"
        case "request":
            return encode_frame(Frame(FrameKind.REQUEST, 1, "echo", b"x"))
        case _:
            return b""


@settings(max_examples=60)
@given(st.sampled_from(BEGINNINGS), st.lists(st.binary(min_size=1, max_size=60), max_size=4))
def test_any_bytes_give_at_most_one_event_and_a_closed_connection(kind: str, parts: list[bytes]) -> None:
    uvloop.run(knocked(kind, parts))


async def knocked(kind: str, parts: list[bytes]) -> None:
    async with running(1) as end:
        reader, writer = await asyncio.open_connection("127.0.0.1", end.listener.port)
        try:
            for part in [beginning(kind, end), *parts]:
                writer.write(part)
                await asyncio.sleep(0)
            writer.write_eof()
            async with asyncio.timeout(30):
                while await reader.read(65536):
                    pass
        except (ConnectionError, RuntimeError):
            pass  # uvloop answers a write to a closed connection with RuntimeError
        writer.transport.abort()
        assert sum(len(end.log.named(event)) for event in EVENTS) <= 1
        assert [entry for entry in end.log.entries if entry["log_level"] in ("error", "critical")] == []
        await still_answers(end)


async def still_answers(end: End) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", end.listener.port)
    writer.write(encode_frame(Frame(FrameKind.REQUEST, 1, "echo", b"x")))
    async with asyncio.timeout(30):
        assert await reader.readexactly(4)
    writer.transport.abort()
