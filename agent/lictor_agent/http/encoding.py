"""Answers and their bytes: JSON as Consul writes it, headers, gzip; encoded once per change, not once per request.

An `Answer` is what an endpoint returns; `render` makes the bytes for the wire in two halves, between which goes the
`Date` line, so that a kept answer is still dated right. Sources: RFC 9110, RFC 9112; Consul's `api-docs/index`.
"""

from __future__ import annotations

import gzip
import http
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import BinaryIO, Final, TypeVar, cast

import msgspec

from lictor_agent.http.settings import HttpSettings
from lictor_core.aside import ASIDE_ROWS_MIN, aside
from lictor_core.commands import ReadMode
from lictor_core.config_records import ChainAnswer
from lictor_core.pace import Pace
from lictor_core.queries import Query
from lictor_core.registry import Reading

__all__ = [
    "JSON",
    "LAST_CONTACT",
    "Answer",
    "AnswerCache",
    "Encoded",
    "FileBody",
    "Rendered",
    "Reuse",
    "accepts_gzip",
    "json_body",
    "long_json_body",
    "long_json_object",
    "pack_aside",
    "render",
]

T = TypeVar("T")

JSON: Final = ("Content-Type", "application/json")
LAST_CONTACT: Final = "X-Consul-Lastcontact"
_VARY: Final = ("Vary", "Accept-Encoding")
_PACKED: Final = ("Content-Encoding", "gzip")
_GZIP_LEVEL: Final = 6
_SHORT_BYTES_MAX: Final = 64
_SHORT_MAX: Final = 256
"""Answers of so few bytes with no header but their type are rendered once; so many of them are kept."""
_CHAIN_TARGETS_MIN: Final = 250
_RUN_ROWS: Final = 250
"""So many rows of a long list are encoded at a time: tenths of a millisecond."""
_RUN_BYTES: Final = 256 * 1024
_PACKED_ASIDE_BYTES_MIN: Final = 128 * 1024
"""To pack so many bytes takes milliseconds."""
_ENCODER: Final = msgspec.json.Encoder()
_STATUS_LINES: Final = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n" for one in http.HTTPStatus} | {
    413: "HTTP/1.1 413 Request Entity Too Large\r\n"
}


