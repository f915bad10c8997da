"""Saved states as clients bring them: `RequestError`, in bounded memory; what is taken is saved as it was loaded."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from lictor_core.archive import new_meta, write_archive
from lictor_core.authority import RootLife
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.codec import pack
from lictor_core.commands import CAKeyMaterial
from lictor_core.config_records import ConfigEntry
from lictor_core.coordinates import NodeCoordinate
from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery
from lictor_core.records import CARoot, Check, Intention, KVEntry, Node, Service, Session, UserEvent
from lictor_server.backups import check_archive
from lictor_server.state import Store, answer
from lictor_server.state.loading import TABLES, Chunk, Header, Loader
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.state.stream import stream
from tests.fuzz.shaping import Choices, packed
from tests.fuzz.targets.state_commands import QUERIES

ROWS: Final[dict[str, Any]] = {
    "node": Node,
    "service": tuple[str, Service],
    "check": tuple[str, Check],
    "key": KVEntry,
    "key-gone": tuple[str, int],
    "session": Session,
    "prepared-query": PreparedQuery,
    "lock-delay": tuple[str, int],
    "event": UserEvent,
    "intention": Intention,
    "config-entry": ConfigEntry,
    "root": CARoot,
    "root-key": CAKeyMaterial,
    "root-life": RootLife,
    "autopilot": AutopilotConfiguration,
    "coordinate": NodeCoordinate,
    "virtual-address": tuple[str, int],
    "topic": tuple[str, str, int, int],
    "topic-gone": tuple[str, str],
}
"""What the rows of tables are; of others, anything."""
_CHUNKS_MAX: Final = 5
_ROWS_MAX: Final = 3
_READS_MAX: Final = 3


def run(data: bytes) -> None:
    """Raw bytes, bytes within gzip, a whole archive around a raw state, or a state of rows of the right tables."""
    choices = Choices(data)
    match choices.below(4):
        case 0:
            _check(choices.rest())
        case 1:
            _check(gzip.compress(choices.rest(), 1, mtime=0))
        case 2:
            _check(_archive(choices.rest()))
        case _:
            _load(choices)


def _check(body: bytes) -> None:
    try:
        check_archive(io.BytesIO(body))
    except RequestError:
        return


def _archive(state: bytes) -> bytes:
    target = io.BytesIO()
    meta = new_meta(id="1-1", index=1, term=1, datacenter="dc1").of_size(len(state))
    write_archive(target, meta, io.BytesIO(state))
    return target.getvalue()


def _load(choices: Choices) -> None:
    loader = Loader(Store, may_hold_restore=False)
    try:
        for chunk in _chunks(choices):
            loader.feed(chunk)
        store = loader.finish()
    except RequestError:
        return
    assert state_hash(restore(take(store))) == state_hash(store), "a snapshot is not what was saved"
    for _ in range(choices.below(_READS_MAX)):
        _read(store, choices)


def _read(store: Store, choices: Choices) -> None:
    kind = choices.among(QUERIES)
    try:
        query = msgspec.msgpack.decode(packed(kind, choices) or b"", type=kind)
        msgspec.msgpack.encode(answer(store, query))
    except (msgspec.MsgspecError, RequestError):
        return


def _chunks(choices: Choices) -> Iterator[bytes]:
    header = next(take(Store("dc1")))
    yield header if choices.byte() < 200 else (packed(Header, choices) or b"")
    places = sorted(choices.below(len(TABLES)) for _ in range(1 + choices.below(_CHUNKS_MAX)))
    for place in places:
        table = TABLES[place]
        rows = [packed(ROWS.get(table, object), choices) for _ in range(1 + choices.below(_ROWS_MAX))]
        yield pack(Chunk(table=table, rows=[row for row in rows if row is not None]))


def seeds() -> Iterable[bytes]:
    """Whole archives, and states with rows of each table."""
    empty = b"".join(stream(take(Store("dc1"))))
    whole = _archive(empty)
    yield b"\x00" + whole
    yield b"\x00" + whole[: len(whole) // 2]
    yield b"\x01" + gzip.decompress(whole)
    yield b"\x02" + empty
    for place in range(len(TABLES)):
        for step in (7, 31):
            yield bytes([3, 0, 0, place, 1]) + bytes((place * 53 + number * step) % 240 for number in range(150))
