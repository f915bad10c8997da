"""One HTTP/1.1 request on a connection of its own, sent once.

HTTP libraries send a request again when the connection breaks before the answer, also PUT, which HTTP calls idempotent
(RFC 9110, 9.2.2). A write that takes place twice is what this program must blame servers for, so it must not do it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

__all__ = ["ANSWER_BYTES_MAX", "Answer", "BrokenAnswer", "NotConnected", "request"]

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""A longer answer is none."""


class NotConnected(OSError):
    """No connection: the server never saw a byte of the request."""


class BrokenAnswer(OSError):
    """The connection ended before a whole answer came, or what came is none."""


class Answer(NamedTuple):
    """Status, headers by their names in lower case, and text."""

    status: int
    headers: Mapping[str, str]
    text: str


async def request(method: str, url: str, body: str = "", *, timeout_s: float) -> Answer:
    """Ask and read the whole answer.

    Raises `NotConnected` when surely nothing was sent, `TimeoutError` and other `OSError`s when nobody knows.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    try:
        async with asyncio.timeout(timeout_s):
            return await _converse(method, host, port, url.partition(parts.netloc)[2], body.encode())
    except NotConnected:
        raise
    except TimeoutError:
        raise TimeoutError(f"no answer within {timeout_s} s") from None


async def _converse(method: str, host: str, port: int, target: str, body: bytes) -> Answer:
    try:
        reader, writer = await asyncio.open_connection(host, port, limit=ANSWER_BYTES_MAX)
    except OSError as error:
        raise NotConnected(str(error)) from error
    try:
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\n\r\n".encode() + body)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("transfer-encoding") == "chunked":
            body = await _chunks(reader)
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await reader.read(ANSWER_BYTES_MAX)
        return Answer(status, headers, body.decode())
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
        raise BrokenAnswer(f"no whole answer: {error}") from error


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """A body in chunks (RFC 9112, 7.1)."""
    body = bytearray()
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if len(body) > ANSWER_BYTES_MAX:
            raise ValueError(f"over {ANSWER_BYTES_MAX} bytes")
    return bytes(body)
