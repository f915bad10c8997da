"""What servers send to agents: answers of every query, streams of views, ticks, bulletins. `RequestError`, `PeerError`.

An agent shall outlive a server that is broken or hostile; so shall a view, which then has what it had.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec

from lictor_core.codec import unpack
from lictor_core.errors import LictorError, PeerError, RequestError
from lictor_core.feed import Bookmark, ItemKind, decode_tick, encode_change, encode_snapshot, encode_standing
from lictor_core.queries import (
    AnyQuery,
    ConfigEntriesQuery,
    IntentionMatchQuery,
    KeyQuery,
    NodesQuery,
    Query,
    ServiceHealthQuery,
    ServicesQuery,
)
from lictor_core.rows import shape_of
from lictor_core.view import View
from tests.fuzz.shaping import Choices, packed

_QUERIES: Final[tuple[type[Query[Any]], ...]] = typing.get_args(AnyQuery)
_FOLLOWED: Final[tuple[Query[Any], ...]] = (
    ServiceHealthQuery(service="web"),
    NodesQuery(),
    ServicesQuery(),
    KeyQuery(key="a"),
    IntentionMatchQuery(by="destination", name="web"),
    ConfigEntriesQuery(kind="service-router"),
)
_ITEMS_MAX: Final = 6


class _Edit(msgspec.Struct, array_like=True):
    at: int
    gone: int
    rows: list[object]


class _Item(msgspec.Struct, array_like=True):
    kind: ItemKind
    cluster: str
    index: int
    stamp: int
    since: int
    is_last: bool
    edits: list[_Edit]


def run(data: bytes) -> None:
    """A feed of some items into one view, or one answer, or a tick."""
    choices = Choices(data)
    match choices.below(3):
        case 0:
            _follow(choices)
        case 1:
            _refused(lambda body: decode_tick(body), choices.rest())
        case _:
            kind = choices.among(_QUERIES)
            _refused(lambda body: unpack(body, cast("type[object]", _answer_of(kind))), choices.rest())


def _answer_of(kind: type[Query[Any]]) -> object:
    for base in getattr(kind, "__orig_bases__", ()):
        for argument in typing.get_args(base):
            if not isinstance(argument, typing.TypeVar):
                return argument
    return object


def _refused(decode: typing.Callable[[bytes], object], body: bytes) -> None:
    try:
        decode(body)
    except (PeerError, RequestError):
        return


def _follow(choices: Choices) -> None:
    query = choices.among(_FOLLOWED)
    view: View[Any] = View(query)
    for _ in range(1 + choices.below(_ITEMS_MAX)):
        before = (view.bookmark, view.index, view.value if view.is_ready else None)
        item = _item(choices, query)
        if item is None:
            continue
        try:
            view.apply(item)
        except PeerError:
            assert (view.bookmark, view.index, view.value if view.is_ready else None) == before, "a refusal changed it"
        except LictorError as error:
            raise AssertionError(f"{type(error).__name__} is not what a view raises") from error


def _item(choices: Choices, query: Query[Any]) -> bytes | None:
    bookmark = Bookmark("c", choices.below(4))
    match choices.below(5):
        case 0:
            pieces = encode_snapshot(bookmark, choices.byte(), _rows(choices, query))
            return pieces[0]
        case 1:
            return encode_change(bookmark, choices.byte(), choices.below(4), [])
        case 2:
            return encode_standing(bookmark, choices.byte())
        case 3:
            return packed(_Item, choices)
        case _:
            return choices.some(choices.byte())


def _rows(choices: Choices, query: Query[Any]) -> Sequence[object]:
    kind = choices.among(_QUERIES)
    rows: list[object] = []
    for _ in range(choices.below(3)):
        body = packed(_answer_of(kind), choices)
        try:
            rows.append(shape_of(query).decode(body or b""))
        except RequestError:
            continue
    return rows


def seeds() -> Iterable[bytes]:
    """Feeds of each query, answers of each kind."""
    for number in range(len(_FOLLOWED)):
        yield bytes([0, number, 3, 1, 0, 5, 0, 1, 1, 7, 1, 2, 2, 7, 1, 3, 3, 7, 2, 3, 4, 5, 6])
        yield bytes([0, number, 5]) + bytes(range(90))
    for number in range(len(_QUERIES)):
        yield bytes([2, number]) + b"\x90"
    yield b"\x01" + msgspec.msgpack.encode(["c", 1, 0, True])
