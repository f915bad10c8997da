"""Plain requests, which need no full parser: whole, alone, and of the simplest form. Pure.

Plain is HTTP/1.1 with a path of ordinary characters, each header once, `Host` among them, all of them ASCII, a body of
known length, and nothing that changes how a message is read (RFC 9112: transfer codings, upgrades, expectations). It
may ask for its connection to be closed. That is what clients of this API send nearly always. Whatever is not plain is
aiohttp's: of two readings of the same bytes, this one takes only those in which there is nothing to disagree about.

Clients repeat their headers to the byte, so what a block of headers says is kept by its bytes.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from typing import Final, TypeVar, overload

from lictor_core.errors import BodyTooLargeError

__all__ = ["BLOCKS_MAX", "BODY_BYTES_MAX", "Headers", "Plain", "PlainReader", "Unfinished", "check_length"]

T = TypeVar("T")

BODY_BYTES_MAX: Final = 64 * 1024
"""A larger body is aiohttp's, which reads in step with its sender."""
BLOCKS_MAX: Final = 512
"""Blocks of headers whose meaning is kept; the oldest go first."""
_BLOCK_BYTES_MAX: Final = 4096
_FIELDS_MAX: Final = 64
_END: Final = b"\r\n\r\n"
_LINE: Final = re.compile(
    rb"(GET|PUT|POST|DELETE|HEAD) (/v1/(?!snapshot|agent/monitor)[A-Za-z0-9/_.~!$&'()*+,;=:@%?\x80-\xff-]*)"
    rb" HTTP/1\.1\r\n"
)
"""What may be answered with a file or a stream is aiohttp's, which sends one in step with its reader.

Letters beyond ASCII should be escaped (RFC 3986, section 2.1); people write them as they are, and Consul takes them.
aiohttp does not, so they are good in plain requests alone.
"""
_FIELD: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?[ \t]*\r\n"
)
_LENGTH: Final = re.compile(r"[0-9]{1,5}")
_NOT_PLAIN: Final = frozenset({"content-encoding", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
_WEBSOCKET: Final = "sec-websocket-"
_TARGET_BYTES_MAX: Final = 4096


class Headers(dict[str, str]):
    """Headers by their names in small letters; `get` takes a name in any case."""

    __slots__ = ()

    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str, /) -> str: ...
    @overload
    def get(self, key: str, default: T, /) -> str | T: ...
    def get(self, key: str, default: object = None, /) -> object:
        """The value of a header, or `default`."""
        return super().get(key.lower(), default)


class _Fields:
    """What a block of headers says."""

    __slots__ = ("headers", "keep_alive", "length")

    def __init__(self, headers: Mapping[str, str], length: int | None) -> None:
        self.headers = headers
        self.length = length
        self.keep_alive = headers.get("connection", "").lower() != "close"


class Plain:
    """A plain request, to be answered like any other (`wire.Asked`)."""

    __slots__ = ("_body", "content_length", "headers", "keep_alive", "method", "raw_path")

    def __init__(self, method: str, raw_path: str, fields: _Fields, body: bytes) -> None:
        self.method = method
        self.raw_path = raw_path
        self.headers = fields.headers
        self.content_length = fields.length
        self.keep_alive = fields.keep_alive
        self._body = body

    @property
    def is_http_1_0(self) -> bool:
        """An older version is not plain."""
        return False

    @property
    def is_repeatable(self) -> bool:
        """Whether the answer to these very bytes may be kept: a GET that brought nothing."""
        return self.method == "GET" and self.content_length is None and self.keep_alive

    async def read_body(self, body_s_max: float, bytes_max: int) -> bytes:
        """The body, which is here already. Raises `BodyTooLargeError` when it is above `bytes_max`."""
        check_length(self.content_length, bytes_max)
        return self._body

    async def read_parts(self, part_s_max: float, bytes_max: int) -> AsyncIterator[bytes]:
        """The same, for who reads large ones."""
        body = await self.read_body(part_s_max, bytes_max)
        if body:
            yield body


def check_length(length: int | None, bytes_max: int) -> None:
    """Raise `BodyTooLargeError` for a body that is announced with more than `bytes_max`."""
    if length is not None and length > bytes_max:
        raise BodyTooLargeError(f"Request body of {length} bytes is too large: the bound is {bytes_max} bytes")


class Unfinished:
    """The beginning of what may become a plain request: its head, and a part of its body."""


_UNFINISHED: Final = Unfinished()


class PlainReader:
    """Reads requests, and keeps what their headers said."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[bytes, _Fields | None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def read(self, data: bytes) -> Plain | Unfinished | None:
        """The request that `data` is, exactly and alone; None when it is anything else."""
        line_end = data.find(b"\r\n") + 2
        head_end = data.find(_END, line_end - 2) + 4
        if line_end < 2 or head_end < 4 or line_end > _TARGET_BYTES_MAX:
            return None
        block = data[line_end : head_end - 2]
        try:
            fields = self._blocks[block]
        except KeyError:
            fields = self._learn(block)
        if fields is None:
            return None
        missing = (fields.length or 0) - (len(data) - head_end)
        if missing < 0:
            return None
        line = _LINE.fullmatch(data, 0, line_end)
        if line is None:
            return None
        if missing:
            return _UNFINISHED
        try:
            return Plain(line[1].decode(), line[2].decode(), fields, data[head_end:])
        except UnicodeDecodeError:
            return None

    def _learn(self, block: bytes) -> _Fields | None:
        if len(block) > _BLOCK_BYTES_MAX:
            return None
        fields = self._blocks[block] = _fields(block)
        if len(self._blocks) > BLOCKS_MAX:
            self._blocks.popitem(last=False)
        return fields


def _fields(block: bytes) -> _Fields | None:
    """What `block`, lines with their ends, says; None when it is not plain."""
    values: dict[str, str] = {}
    place = 0
    while place < len(block):
        found = _FIELD.match(block, place)
        if found is None or len(values) >= _FIELDS_MAX:
            return None
        name, value = found[1].decode().lower(), (found[2] or b"").decode()
        if name in values or not _is_plain(name, value):
            return None
        values[name] = value
        place = found.end()
    if "host" not in values:
        return None
    length = values.get("content-length")
    if length is None:
        return _Fields(Headers(values), None)
    if _LENGTH.fullmatch(length) is None or int(length) > BODY_BYTES_MAX:
        return None
    return _Fields(Headers(values), int(length))


def _is_plain(name: str, value: str) -> bool:
    if name == "connection":
        return value.lower() in ("keep-alive", "close")
    return name not in _NOT_PLAIN and not name.startswith(_WEBSOCKET)
