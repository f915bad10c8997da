"""What travels from a server to a view: a snapshot in pieces, then changes, each with where it leads from and to.

A *bookmark* says which answer somebody has: the cluster that it is of, and the stamp of the query there. Stamps follow
from the log, so a bookmark means the same on every server of a cluster, and whoever has one may go on elsewhere.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final, cast

import msgspec

from lictor_core.codec import pack, unpacker
from lictor_core.edits import Edit
from lictor_core.errors import PeerError, RequestError
from lictor_core.hiding import Bearing
from lictor_core.queries import AnyQuery
from lictor_core.rows import Row, Shape

__all__ = [
    "PIECE_BYTES_MAX",
    "Bookmark",
    "FeedRequest",
    "Item",
    "ItemKind",
    "Tick",
    "decode_item",
    "decode_tick",
    "encode_change",
    "encode_snapshot",
    "encode_standing",
]

PIECE_BYTES_MAX: Final = 256 * 1024
"""Rows of one piece of a snapshot together, unless a single row is larger."""


class Bookmark(msgspec.Struct, frozen=True, array_like=True):
    """The answer of a query in `cluster` at `stamp`. The cluster is its id, empty before it is known."""

    cluster: str
    stamp: int


class FeedRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to tell: the answer to `query` and its changes. `after` is what the caller has already, None for nothing."""

    query: AnyQuery
    after: Bookmark | None = None


class ItemKind(enum.IntEnum):
    """What an item is: a piece of a whole answer, a change, or the word that what the caller has still stands.

    A RESET is a snapshot that may go back: its server has made sure that the log itself went back, as after a recovery
    from the loss of most servers.
    """

    SNAPSHOT = 1
    CHANGE = 2
    STANDING = 3
    RESET = 4


class _Edit(msgspec.Struct, frozen=True, array_like=True):
    at: int
    gone: int
    rows: list[msgspec.Raw]


class _Item(msgspec.Struct, frozen=True, array_like=True):
    kind: ItemKind
    cluster: str
    index: int
    stamp: int
    since: int
    is_last: bool
    edits: list[_Edit]


class Item(msgspec.Struct, frozen=True):
    """One item, decoded. `index` and `stamp` are those of the answer that it leads to; `since` is 0 but in changes.

    The first piece of a snapshot has its edit at 0; `is_last` marks the piece that makes it whole.
    """

    kind: ItemKind
    bookmark: Bookmark
    index: int
    since: int
    is_last: bool
    edits: list[Edit]


class Tick(msgspec.Struct, frozen=True, array_like=True):
    """How fresh a server is, told about once a second: its cluster, the newest index, how long ago it was current."""

    cluster: str
    index: int
    last_contact_ms: int
    known_leader: bool


_ITEMS: Final = unpacker(_Item)
_TICKS: Final = unpacker(Tick)


def encode_snapshot(
    bookmark: Bookmark, index: int, rows: Sequence[Row], kind: ItemKind = ItemKind.SNAPSHOT
) -> tuple[bytes, ...]:
    """The pieces that make up a whole answer. `kind` is SNAPSHOT or RESET."""
    pieces: list[bytes] = []
    at = size = 0
    held: list[msgspec.Raw] = []
    for row in rows:
        encoded = pack(row)
        if held and size + len(encoded) > PIECE_BYTES_MAX:
            pieces.append(_snapshot_piece(kind, bookmark, index, at, held, is_last=False))
            at, size, held = at + len(held), 0, []
        held.append(msgspec.Raw(encoded))
        size += len(encoded)
    pieces.append(_snapshot_piece(kind, bookmark, index, at, held, is_last=True))
    return tuple(pieces)


def encode_change(bookmark: Bookmark, index: int, since: int, edits: Sequence[Edit]) -> bytes:
    """The item that leads from the answer at stamp `since` to that at `bookmark`."""
    raw = [_Edit(edit.at, edit.gone, [msgspec.Raw(pack(row)) for row in edit.rows]) for edit in edits]
    return pack(_Item(ItemKind.CHANGE, bookmark.cluster, index, bookmark.stamp, since, True, raw))


def encode_standing(bookmark: Bookmark, index: int) -> bytes:
    """The item that says that the answer at `bookmark` is the newest one."""
    return pack(_Item(ItemKind.STANDING, bookmark.cluster, index, bookmark.stamp, 0, True, []))


def decode_item(data: bytes, shape: Shape) -> Item:
    """The item in `data`. Raises `PeerError` for bytes that are none, or hold rows of another kind."""
    try:
        item = _ITEMS(data)
        edits = [Edit(one.at, one.gone, [shape.decode(cast(bytes, row)) for row in one.rows]) for one in item.edits]
    except RequestError as error:
        raise PeerError(f"a server sent what is no item of a view: {error}") from error
    return Item(item.kind, Bookmark(item.cluster, item.stamp), item.index, item.since, item.is_last, edits)


def decode_tick(data: bytes) -> Tick:
    """The tick in `data`. Raises `PeerError` for bytes that are none."""
    try:
        return _TICKS(data)
    except RequestError as error:
        raise PeerError(f"a server sent what is no tick: {error}") from error


def _snapshot_piece(
    kind: ItemKind, bookmark: Bookmark, index: int, at: int, rows: list[msgspec.Raw], *, is_last: bool
) -> bytes:
    return pack(_Item(kind, bookmark.cluster, index, bookmark.stamp, 0, is_last, [_Edit(at, 0, rows)]))
