"""A slice of the store: what the operations of one transaction can see or change, in a store of its own.

It is as large as what they name, not as the state, nor as what is on a node that goes: what no operation names, none
can see. Beyond what is named there are the sessions that hold a named key, since they may end underway, and the checks
by which these end; and whether a named node lives, which decides who may have its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from lictor_core.records import Check, KVEntry, Node, Service, Session
from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, Operation, ServiceOperation
from lictor_server.state.catalog import SERF_CHECK_ID, fold
from lictor_server.state.store import Store

__all__ = ["slice_of"]

_KEY: Final = attrgetter("key")
_SESSION: Final = attrgetter("session")


def slice_of(store: Store, operations: Sequence[Operation]) -> Store:
    """A store that `operations` cannot tell from `store`, whose records it shares. Barred locks are not in it."""
    wanted = _Wanted(store)
    for operation in operations:
        wanted.add(operation)
    return wanted.store()


class _Wanted:
    def __init__(self, store: Store) -> None:
        self._whole = store
        self._nodes: dict[str, Node] = {}
        self._services: dict[tuple[str, str], Service] = {}
        self._checks: dict[tuple[str, str], Check] = {}
        self._sessions: dict[str, Session] = {}
        self._keys: dict[str, KVEntry] = {}

    def add(self, operation: Operation) -> None:
        """Take what this operation names."""
        match operation:
            case KeyOperation():
                self._add_keys(operation)
            case NodeOperation():
                catalog = self._whole.catalog
                for node in (catalog.node(operation.node.node), catalog.node_of_id(operation.node.id)):
                    if node is not None:
                        self._add_node(node.node)
                        self._add_check(node.node, SERF_CHECK_ID)
            case ServiceOperation():
                self._add_node(operation.node)
                self._add_service(operation.node, operation.service.id)
            case CheckOperation():
                self._add_node(operation.check.node)
                self._add_service(operation.check.node, operation.check.service_id)
                self._add_check(operation.check.node, operation.check.check_id)

    def store(self) -> Store:
        """All that was taken."""
        for session in self._sessions.values():
            if fold(session.node) in self._nodes:
                for check_id in session.check_ids():
                    self._add_check(session.node, check_id)
        sliced = Store(self._whole.datacenter)
        sliced.time_ms = self._whole.time_ms
        if self._nodes:
            sliced.catalog.restore(
                self._nodes.values(),
                ((node, service) for (node, _), service in self._services.items()),
                ((node, check) for (node, _), check in self._checks.items()),
            )
        sliced.sessions.restore(self._sessions.values())
        sliced.kv.restore_entries(self._keys)
        return sliced

    def _add_keys(self, operation: KeyOperation) -> None:
        kv = self._whole.kv
        if operation.verb in ("get-tree", "delete-tree"):
            entries = kv.under(operation.key)
            self._keys.update(zip(map(_KEY, entries), entries, strict=True))
            for session_id in dict.fromkeys(map(_SESSION, entries)):
                self._add_session(session_id)
        elif (entry := kv.get(operation.key)) is not None:
            self._add_entry(entry)
        self._add_session(operation.session)

    def _add_entry(self, entry: KVEntry) -> None:
        self._keys[entry.key] = entry
        self._add_session(entry.session)

    def _add_session(self, session_id: str) -> None:
        session = self._whole.sessions.get(session_id) if session_id else None
        if session is not None:
            self._sessions[session.id] = session

    def _add_node(self, name: str) -> None:
        node = self._whole.catalog.node(name)
        if node is not None:
            self._nodes[fold(name)] = node

    def _add_service(self, node: str, service_id: str) -> None:
        service = self._whole.catalog.service_on(node, service_id)
        if service is not None:
            self._services[fold(node), fold(service_id)] = service

    def _add_check(self, node: str, check_id: str) -> None:
        check = self._whole.catalog.check_on(node, check_id)
        if check is not None:
            self._checks[fold(node), fold(check_id)] = check
