"""Transactions: up to 64 operations on keys, nodes, instances and checks, of which all happen or none.

Source: Consul's document `api-docs/txn`; what each verb does in odd cases was asked of Consul 1.8.7. A verb that nobody
knows is no error of form: it is told by operation, as everything else that goes wrong.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.records import Check, KVEntry, Node, Service

__all__ = [
    "CHECK_NOT_EXISTS",
    "DELETE_CAS",
    "OPERATIONS_MAX",
    "CheckOperation",
    "KeyOperation",
    "NodeOperation",
    "Operation",
    "OperationError",
    "OperationResult",
    "ServiceOperation",
    "TransactionAnswer",
    "changes_something",
]

OPERATIONS_MAX: Final = 64
"""Operations of one transaction; Consul's bound."""

CHECK_NOT_EXISTS: Final = "check-not-exists"
DELETE_CAS: Final = "delete-cas"

_KEY_WRITES: Final = frozenset({"set", "cas", "lock", "unlock", "delete", "delete-tree", DELETE_CAS})
_GET: Final = "get"


class OperationBase(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True, gc=False):
    """Base of all operations; `verb` is what to do, as the client wrote it."""

    verb: str


class KeyOperation(OperationBase, frozen=True, kw_only=True, tag="KV"):
    """On a key, or with the verbs `get-tree` and `delete-tree` on all that begin with it.

    `index` is what `cas`, `delete-cas` and `check-index` compare; `session` that of `lock`, `unlock`, `check-session`.
    """

    key: str
    value: bytes = b""
    flags: int = 0
    index: int = 0
    session: str = ""


class NodeOperation(OperationBase, frozen=True, kw_only=True, tag="Node"):
    """On a node's record. `node.modify_index` is what `cas` and `delete-cas` compare."""

    node: Node


class ServiceOperation(OperationBase, frozen=True, kw_only=True, tag="Service"):
    """On an instance of the node named `node`. `service.modify_index` is what `cas` and `delete-cas` compare."""

    node: str
    service: Service


class CheckOperation(OperationBase, frozen=True, kw_only=True, tag="Check"):
    """On a check. `check.modify_index` is what `cas` and `delete-cas` compare."""

    check: Check


Operation = KeyOperation | NodeOperation | ServiceOperation | CheckOperation
"""Every kind of operation."""


class OperationResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that an operation wrote, read or found as it wanted it: one of the four."""

    key: KVEntry | None = None
    node: Node | None = None
    service: Service | None = None
    check: Check | None = None


class OperationError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why the operation at `position` cannot be, for people; positions begin at 0."""

    position: int
    text: str


class TransactionAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a transaction came to. With `errors` nothing of it was done, and there are no results.

    Results stand in the order of the operations, of which some have none, and those on a tree as many as it has keys.
    """

    results: list[OperationResult] = []
    errors: list[OperationError] = []


def changes_something(operation: Operation) -> bool:
    """Whether this has to go through the log. Of the catalog's verbs all but `get` do, also those nobody knows."""
    if isinstance(operation, KeyOperation):
        return operation.verb in _KEY_WRITES
    return operation.verb != _GET
