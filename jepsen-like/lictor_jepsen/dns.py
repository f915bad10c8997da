"""One DNS question over UDP or TCP, asked once: no name server's library, which would ask again or elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Final, NamedTuple

import dnslib

from lictor_jepsen.http import BrokenAnswer

__all__ = ["Found", "Record", "ask"]

_UDP_BYTES_MAX: Final = 4096
"""What the client takes over UDP (EDNS): more than all instances of a run need."""
_OPT: Final = 41
"""The type of what is no record of data, but tells of the message (RFC 6891)."""
_UNREADABLE: Final = (ValueError, LookupError, struct.error, BufferError, AttributeError)
"""What dnslib raises, beside its own errors, for bytes that are no message."""


class Record(NamedTuple):
    """A record of an answer, its data as zone files write it."""

    name: str
    kind: str
    data: str


class Found(NamedTuple):
    """An answer."""

    code: str
    """`NOERROR`, `NXDOMAIN`, `SERVFAIL`, ..."""
    is_cut: bool
    """Whether records were left out."""
    records: tuple[Record, ...]
    beside: tuple[Record, ...]
    """The additional section."""


async def ask(address: str, port: int, name: str, kind: str, *, over_tcp: bool, timeout_s: float) -> Found:
    """Ask. Raises `OSError`: a time-out, a refused connection, `BrokenAnswer` for what answers nothing or another."""
    question = dnslib.DNSRecord.question(name, kind)
    question.add_ar(dnslib.EDNS0(udp_len=_UDP_BYTES_MAX))
    exchange = _tcp if over_tcp else _udp
    try:
        async with asyncio.timeout(timeout_s):
            packet = await exchange(address, port, bytes(question.pack()))
    except TimeoutError:
        raise TimeoutError(f"no answer within {timeout_s} s") from None
    return _read(packet, question.header.id)


def _read(packet: bytes, id_: int) -> Found:
    try:
        message = dnslib.DNSRecord.parse(packet)
        records, beside = _records(message.rr), _records(message.ar)
    except (dnslib.DNSError, *_UNREADABLE) as error:
        raise BrokenAnswer(f"no DNS message: {error}") from error
    if message.header.id != id_:
        raise BrokenAnswer("an answer to another question")
    code = dnslib.RCODE.forward.get(message.header.rcode, str(message.header.rcode))
    return Found(code, bool(message.header.tc), records, beside)


def _records(rows: list[dnslib.RR]) -> tuple[Record, ...]:
    kinds = dnslib.QTYPE.forward
    return tuple(
        Record(str(row.rname).lower(), kinds.get(row.rtype, str(row.rtype)), row.rdata.toZone())
        for row in rows
        if row.rtype != _OPT
    )


class _Exchange(asyncio.DatagramProtocol):
    """The first datagram that comes, or the error instead."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        del addr
        if not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _udp(address: str, port: int, packet: bytes) -> bytes:
    """From a socket of its own, so that no late answer to another question comes here."""
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_datagram_endpoint(_Exchange, remote_addr=(address, port))
    try:
        transport.sendto(packet)
        return await exchange.answer
    finally:
        transport.close()
        await asyncio.sleep(0)  # closing takes one more pass of the loop


async def _tcp(address: str, port: int, packet: bytes) -> bytes:
    """Behind its length (RFC 1035, 4.2.2)."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(struct.pack("!H", len(packet)) + packet)
        [length] = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise BrokenAnswer(f"no whole answer: {error}") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
