"""Snapshots: the whole store as chunks of msgpack, and back. Restoring what was taken is the identity.

The first chunk is a header, every other holds rows of one table, in the order that `loading` knows: equal states
give equal bytes, which `state_hash` compares across servers. Records are immutable, so `take` may be consumed after the
store has moved on: it copies references first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from lictor_core.codec import pack
from lictor_server.state.loading import FORMAT, Chunk, Header, Loader
from lictor_server.state.store import Store

__all__ = ["CHUNK_BYTES", "FORMAT", "ROWS_PER_CHUNK", "restore", "state_hash", "take"]

ROWS_PER_CHUNK: Final = 1000
CHUNK_BYTES: Final = 256 * 1024
"""A chunk with so many bytes of rows gets no further one."""


def take(store: Store, *, with_restore: bool = True) -> Iterator[bytes]:
    """The store as chunks. The tables are copied before the first chunk is given.

    What clients are given comes without a restore that is under way.
    """
    header = Header(
        format=FORMAT,
        datacenter=store.datacenter,
        index=store.index,
        index_shift=store.index_shift,
        index_floor=store.index_floor,
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
    if with_restore:
        tables["restore"] = list(store.restoring.rows())
        tables["restore-piece"] = list(store.restoring.piece_rows())
    return _chunks(header, tables)


def _chunks(header: Header, tables: dict[str, Iterable[object]]) -> Iterator[bytes]:
    yield pack(header)
    for table, rows in tables.items():
        packed: list[bytes] = []
        size = 0
        for row in rows:
            data = pack(row)
            packed.append(data)
            size += len(data)
            if len(packed) == ROWS_PER_CHUNK or size >= CHUNK_BYTES:
                yield pack(Chunk(table=table, rows=packed))
                packed, size = [], 0
        if packed:
            yield pack(Chunk(table=table, rows=packed))


def restore(chunks: Iterable[bytes]) -> Store:
    """The store that `take` was given. Raises `RequestError` for anything else, never a store that is half right."""
    loader = Loader(Store, may_hold_restore=True)
    for chunk in chunks:
        loader.feed(chunk)
    return loader.finish()


def state_hash(store: Store) -> str:
    """A digest of the whole state: equal on servers that applied the same log."""
    digest = hashlib.sha256()
    for chunk in take(store):
        digest.update(len(chunk).to_bytes(4, "big") + chunk)
    return digest.hexdigest()
