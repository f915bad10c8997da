"""Snapshots: the whole store as chunks of msgpack, and back. Restoring what was taken is the identity.

The first chunk is a header, every other holds up to `ROWS_PER_CHUNK` rows of one table, in a fixed order: equal states
give equal bytes, which `state_hash` compares across servers. Records are immutable, so `take` may be consumed after the
store has moved on: it copies references first.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from lictor_core.codec import pack, unpack
from lictor_core.commands import CAKeyMaterial, Outcome
from lictor_core.errors import RequestError
from lictor_core.records import CAConfiguration, CARoot, Check, Intention, KVEntry, Node, Service
from lictor_server.state.store import Store

__all__ = ["FORMAT", "ROWS_PER_CHUNK", "restore", "state_hash", "take"]

FORMAT: Final = 1
"""Raised with every change that older code cannot read."""
ROWS_PER_CHUNK: Final = 1000

R = TypeVar("R")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What is single in a store."""

    format: int
    datacenter: str
    index: int
    catalog_index: int
    topics_floor: int
    keys_floor: int
    cluster_id: str
    roots_index: int
    last_serial: int
    requests_forgotten_up_to: int = 0
    ca_configuration: CAConfiguration | None


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table, each packed on its own."""

    table: str
    rows: list[bytes]


def take(store: Store) -> Iterator[bytes]:
    """The store as chunks. The tables are copied before the first chunk is given."""
    header = Header(
        format=FORMAT,
        datacenter=store.datacenter,
        index=store.index,
        catalog_index=store.catalog_index,
        topics_floor=store.indexes.floor,
        keys_floor=store.kv.floor,
        cluster_id=store.ca.cluster_id,
        roots_index=store.ca.roots_index,
        last_serial=store.ca.last_serial,
        requests_forgotten_up_to=store.requests.forgotten_up_to,
        ca_configuration=store.ca.configuration,
    )
    nodes = list(store.catalog.nodes())
    tables: dict[str, Iterable[object]] = {
        "node": list(nodes),
        "service": [(node.node, one) for node in nodes for one in store.catalog.services_on(node.node)],
        "check": [(node.node, one) for node in nodes for one in store.catalog.checks_on(node.node)],
        "key": store.kv.entries(),
        "key-gone": store.kv.gone_rows(),
        "intention": list(store.intentions.rows()),
        "root": list(store.ca.roots),
        "root-key": list(store.ca.keys()),
        "topic": list(store.indexes.rows()),
        "topic-gone": list(store.indexes.gone_rows()),
        "request": list(store.requests.rows()),
    }
    return _chunks(header, tables)


def _chunks(header: Header, tables: dict[str, Iterable[object]]) -> Iterator[bytes]:
    yield pack(header)
    for table, rows in tables.items():
        source = iter(rows)
        while packed := [pack(row) for row in itertools.islice(source, ROWS_PER_CHUNK)]:
            yield pack(Chunk(table=table, rows=packed))


def restore(chunks: Iterable[bytes]) -> Store:
    """The store that `take` was given. Raises `RequestError` for anything else, never a store that is half right."""
    source = iter(chunks)
    header = unpack(next(source, b""), Header)
    if header.format != FORMAT:
        raise RequestError(f"the snapshot has format {header.format}, this server reads {FORMAT}")
    tables: dict[str, list[bytes]] = {}
    for data in source:
        chunk = unpack(data, Chunk)
        tables.setdefault(chunk.table, []).extend(chunk.rows)
    store = Store(header.datacenter)
    store.index = header.index
    store.catalog_index = header.catalog_index
    _restore_catalog(store, tables)
    _restore_keys(store, header, tables)
    store.intentions.restore(_rows(tables, "intention", Intention))
    _restore_ca(store, header, tables)
    store.indexes.restore(
        header.topics_floor,
        _rows(tables, "topic", tuple[str, str, int, int]),
        _rows(tables, "topic-gone", tuple[str, str]),
    )
    store.requests.restore(header.requests_forgotten_up_to, _rows(tables, "request", tuple[bytes, Outcome]))
    if tables:
        raise RequestError(f"the snapshot has tables that this server does not know: {', '.join(sorted(tables))}")
    return store


def _rows(tables: dict[str, list[bytes]], table: str, kind: type[R]) -> list[R]:
    return [unpack(row, kind) for row in tables.pop(table, [])]


def _restore_catalog(store: Store, tables: dict[str, list[bytes]]) -> None:
    nodes = _rows(tables, "node", Node)
    services = _rows(tables, "service", tuple[str, Service])
    checks = _rows(tables, "check", tuple[str, Check])
    try:
        store.catalog.restore(nodes, services, checks)
    except KeyError as error:
        raise RequestError(f"the snapshot has a service or check on the node {error}, which it does not have") from None


def _restore_keys(store: Store, header: Header, tables: dict[str, list[bytes]]) -> None:
    store.kv.restore_floor(header.keys_floor)
    for entry in _rows(tables, "key", KVEntry):
        store.kv.restore_entry(entry)
    for key, index in _rows(tables, "key-gone", tuple[str, int]):
        store.kv.restore_gone(key, index)


def _restore_ca(store: Store, header: Header, tables: dict[str, list[bytes]]) -> None:
    store.ca.cluster_id = header.cluster_id
    store.ca.roots_index = header.roots_index
    store.ca.last_serial = header.last_serial
    store.ca.configuration = header.ca_configuration
    store.ca.roots = _rows(tables, "root", CARoot)
    store.ca.restore_keys(_rows(tables, "root-key", CAKeyMaterial))


def state_hash(store: Store) -> str:
    """A digest of the whole state: equal on servers that applied the same log."""
    digest = hashlib.sha256()
    for chunk in take(store):
        digest.update(len(chunk).to_bytes(4, "big") + chunk)
    return digest.hexdigest()
