"""Loading: the chunks of a snapshot into a new store, one after the other, as they come.

Each chunk costs about the same, so a large state can be loaded in small steps. Chunks come in the order of `TABLES`; an
earlier table after a later one was never written, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from lictor_core.acl.records import AuthMethod, BindingRule, Policy, Role, Token
from lictor_core.authority import RootLife
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.codec import check_nesting, unpack, unpacker
from lictor_core.commands import CAKeyMaterial, Outcome, RestoreBegin
from lictor_core.config_records import ConfigEntry
from lictor_core.coordinates import NodeCoordinate
from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery
from lictor_core.records import CAConfiguration, CARoot, Check, Intention, KVEntry, Node, Service, Session, UserEvent
from lictor_core.sealed_ring import SealedRing
from lictor_server.state.indexes import FIRST_INDEX
from lictor_server.state.virtual import give_to_all

if TYPE_CHECKING:
    from lictor_server.state.store import Store

__all__ = [
    "FORMAT",
    "FORMATS_READ",
    "INDEX_MAX",
    "ROWS_PER_REST",
    "TABLES",
    "Chunk",
    "Header",
    "Loader",
    "Rest",
    "no_rest",
]

FORMAT: Final = 2
"""Raised with every change that older code cannot read."""
FORMATS_READ: Final = (1, 2)
INDEX_MAX: Final = 2**53 - 1
"""No log gets as far; more would not go through JSON, and in the end not into 64 bits."""

ROWS_PER_REST: Final = 50

Rest = Callable[[], None]
"""Called now and then while much is done, so that others come to their turn."""

R = TypeVar("R")


def no_rest() -> None:
    """For who has nobody beside it."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What is single in a store."""

    format: int
    datacenter: str
    index: int
    index_shift: int = 0
    index_floor: int = FIRST_INDEX
    catalog_index: int
    topics_floor: int
    keys_floor: int
    cluster_id: str
    roots_index: int
    last_serial: int
    time_ms: int = 0
    last_event_time: int = 0
    requests_forgotten_up_to: int = 0
    acl_bootstrap_index: int = 0
    ca_configuration: CAConfiguration | None


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table, each packed on its own."""

    table: str
    rows: list[bytes]


class Loader:
    """Builds the store of one snapshot. After a `RequestError` it is over, and has built nothing.

    `make` gives an empty store of a datacenter. A restore under way is part of a server's own snapshots, but of none
    that a client may bring: `may_hold_restore` tells the two apart. `rest` is called after every `ROWS_PER_REST` rows.
    """

    def __init__(self, make: Callable[[str], Store], *, may_hold_restore: bool, rest: Rest = no_rest) -> None:
        self._make = make
        self._may_hold_restore = may_hold_restore
        self._rest = rest
        self._store: Store | None = None
        self._table = ""
        self._requests: list[tuple[bytes, Outcome]] = []
        self._requests_forgotten_up_to = 0
        self._root_keys: list[CAKeyMaterial] = []
        self._virtual: list[tuple[str, int]] = []

    def feed(self, data: bytes) -> None:
        """Take the next chunk. Raises `RequestError` when it is none, or does not fit to what came before."""
        if self._store is None:
            self._store = self._begin(unpack(data, Header))
            return
        chunk = _unpack_chunk(data)
        load = _TABLES.get(chunk.table)
        if load is None:
            raise RequestError(f"the snapshot has a table that this server does not know: {chunk.table}")
        if self._table and _ORDER[chunk.table] < _ORDER[self._table]:
            raise RequestError(f"the snapshot has its tables in a wrong order: {chunk.table} after {self._table}")
        self._table = chunk.table
        load(self, self._store, chunk.rows)

    def finish(self) -> Store:
        """The store, now that every chunk was fed. Raises `RequestError` when there was none."""
        store, self._store = self._store, None
        if store is None:
            raise RequestError("the snapshot is empty")
        store.ca.restore_keys(self._root_keys)
        store.gateways.forget()
        store.virtual.restore(self._virtual)
        give_to_all(store)
        store.requests.restore(self._requests_forgotten_up_to, self._requests)
        return store

    def _begin(self, header: Header) -> Store:
        if header.format not in FORMATS_READ:
            known = " and ".join(str(one) for one in FORMATS_READ)
            raise RequestError(f"the snapshot has format {header.format}, this server reads {known}")
        numbers = (header.index, header.index_shift, header.index_floor, header.catalog_index, header.last_serial)
        if not all(
            0 <= number <= INDEX_MAX
            for number in (*numbers, header.time_ms, header.last_event_time, header.acl_bootstrap_index)
        ):
            raise RequestError("the snapshot has an index, serial number or time that no server ever gave")
        if header.ca_configuration is not None:
            check_nesting(header.ca_configuration.config, "the CA's configuration in the snapshot")
        store = self._make(header.datacenter)
        store.index = header.index
        store.index_shift = header.index_shift
        store.index_floor = header.index_floor
        store.catalog_index = header.catalog_index
        store.view_index = header.index + header.index_shift  # no change in here came later
        store.time_ms = header.time_ms
        store.events.last_time = header.last_event_time
        store.kv.restore_floor(header.keys_floor)
        store.indexes.restore_floor(header.topics_floor)
        store.acl.bootstrap_index = header.acl_bootstrap_index
        store.ca.cluster_id = header.cluster_id
        store.ca.roots_index = header.roots_index
        store.ca.last_serial = header.last_serial
        store.ca.configuration = header.ca_configuration
        self._requests_forgotten_up_to = header.requests_forgotten_up_to
        return store

    def _unpacked(self, rows: list[bytes], kind: type[R]) -> Iterator[R]:
        unpack_row = unpacker(kind)
        for start in range(0, len(rows), ROWS_PER_REST):
            yield from map(unpack_row, rows[start : start + ROWS_PER_REST])
            self._rest()

    def load_nodes(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `node`."""
        store.catalog.restore(self._unpacked(rows, Node), [], [])

    def load_services(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `service`, with the node each is on."""
        self._load_on_nodes(store, map(_sound, self._unpacked(rows, tuple[str, Service])), [])

    def load_checks(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `check`, with the node each is on."""
        self._load_on_nodes(store, [], self._unpacked(rows, tuple[str, Check]))

    def _load_on_nodes(
        self, store: Store, services: Iterable[tuple[str, Service]], checks: Iterable[tuple[str, Check]]
    ) -> None:
        try:
            store.catalog.restore([], services, checks)
        except KeyError as error:
            raise RequestError(
                f"the snapshot has a service or check on the node {error}, which it does not have"
            ) from None

    def load_keys(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `key`."""
        for entry in self._unpacked(rows, KVEntry):
            store.kv.restore_entry(entry)

    def load_keys_gone(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `key-gone`."""
        for key, index in self._unpacked(rows, tuple[str, int]):
            store.kv.restore_gone(key, index)

    def load_sessions(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `session`."""
        store.sessions.restore(self._unpacked(rows, Session))

    def load_prepared(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `prepared-query`."""
        store.prepared.restore(self._unpacked(rows, PreparedQuery))

    def load_lock_delays(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `lock-delay`."""
        store.lock_delays.restore(self._unpacked(rows, tuple[str, int]))

    def load_events(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `event`, oldest first."""
        store.events.restore(self._unpacked(rows, UserEvent))

    def load_intentions(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `intention`."""
        store.intentions.restore(map(_sound_intention, self._unpacked(rows, Intention)))

    def load_config_entries(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `config-entry`."""
        store.entries.restore(map(_sound_entry, self._unpacked(rows, ConfigEntry)))

    def load_acl_policies(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `acl-policy`."""
        store.acl.policies.restore(self._unpacked(rows, Policy))

    def load_acl_roles(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `acl-role`."""
        store.acl.roles.restore(self._unpacked(rows, Role))

    def load_acl_tokens(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `acl-token`."""
        store.acl.restore_tokens(self._unpacked(rows, Token))

    def load_acl_methods(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `acl-auth-method`."""
        store.acl.restore_methods(map(_sound_method, self._unpacked(rows, AuthMethod)))

    def load_acl_rules(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `acl-binding-rule`."""
        store.acl.restore_rules(self._unpacked(rows, BindingRule))

    def load_roots(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `root`."""
        store.ca.roots += self._unpacked(rows, CARoot)

    def load_root_keys(self, _store: Store, rows: list[bytes]) -> None:
        """Rows of `root-key`."""
        self._root_keys += self._unpacked(rows, CAKeyMaterial)

    def load_root_lives(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `root-life`."""
        store.ca.restore_lives(self._unpacked(rows, RootLife))

    def load_autopilot(self, store: Store, rows: list[bytes]) -> None:
        """The one row of `autopilot`."""
        for configuration in self._unpacked(rows, AutopilotConfiguration):
            store.autopilot.configuration = configuration

    def load_keyring(self, store: Store, rows: list[bytes]) -> None:
        """The one row of `keyring`."""
        for sealed in self._unpacked(rows, SealedRing):
            store.keyring.sealed = sealed

    def load_coordinates(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `coordinate`."""
        store.coordinates.restore(self._unpacked(rows, NodeCoordinate))

    def load_virtual(self, _store: Store, rows: list[bytes]) -> None:
        """Rows of `virtual-address`."""
        self._virtual += self._unpacked(rows, tuple[str, int])

    def load_topics(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `topic`."""
        store.indexes.restore_known(self._unpacked(rows, tuple[str, str, int, int]))

    def load_topics_gone(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `topic-gone`."""
        store.indexes.restore_gone(self._unpacked(rows, tuple[str, str]))

    def load_requests(self, _store: Store, rows: list[bytes]) -> None:
        """Rows of `request`."""
        self._requests += self._unpacked(rows, tuple[bytes, Outcome])

    def load_restore(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `restore`: how the restore under way began, and the index of its newest piece."""
        if not self._may_hold_restore:
            raise RequestError("the snapshot holds a restore that was under way; no server saves such a snapshot")
        for begin, touched in self._unpacked(rows, tuple[RestoreBegin, int]):
            store.restoring.begin(begin, touched, self._make)

    def load_restore_pieces(self, store: Store, rows: list[bytes]) -> None:
        """Rows of `restore-piece`, in their order."""
        store.restoring.replay(self._unpacked(rows, bytes))


def _sound(row: tuple[str, Service]) -> tuple[str, Service]:
    """`row`, when every server can handle it. Raises `RequestError`."""
    proxy = row[1].proxy
    if proxy.config or proxy.upstreams:
        for config in (proxy.config, *(upstream.config for upstream in proxy.upstreams)):
            check_nesting(config, "a proxy's configuration in the snapshot")
    return row


def _sound_intention(row: Intention) -> Intention:
    if row.permissions or row.jwt is not None:
        check_nesting([*row.permissions, row.jwt], "an intention's rules about requests in the snapshot")
    return row


def _sound_entry(row: ConfigEntry) -> ConfigEntry:
    for value in row.body.values():
        check_nesting(value, f"{row.kind} {row.name!r} in the snapshot")
    return row


def _sound_method(row: AuthMethod) -> AuthMethod:
    check_nesting(row.config, f"auth method {row.name!r} in the snapshot")
    return row


_TABLES: Final[dict[str, Callable[[Loader, Store, list[bytes]], None]]] = {
    "node": Loader.load_nodes,
    "service": Loader.load_services,
    "check": Loader.load_checks,
    "key": Loader.load_keys,
    "key-gone": Loader.load_keys_gone,
    "session": Loader.load_sessions,
    "prepared-query": Loader.load_prepared,
    "lock-delay": Loader.load_lock_delays,
    "event": Loader.load_events,
    "intention": Loader.load_intentions,
    "config-entry": Loader.load_config_entries,
    "acl-policy": Loader.load_acl_policies,
    "acl-role": Loader.load_acl_roles,
    "acl-token": Loader.load_acl_tokens,
    "acl-auth-method": Loader.load_acl_methods,
    "acl-binding-rule": Loader.load_acl_rules,
    "root": Loader.load_roots,
    "root-key": Loader.load_root_keys,
    "root-life": Loader.load_root_lives,
    "autopilot": Loader.load_autopilot,
    "coordinate": Loader.load_coordinates,
    "virtual-address": Loader.load_virtual,
    "topic": Loader.load_topics,
    "topic-gone": Loader.load_topics_gone,
    "request": Loader.load_requests,
    "restore": Loader.load_restore,
    "restore-piece": Loader.load_restore_pieces,
    "keyring": Loader.load_keyring,
}
TABLES: Final = tuple(_TABLES)
"""The tables of a snapshot, in their order."""
_ORDER: Final = {table: place for place, table in enumerate(_TABLES)}

_unpack_chunk: Final = unpacker(Chunk)