class Encoded:
    """A body, and the same packed, made when first asked for."""

    __slots__ = ("_packed", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        """The body in gzip."""
        if self._packed is None:
            self._packed = gzip.compress(self.plain, _GZIP_LEVEL, mtime=0)
        return self._packed


@dataclass(frozen=True, slots=True)
class Reuse:
    """What makes an answer good for more than one request: the query it answers, how fresh, and at which stamp.

    `is_kept` is for answers of what the agent keeps (`Kept`), whatever the mode. `last_contact_ms` and `known_leader`
    are what the answer says of them, `max_stale_s` how old it may be, 0 for any age. `token` is whose answer it is.
    """

    query: Query[object]
    mode: ReadMode
    stamp: int
    is_kept: bool = False
    last_contact_ms: int = 0
    known_leader: bool = True
    max_stale_s: float = 0.0
    token: str = ""


@dataclass(frozen=True, slots=True)
class FileBody:
    """A body of `size_bytes` in a file."""

    file: BinaryIO
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint says. `headers` are without `Date`, `Content-Length`, `Vary`; `encoded` stands for `body`.

    So does `file`, which is sent as it is from where it stands, and closed: it is for bodies that are large. And so
    does `stream`, whose parts are sent as they come, until it ends or the client is gone; empty parts are not sent.

    `is_endpoint` is False for what comes from the table of paths itself (redirects, unknown paths), which Consul
    answers without its usual headers. `closes` ends the connection.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    encoded: Encoded | None = None
    file: FileBody | None = None
    stream: AsyncGenerator[bytes] | None = None
    is_endpoint: bool = True
    closes: bool = False
    reuse: Reuse | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer's bytes: `before` ends within the `Date` line, `after` starts with its line end."""

    before: bytes
    after: bytes

    def heard(self, before_ms: int, now_ms: int) -> Rendered:
        """The same with another time since the leader was heard."""
        before, now = (b"\r\n%s: %d\r\n" % (LAST_CONTACT.encode(), ms) for ms in (before_ms, now_ms))
        return Rendered(self.before.replace(before, now, 1), self.after)

    def at(self, date: bytes) -> bytes:
        """The whole answer, dated."""
        return b"".join((self.before, date, self.after))


def json_body(value: object, *, pretty: bool) -> bytes:
    """JSON with Consul's escapes (Go's `encoding/json`); `pretty` indents by four spaces and ends with a line end."""
    body = _ENCODER.encode(value)
    # These three occur in strings only, so replacing the bytes never changes the structure.
    if b"<" in body or b">" in body or b"&" in body:
        body = body.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    return msgspec.json.format(body, indent=4) + b"\n" if pretty else body


def long_json_body(rows: Sequence[object], pace: Callable[[], None], *, pretty: bool) -> bytes:
    """`json_body` of many rows, in runs with a call of `pace` between them: for a thread beside the loop."""
    runs: list[bytes] = []
    opened, joined, closed = (b"[\n", b",\n", b"\n]\n") if pretty else (b"[", b",", b"]")
    ending = len(closed)
    for start in range(0, len(rows), _RUN_ROWS):
        runs.append(json_body(rows[start : start + _RUN_ROWS], pretty=pretty)[len(opened) : -ending])
        pace()
    return opened + joined.join(runs) + closed if runs else json_body(rows, pretty=pretty)


def long_json_object(
    name: str, rows: Sequence[object], rest: Mapping[str, object], pace: Callable[[], None], *, pretty: bool
) -> bytes:
    """`json_body` of an object whose first member, `name`, is a list of many rows, and the others are `rest`."""
    listed, others = long_json_body(rows, pace, pretty=pretty), json_body(rest, pretty=pretty)
    if not pretty:
        return b'{"%b":%b,%b' % (name.encode(), listed, others[1:])
    inner = bytearray()
    for start in range(0, len(listed) - 1, _RUN_BYTES):
        inner += listed[start : min(start + _RUN_BYTES, len(listed) - 1)].replace(b"\n", b"\n    ")
        pace()
    return b'{\n    "%b": %b,\n%b' % (name.encode(), bytes(inner), others[2:])


async def pack_aside(answer: Answer) -> Answer:
    """`answer` with its body packed already, where that takes long."""
    encoded = Encoded(answer.body) if answer.encoded is None else answer.encoded
    if len(encoded.plain) < _PACKED_ASIDE_BYTES_MIN or not answer.is_endpoint:
        return answer
    await aside(encoded.packed)
    return replace(answer, encoded=encoded, body=b"")


def accepts_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` header names gzip with a weight above zero (RFC 9110, section 12.5.3)."""
    for part in header.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def render(answer: Answer, *, method: str, packed: bool, keeps_alive: bool, is_http_1_0: bool = False) -> Rendered:
    """The bytes of `answer` for a request of `method`. A HEAD gets the headers alone."""
    if answer.encoded is not None:
        return _render(answer, answer.encoded, method == "HEAD", packed, keeps_alive, is_http_1_0)
    is_at_hand = answer.file is None and answer.stream is None
    if len(answer.body) <= _SHORT_BYTES_MAX and len(answer.headers) <= 1 and is_at_hand:
        return _render_short(answer, method == "HEAD", packed, keeps_alive, is_http_1_0)
    return _render(answer, Encoded(answer.body), method == "HEAD", packed, keeps_alive, is_http_1_0)


@lru_cache(maxsize=_SHORT_MAX)
def _render_short(answer: Answer, is_head: bool, packed: bool, keeps_alive: bool, is_http_1_0: bool) -> Rendered:
    """The same few answers go to every write."""
    return _render(answer, Encoded(answer.body), is_head, packed, keeps_alive, is_http_1_0)


def _render(
    answer: Answer, encoded: Encoded, is_head: bool, packed: bool, keeps_alive: bool, is_http_1_0: bool
) -> Rendered:
    body = encoded.plain
    headers = list(answer.headers)
    if answer.is_endpoint:
        headers.append(_VARY)
        if packed and body:
            body = encoded.packed()
            headers.append(_PACKED)
    headers.sort()
    lines = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in headers)
    closing = "" if keeps_alive and not is_http_1_0 else f"Connection: {'keep-alive' if keeps_alive else 'close'}\r\n"
    before = f"{_STATUS_LINES[answer.status]}{lines}Date: "
    length = len(body) if answer.file is None else answer.file.size_bytes
    measure = f"Content-Length: {length}\r\n"
    if answer.stream is not None:
        measure = "" if is_http_1_0 else "Transfer-Encoding: chunked\r\n"
    after = f"\r\n{measure}{closing}\r\n"
    return Rendered(before.encode(), after.encode() + (b"" if is_head else body))


_Key = tuple[Query[object], bool, str]


class AnswerCache:
    """Encoded bodies by query and what the reader may see (`Reading.scope`), each good while the stamp of what it
    depends on stays. Bounded by count and bytes.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._answers_max = settings.answers_max
        self._bytes_max = settings.answers_bytes_max
        self._bytes = 0
        self._kept: OrderedDict[_Key, tuple[int, Encoded]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def encoded(
        self, query: Query[T], reading: Reading[T], *, pretty: bool, shape: Callable[[T], object] | None = None
    ) -> tuple[Encoded, bool]:
        """The body for `reading`, as `shape` shows it, and whether it was kept from before.

        One query has one shape: it is not part of the key.
        """
        key = (query, pretty, reading.scope)
        found = self._kept.get(key)
        if found is not None and found[0] == reading.stamp:
            self._kept.move_to_end(key)
            return found[1], True
        body = Encoded(json_body(reading.value if shape is None else shape(reading.value), pretty=pretty))
        self._keep(key, reading.stamp, body)
        return body, found is not None

    async def encoded_aside(
        self, query: Query[T], reading: Reading[T], *, pretty: bool, shape: Callable[[T], object] | None = None
    ) -> tuple[Encoded, bool]:
        """As `encoded`; what is long is shown beside the loop, so `shape` must look at nothing but the value."""
        value = reading.value
        if not _is_long(value):
            return self.encoded(query, reading, pretty=pretty, shape=shape)
        key = (query, pretty, reading.scope)
        found = self._kept.get(key)
        if found is not None and found[0] == reading.stamp:
            self._kept.move_to_end(key)
            return found[1], True
        body = Encoded(await aside(partial(_long_body, value, shape, pretty)))
        self._keep(key, reading.stamp, body)
        return body, found is not None

    def _keep(self, key: _Key, stamp: int, body: Encoded) -> None:
        previous = self._kept.pop(key, None)
        if previous is not None:
            self._bytes -= len(previous[1].plain)
        if len(body.plain) > self._bytes_max:
            return  # it would drop all the others, and then itself
        self._kept[key] = (stamp, body)
        self._bytes += len(body.plain)
        while len(self._kept) > self._answers_max or self._bytes > self._bytes_max:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= len(dropped.plain)


def _is_long(value: object) -> bool:
    if isinstance(value, ChainAnswer):  # each of its targets is shown with the routes and nodes that lead there
        targets: object = None if value.chain is None else value.chain.get("Targets")
        return isinstance(targets, dict) and len(cast("dict[str, object]", targets)) >= _CHAIN_TARGETS_MIN
    return isinstance(value, list) and len(cast("list[object]", value)) >= ASIDE_ROWS_MIN


def _long_body(value: T, shape: Callable[[T], object] | None, pretty: bool) -> bytes:
    shown = value if shape is None else shape(value)
    if not isinstance(shown, list):
        return json_body(shown, pretty=pretty)
    return long_json_body(cast("list[object]", shown), Pace(), pretty=pretty)


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")
