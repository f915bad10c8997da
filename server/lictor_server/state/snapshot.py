"""Snapshots: the whole store as chunks of msgpack, and back. Restoring what was taken is the identity.

The first chunk is a header, every other holds rows of one table, in the order that `loading` knows: equal states
give equal bytes, which `state_hash` compares across servers. Records are immutable, so `take` may be consumed after the
store has moved on, also in another thread: see `copies`.

Who runs these in a thread beside an event loop passes `rest`, which is called after every `ROWS_PER_REST` rows: both
threads share one interpreter, and a loop that asks for it while it is taken waits for milliseconds, again and again.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from lictor_core.codec import pack
from lictor_server.state.loading import FORMAT, ROWS_PER_REST, Chunk, Header, Loader, Rest, no_rest
from lictor_server.state.store import Store

__all__ = ["CHUNK_BYTES", "FORMAT", "ROWS_PER_CHUNK", "restore", "state_hash", "take"]

ROWS_PER_CHUNK: Final = 1000
CHUNK_BYTES: Final = 256 * 1024
"""A chunk with so many bytes of rows gets no further one."""


def take(store: Store, rest: Rest = no_rest, *, with_restore: bool = True) -> Iterator[bytes]:
    """The store as chunks, as it is at this call.

    What clients are given comes without a restore that is under way, and without the ring of keys, even sealed.
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
        time_ms=store.time_ms,
        last_event_time=store.events.last_time,
        requests_forgotten_up_to=store.requests.forgotten_up_to,
        ca_configuration=store.ca.configuration,
        acl_bootstrap_index=store.acl.bootstrap_index,
    )
    tables: dict[str, Iterable[object]] = {
        "node": store.catalog.node_rows(),
        "service": store.catalog.service_rows(),
        "check": store.catalog.check_rows(),
        "key": store.kv.entries(),
        "key-gone": store.kv.gone_rows(),
        "session": store.sessions.rows(),
        "prepared-query": store.prepared.rows(),
        "lock-delay": store.lock_delays.rows(),
        "event": store.events.rows(),
        "intention": store.intentions.rows(),
        "config-entry": store.entries.rows(),
        "acl-policy": store.acl.policies.rows(),
        "acl-role": store.acl.roles.rows(),
        "acl-token": store.acl.token_rows(),
        "acl-auth-method": store.acl.method_rows(),
        "acl-binding-rule": store.acl.rule_rows(),
        "root": list(store.ca.roots),
        "root-key": store.ca.keys(),
        "root-life": store.ca.lives(),
        "autopilot": [] if store.autopilot.configuration is None else [store.autopilot.configuration],
        "coordinate": store.coordinates.rows(),
        "virtual-address": store.virtual.rows(),
        "topic": store.indexes.rows(),
        "topic-gone": store.indexes.gone_rows(),
        "request": list(store.requests.rows()),
    }
    if with_restore:
        tables["restore"] = list(store.restoring.rows())
        tables["restore-piece"] = list(store.restoring.piece_rows())
        tables["keyring"] = [] if store.keyring.sealed is None else [store.keyring.sealed]
    return _chunks(header, tables, rest)


def _chunks(header: Header, tables: dict[str, Iterable[object]], rest: Rest) -> Iterator[bytes]:
    yield pack(header)
    for table in list(tables):
        packed: list[bytes] = []
        size = 0
        for data in _packed(iter(tables.pop(table)), rest):
            packed.append(data)
            size += len(data)
            if len(packed) == ROWS_PER_CHUNK or size >= CHUNK_BYTES:
                yield pack(Chunk(table=table, rows=packed))
                packed, size = [], 0
        if packed:
            yield pack(Chunk(table=table, rows=packed))


def _packed(source: Iterator[object], rest: Rest) -> Iterator[bytes]:
    while part := list(itertools.islice(source, ROWS_PER_REST)):
        yield from map(pack, part)
        rest()


def restore(chunks: Iterable[bytes], rest: Rest = no_rest) -> Store:
    """The store that `take` was given. Raises `RequestError` for anything else, never a store that is half right."""
    loader = Loader(Store, may_hold_restore=True, rest=rest)
    for chunk in chunks:
        loader.feed(chunk)
    return loader.finish()


def state_hash(store: Store) -> str:
    """A digest of the whole state: equal on servers that applied the same log."""
    digest = hashlib.sha256()
    for chunk in take(store):
        digest.update(len(chunk).to_bytes(4, "big") + chunk)
    return digest.hexdigest()
