"""One DNS question: answers of servers on loopback, good ones and others."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import cast

import dnslib
import pytest
from dnslib.label import DNSBuffer, DNSLabel

from lictor_jepsen.dns import Found, Record, ask
from lictor_jepsen.http import BrokenAnswer
from tests.jepsen_like.misbehaving import serving

NAME = "web.service.consul."
Replies = Callable[[bytes], bytes]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # in Python 3.11 it is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        reply = self._replies(data)
        if reply:
            self._transport.sendto(reply, addr)


@asynccontextmanager
async def _over(transport: str, replies: Replies) -> AsyncGenerator[int]:
    """The port of a name server on 127.0.0.1."""
    if transport == "udp":
        place, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Server(replies), local_addr=("127.0.0.1", 0)
        )
        try:
            yield place.get_extra_info("sockname")[1]
        finally:
            place.close()
            await asyncio.sleep(0)  # closing takes one more pass of the loop
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        [length] = struct.unpack("!H", await reader.readexactly(2))
        reply = replies(await reader.readexactly(length))
        writer.write(struct.pack("!H", len(reply)) + reply if reply else b"\0")
        await writer.drain()

    async with serving(answer) as url:
        yield int(url.rpartition(":")[2])


def _reply(packet: bytes, *, code: int = 0, is_cut: int = 0, id_: int | None = None) -> bytes:
    """An SRV record, its address, and what comes beside."""
    asked = dnslib.DNSRecord.parse(packet).header.id
    header = dnslib.DNSHeader(asked if id_ is None else id_, 0x8000 | is_cut << 9 | code, 0, 1, 0, 2)
    buffer = DNSBuffer()
    header.pack(buffer)
    target = DNSLabel("X-1.node.consul.")
    srv = dnslib.SRV(1, 1, 1030, target)
    dnslib.RR(DNSLabel("WEB.service.consul."), 33, 1, 0, srv).pack(buffer)
    dnslib.RR(target, 1, 1, 0, dnslib.A((10, 0, 0, 6))).pack(buffer)
    dnslib.EDNS0(udp_len=4096).pack(buffer)
    return bytes(buffer.data)


async def _ask(port: int, transport: str, timeout_s: float = 5.0) -> Found:
    return await ask("127.0.0.1", port, NAME, "SRV", over_tcp=transport == "tcp", timeout_s=timeout_s)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_records_and_addresses_beside_them_are_read(transport: str) -> None:
    async with _over(transport, _reply) as port:
        found = await _ask(port, transport)
    assert found.records == (Record("web.service.consul.", "SRV", "1 1 1030 X-1.node.consul."),)
    assert found.beside == (Record("x-1.node.consul.", "A", "10.0.0.6"),)
    assert (found.code, found.is_cut) == ("NOERROR", False)


async def test_the_code_is_told_and_whether_records_were_left_out() -> None:
    async with _over("udp", lambda packet: _reply(packet, code=3, is_cut=1)) as port:
        found = await _ask(port, "udp")
    assert (found.code, found.is_cut) == ("NXDOMAIN", True)


async def test_an_answer_to_another_question_is_none() -> None:
    async with _over("udp", lambda packet: _reply(packet, id_=1)) as port:
        with pytest.raises(BrokenAnswer):
            await _ask(port, "udp")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("bytes_", [b"x", b"\0" * 11, b"\xff" * 40])
async def test_what_is_no_message_is_no_answer(transport: str, bytes_: bytes) -> None:
    async with _over(transport, lambda _packet: bytes_) as port:
        with pytest.raises(BrokenAnswer):
            await _ask(port, transport)


async def test_a_connection_that_ends_within_an_answer_gave_none() -> None:
    async with _over("tcp", lambda _packet: b"") as port:
        with pytest.raises(BrokenAnswer):
            await _ask(port, "tcp")


async def test_silence_is_a_time_out_and_a_closed_port_an_error() -> None:
    async with _over("udp", lambda _packet: b"") as port:
        with pytest.raises(TimeoutError):
            await _ask(port, "udp", 0.05)
    for transport in ("udp", "tcp"):
        with pytest.raises(OSError):
            await _ask(port, transport)
