"""One HTTP/1.1 request on a connection of its own, sent once.

HTTP libraries send a request again when the connection breaks before the answer, also PUT, which HTTP calls idempotent
(RFC 9110, 9.2.2). A write that takes place twice is what this program must blame servers for, so it must not do it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

__all__ = ["ANSWER_BYTES_MAX", "Answer", "BrokenAnswer", "NotConnected", "Raw", "exchange", "request", "trust"]

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


class Raw(NamedTuple):
    """An answer whose body is any bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


_trusted: list[ssl.SSLContext] = []


def trust(context: ssl.SSLContext) -> None:
    """Whom all `https` URLs of this process believe from now on, and what they show of themselves."""
    _trusted[:] = [context]


async def request(method: str, url: str, body: str = "", *, timeout_s: float) -> Answer:
    """Ask and read the whole answer, which is text. Raises as `exchange` does."""
    raw = await exchange(method, url, body.encode(), timeout_s=timeout_s)
    try:
        return Answer(raw.status, raw.headers, raw.body.decode())
    except UnicodeDecodeError as error:
        raise BrokenAnswer(f"no text: {error}") from error


async def exchange(method: str, url: str, body: bytes = b"", *, timeout_s: float) -> Raw:
    """Ask and read the whole answer. A password in the URL (`http://:TOKEN@host:port`) is sent as the ACL token.

    Raises `NotConnected` when surely nothing was sent, `TimeoutError` and other `OSError`s when nobody knows.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(timeout_s):
            return await _converse(method, parts, url.partition(parts.netloc)[2], body)
    except NotConnected:
        raise
    except TimeoutError:
        raise TimeoutError(f"no answer within {timeout_s} s") from None


async def _converse(method: str, parts: SplitResult, target: str, body: bytes) -> Raw:
    host = parts.hostname or ""
    context = _context() if parts.scheme == "https" else None
    port = parts.port or (443 if context else 80)
    try:
        reader, writer = await asyncio.open_connection(host, port, limit=ANSWER_BYTES_MAX, ssl=context)
    except OSError as error:
        raise NotConnected(str(error)) from error
    try:
        head = [f"{method} {target} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
        head += [f"X-Consul-Token: {unquote(parts.password)}"] if parts.password else []
        writer.write("\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body)
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.close()


def _context() -> ssl.SSLContext:
    if not _trusted:
        trust(ssl.create_default_context())
    return _trusted[0]


async def _answer(reader: asyncio.StreamReader) -> Raw:
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
        return Raw(status, headers, body)
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
