"""One request, sent once, and what is made of the bytes that come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lictor_jepsen.http import BrokenAnswer, NotConnected, exchange, request
from tests.jepsen_like.misbehaving import serving
from tests.support.ports import free_port


@asynccontextmanager
async def _saying(answer: bytes, heard: list[bytes] | None = None) -> AsyncGenerator[str]:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if heard is not None:
            heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()

    async with serving(say) as url:
        yield url


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nx-consul-index:7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\n\r\nhello",
    ],
)
async def test_an_answer_is_read_however_its_length_is_told(answer: bytes) -> None:
    async with _saying(answer) as url:
        read = await request("GET", f"{url}/v1/kv/a?stale", timeout_s=5)
    assert (read.status, read.text, read.headers["x-consul-index"]) == (200, "hello", "7")


async def test_a_request_names_its_target_and_carries_its_body() -> None:
    heard: list[bytes] = []
    async with _saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue", heard) as url:
        await request("PUT", f"{url}/v1/kv/a?cas=3", "text", timeout_s=5)
    assert heard[0].startswith(b"PUT /v1/kv/a?cas=3 HTTP/1.1\r\n")
    assert heard[0].endswith(b"\r\n\r\ntext")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", b"nothing\r\n\r\n"])
async def test_a_broken_answer_is_none_and_the_request_is_not_sent_again(answer: bytes) -> None:
    heard: list[bytes] = []
    async with _saying(answer, heard) as url:
        with pytest.raises(BrokenAnswer):
            await request("PUT", f"{url}/", "5", timeout_s=5)
    assert len(heard) == 1


async def test_a_refused_connection_is_told_apart() -> None:
    with pytest.raises(NotConnected):
        await request("GET", f"http://127.0.0.1:{free_port()}/", timeout_s=5)


async def test_a_password_in_the_url_is_sent_as_the_token_and_any_bytes_come_back() -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\x00")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        raw = await exchange("GET", f"http://:a%2Fb@127.0.0.1:{port}/v1/x?y", timeout_s=10)
        with pytest.raises(BrokenAnswer, match="no text"):
            await request("GET", f"http://127.0.0.1:{port}/", timeout_s=10)
    assert raw.body == b"\xff\x00"
    assert heard[0].startswith(b"GET /v1/x?y HTTP/1.1\r\n")
    assert b"X-Consul-Token: a/b\r\n" in heard[0]
    assert b"X-Consul-Token" not in heard[1]
