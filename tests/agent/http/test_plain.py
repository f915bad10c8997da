"""What is read as a plain request is read the same by aiohttp's parser, and everything else is left to that."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from hypothesis import example, given
from hypothesis import strategies as st

from lictor_agent.http.plain import BLOCKS_MAX, BODY_BYTES_MAX, Plain, PlainReader, Unfinished
from lictor_core.errors import BodyTooLargeError

PUT = b"PUT /v1/kv/a?flags=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
GET = b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n"


def read(data: bytes) -> Plain | Unfinished | None:
    return PlainReader().read(data)


async def body_of(plain: Plain, bytes_max: int = 1000) -> bytes:
    return await plain.read_body(1.0, bytes_max)


async def test_a_whole_request_is_read() -> None:
    plain = read(PUT)
    assert isinstance(plain, Plain)
    assert (plain.method, plain.raw_path, plain.content_length) == ("PUT", "/v1/kv/a?flags=1", 3)
    assert plain.headers.get("HOST") == "x"
    assert plain.headers.get("X-Consul-Token", "none") == "none"
    assert await body_of(plain) == b"abc"
    assert not plain.is_repeatable


async def test_a_body_above_the_bound_of_its_reader_is_refused() -> None:
    plain = read(PUT)
    assert isinstance(plain, Plain)
    with pytest.raises(BodyTooLargeError, match="3 bytes"):
        await body_of(plain, 2)


def test_only_a_get_that_brought_nothing_can_be_repeated() -> None:
    plain = read(GET)
    assert isinstance(plain, Plain)
    assert plain.is_repeatable
    empty = read(GET.replace(b"Host: x", b"Host: x\r\nContent-Length: 0"))
    assert isinstance(empty, Plain)
    assert not empty.is_repeatable


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_body_that_is_not_whole_yet_is_waited_for(count: int) -> None:
    assert isinstance(read(PUT[:-count]), Unfinished)


def test_a_path_may_have_letters_beyond_ascii_as_they_are() -> None:
    found = read(GET.replace(b"/kv/a", "/kv/ä".encode()))
    assert isinstance(found, Plain)
    assert found.raw_path.partition("?")[0] == "/v1/kv/ä"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PUT[:-4],
        PUT + b"x",
        GET + GET,
        GET[:-1],
        b"\r\n" + GET,
        GET.replace(b"1.1", b"1.0"),
        GET.replace(b"\r\n", b"\n"),
        GET.replace(b"GET", b"CONNECT"),
        GET.replace(b"GET", b"get"),
        GET.replace(b"/v1/", b"//v1/"),
        GET.replace(b"/v1/", b"http://x/v1/"),
        GET.replace(b"/v1/kv/a", b"/ui/"),
        GET.replace(b"/v1/kv/a", b"/v1/snapshot"),
        GET.replace(b"/kv/a", b"/kv/a b"),
        GET.replace(b"/kv/a", b"/kv/\xe4"),
        GET.replace(b"/kv/a", b"/kv/a#b"),
        GET.replace(b"/kv/a", b"/kv/" + b"a" * 5000),
        GET.replace(b"Host: x", b"Host : x"),
        GET.replace(b"Host: x", b"Host: x\r\n y"),
        GET.replace(b"Host: x", b"Host: x\ry"),
        GET.replace(b"Host: x", b"Host: x\x00"),
        GET.replace(b"Host: x", b"Host: \xe4"),
        GET.replace(b"Host: x", b"Host: x\r\n: x"),
        GET.replace(b"Host: x\r\n", b""),
        GET.replace(b"Host: x", b"Host: x\r\nhost: y"),
        GET.replace(b"Host: x", b"Host: x\r\nTransfer-Encoding: chunked"),
        GET.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"),
        GET.replace(b"Host: x", b"Host: x\r\nUpgrade: h2c"),
        GET.replace(b"Host: x", b"Host: x\r\nConnection: close, keep-alive"),
        GET.replace(b"Host: x", b"Host: x\r\nConnection: keep-alive, upgrade"),
        GET.replace(b"Host: x", b"Host: x\r\nContent-Encoding: gzip"),
        GET.replace(b"Host: x", b"Host: x\r\nSec-WebSocket-Key1: x"),
        GET.replace(b"Host: x", b"Host: x\r\nX: " + b"x" * 5000),
        GET.replace(b"Host: x", b"Host: x\r\n" + b"\r\n".join(b"X-%d: x" % number for number in range(64))),
        PUT.replace(b"Length: 3", b"Length: +3"),
        PUT.replace(b"Length: 3", b"Length: 3, 3"),
        PUT.replace(b"Length: 3", b"Length:"),
        PUT.replace(b"Length: 3", b"Length: 0x3"),
        PUT.replace(b"Length: 3", b"Length: %d" % (BODY_BYTES_MAX + 1)),
    ],
)
def test_anything_else_is_left_to_the_full_parser(data: bytes) -> None:
    assert read(data) is None


def test_a_connection_that_is_to_be_kept_alive_is_plain() -> None:
    assert isinstance(read(GET.replace(b"Host: x", b"Host: x\r\nConnection: Keep-Alive")), Plain)


def test_a_request_may_ask_for_its_connection_to_be_closed() -> None:
    plain = read(GET.replace(b"Host: x", b"Host: x\r\nConnection: Close"))
    assert isinstance(plain, Plain)
    assert not plain.keep_alive
    assert not plain.is_repeatable
    assert isinstance(kept := read(GET), Plain)
    assert kept.keep_alive


def test_no_more_blocks_of_headers_are_kept_than_the_bound() -> None:
    reader = PlainReader()
    for number in range(BLOCKS_MAX + 50):
        assert isinstance(reader.read(GET.replace(b"Host: x", b"Host: %d" % number)), Plain)
    assert len(reader) == BLOCKS_MAX


def full(data: bytes) -> tuple[RawRequestMessage, bytes] | None:
    """What aiohttp reads: the one message and its body, or None when that is not what `data` is."""
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(
            BaseProtocol(loop),
            loop,
            2**16,
            max_line_size=32 * 1024,
            max_field_size=32 * 1024,
            max_headers=100,
            auto_decompress=False,
        )
        try:
            messages, upgraded, tail = parser.feed_data(data)
        except HttpProcessingError:
            return None
        if len(messages) != 1 or upgraded or tail:
            return None
        message, payload = messages[0]
        if not payload.is_eof():
            return None
        return message, payload.read_nowait()
    finally:
        loop.close()


METHODS = st.sampled_from([b"GET", b"PUT", b"PUT", b"POST", b"DELETE", b"HEAD", b"OPTIONS"])
TARGETS = st.sampled_from([b"/v1/kv/a", b"/v1/kv/a?cas=0&flags=%31", b"/v1/", b"/v1/kv/%zz?", b"/v1//x", b"/v1/a:1@[x"])
EXTRAS = st.lists(
    st.sampled_from(
        [
            b"X-Consul-Token: 6d1e",
            b"Accept:*/*",
            b"Accept: text/plain; q=1\t, x",
            b"Connection: keep-alive",
            b"Connection: close",
            b"Connection: CLOSE",
            b"Transfer-Encoding: chunked",
            b"content-length: 0",
            b"X-Empty:",
            b"X: \xff",
        ]
    ),
    max_size=3,
)
BODIES = st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", GET])
EDITS = st.sampled_from([b"", b"\r", b"\n", b" ", b"\t", b":", b"\0", b"1", b"a", b"\r\n"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Mostly plain requests, some with a byte or two put in, taken out or replaced."""
    body = draw(BODIES)
    lines = [b" ".join([draw(METHODS), draw(TARGETS), b"HTTP/1.1"]), b"Host: x", *draw(EXTRAS)]
    if body or draw(st.booleans()):
        lines.append(b"Content-Length: %d" % len(body))
    data = b"\r\n".join([*lines, b"", body])
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(EDITS) + data[place + draw(st.integers(0, 1)) :]
    return data


@given(requests())
@example(PUT)
@example(GET)
def test_what_is_plain_is_read_the_same_by_the_full_parser(data: bytes) -> None:
    plain = read(data)
    if not isinstance(plain, Plain):
        return
    found = full(data)
    assert found is not None, "aiohttp does not take it for one whole request"
    message, body = found
    assert (message.method, message.path, message.version) == (plain.method, plain.raw_path, HttpVersion11)
    assert {name.lower(): value for name, value in message.headers.items()} == dict(plain.headers)
    assert (message.should_close, message.chunked, message.upgrade) == (not plain.keep_alive, False, False)
    assert asyncio.run(body_of(plain)) == body
