"""Transactions: operations one after the other, of which all happen or none.

A transaction that changes something is tried first, by the same code, on a *slice*: a small store with what of this one
its operations can see or change (`slices`). When one of them cannot be, that is all that happens: the true store was
not touched, so nothing must be undone and nobody is woken. Otherwise it is done again, where it counts.

An operation that cannot be changes nothing, and the others are judged as if it were not there: so a client learns of
all that is wrong at once, as from Consul. Sessions end with the operation that ends them, not after the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from lictor_core.commands import KVSet, Rejection
from lictor_core.records import Check, KVEntry, Node, Service
from lictor_core.transactions import (
    CheckOperation,
    KeyOperation,
    NodeOperation,
    Operation,
    OperationError,
    OperationResult,
    ServiceOperation,
    TransactionAnswer,
    changes_something,
)
from lictor_server.state.indexes import Change
from lictor_server.state.locking import acquire, end_sessions, release
from lictor_server.state.registering import settle_node, why_not_this_node
from lictor_server.state.requests import weight_of_result
from lictor_server.state.slices import slice_of
from lictor_server.state.store import Store

__all__ = ["FOUND_WEIGHT_MAX", "TEXT_CHARS_MAX", "WRITTEN_WEIGHT_MAX", "carry_out", "look_up"]

WRITTEN_WEIGHT_MAX: Final = 16 * 1024 * 1024
"""About so many bytes a transaction that changes something may answer: its answer becomes part of the state."""
FOUND_WEIGHT_MAX: Final = 128 * 1024 * 1024
"""And one that only reads, whose answer travels as a whole."""
TEXT_CHARS_MAX: Final = 1024
"""Characters in what is told of an operation; more are cut off, for it quotes what a client named as it liked."""

Done = list[OperationResult] | str
"""What an operation came to: its results, or why it cannot be."""

_NO_NODE: Final = "there is no node {!r}: register the node first, or earlier in the transaction"


def carry_out(store: Store, change: Change, operations: Sequence[Operation]) -> TransactionAnswer:
    """Do all of `operations`, or nothing."""
    errors = _barred(store, operations)
    if errors:
        return TransactionAnswer(errors=errors)
    if any(map(changes_something, operations)) and not all(map(_can_always_be, operations)):
        tried = _run(slice_of(store, operations), Change(change.index), operations, WRITTEN_WEIGHT_MAX)
        if tried.errors:
            return tried
    done = _run(store, change, operations, WRITTEN_WEIGHT_MAX)
    assert not (done.errors and change), "what could be done on a slice can be done on the whole"
    return done


def _can_always_be(operation: Operation) -> bool:
    """Whether nothing keeps this from being done, and it answers nothing: to try a large tree's end takes its time."""
    return isinstance(operation, KeyOperation) and operation.verb in ("delete", "delete-tree")


def look_up(store: Store, operations: Sequence[Operation]) -> TransactionAnswer:
    """What `operations`, none of which changes anything, find."""
    errors = [
        OperationError(position=position, text=f"{operation.verb[:64]!r} changes something, so it is no read")
        for position, operation in enumerate(operations)
        if changes_something(operation)
    ]
    return (
        TransactionAnswer(errors=errors) if errors else _run(store, Change(store.index), operations, FOUND_WEIGHT_MAX)
    )


def _barred(store: Store, operations: Sequence[Operation]) -> list[OperationError]:
    """The locks that cannot be had yet; they are told before anything else is looked at."""
    return [
        OperationError(
            position=position,
            text=_shortened(
                f"key {operation.key!r} cannot be locked yet: the session that held it ended within its lock delay"
            ),
        )
        for position, operation in enumerate(operations)
        if isinstance(operation, KeyOperation)
        and operation.verb == "lock"
        and store.lock_delays.bars(operation.key, store.time_ms)
    ]


def _run(store: Store, change: Change, operations: Sequence[Operation], weight_max: int) -> TransactionAnswer:
    results: list[OperationResult] = []
    errors: list[OperationError] = []
    weight = 0
    for position, operation in enumerate(operations):
        done = _do(store, change, operation)
        end_sessions(store, change)
        change.lost_nodes.clear()
        change.lost_checks.clear()
        if not isinstance(done, str):
            weight += sum(map(weight_of_result, done))
            if weight > weight_max:
                done = f"up to here the transaction finds more than {weight_max} bytes: read less of it in one go"
        if isinstance(done, str):
            errors.append(OperationError(position=position, text=_shortened(done)))
        else:
            results += done
    return TransactionAnswer(errors=errors) if errors else TransactionAnswer(results=results)


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_CHARS_MAX else text[: TEXT_CHARS_MAX - 3] + "..."


def _do(store: Store, change: Change, operation: Operation) -> Done:
    match operation:
        case KeyOperation():
            step = _KEY_STEPS.get(operation.verb)
            return _unknown("KV", operation.verb, _KEY_STEPS) if step is None else step(store, change, operation)
        case NodeOperation():
            return _do_node(store, change, operation)
        case ServiceOperation():
            return _do_service(store, change, operation)
        case CheckOperation():
            return _do_check(store, change, operation)


def _unknown(kind: str, verb: str, known: Iterable[str]) -> str:
    return f"{verb[:64]!r} is no verb of a {kind} operation; there are {', '.join(sorted(known))}"


# Keys.


def _found(entry: KVEntry) -> Done:
    return [OperationResult(key=entry)]


def _without_value(store: Store, key: str) -> Done:
    """What was written or compared is shown without its value, which the client has."""
    entry = store.kv.get(key)
    assert entry is not None, "it was just written or found"
    return _found(msgspec.structs.replace(entry, value=None))


def _missing(operation: KeyOperation) -> str:
    return f"{operation.verb}: key {operation.key!r} doesn't exist"  # words that Consul's Go client looks for


def _set(store: Store, change: Change, operation: KeyOperation) -> Done:
    store.kv.put(change, operation.key, operation.value, operation.flags)
    return _without_value(store, operation.key)


def _cas(store: Store, change: Change, operation: KeyOperation) -> Done:
    entry = store.kv.get(operation.key)
    current = 0 if entry is None else entry.modify_index
    if operation.index != current:
        return f"key {operation.key!r} was not written: {_other_index(current, operation.index)}"
    return _set(store, change, operation)


def _other_index(current: int, expected: int) -> str:
    if current:
        return f"it is at ModifyIndex {current}, not {expected}"
    return f"it is not there, so not at ModifyIndex {expected}"


def _lock(store: Store, change: Change, operation: KeyOperation) -> Done:
    if not operation.session:
        return f"missing session: key {operation.key!r} cannot be locked without one"
    command = KVSet(
        key=operation.key, value=operation.value, flags=operation.flags, acquire=operation.session, at_ms=store.time_ms
    )
    taken = acquire(store, change, command)
    if isinstance(taken, Rejection):
        return f"key {operation.key!r} cannot be locked: {taken.message}"
    return _without_value(store, operation.key) if taken else f"key {operation.key!r} is locked by another session"


def _unlock(store: Store, change: Change, operation: KeyOperation) -> Done:
    if not operation.session:
        return f"key {operation.key!r} cannot be unlocked without a Session: name the one that holds it"
    command = KVSet(
        key=operation.key, value=operation.value, flags=operation.flags, release=operation.session, at_ms=store.time_ms
    )
    if not release(store, change, command):
        return f"key {operation.key!r} is not locked by session {operation.session[:64]!r}"
    return _without_value(store, operation.key)


def _get(store: Store, _change: Change, operation: KeyOperation) -> Done:
    entry = store.kv.get(operation.key)
    return _missing(operation) if entry is None else _found(entry)


def _get_tree(store: Store, _change: Change, operation: KeyOperation) -> Done:
    return [OperationResult(key=entry) for entry in store.kv.under(operation.key)]


def _check_index(store: Store, _change: Change, operation: KeyOperation) -> Done:
    entry = store.kv.get(operation.key)
    if entry is None:
        return _missing(operation)
    if entry.modify_index != operation.index:
        return f"key {operation.key!r}: {_other_index(entry.modify_index, operation.index)}"
    return _without_value(store, operation.key)


def _check_session(store: Store, _change: Change, operation: KeyOperation) -> Done:
    entry = store.kv.get(operation.key)
    if entry is None:
        return _missing(operation)
    if entry.session.lower() != operation.session.lower():
        return f"key {operation.key!r} is locked by session {entry.session!r}, not by {operation.session[:64]!r}"
    return _without_value(store, operation.key)


def _check_not_exists(store: Store, _change: Change, operation: KeyOperation) -> Done:
    entry = store.kv.get(operation.key)
    return [] if entry is None else f"there is a key {operation.key!r} already, at ModifyIndex {entry.modify_index}"


def _delete(store: Store, change: Change, operation: KeyOperation) -> Done:
    store.kv.drop(change, operation.key)
    return []


def _delete_cas(store: Store, change: Change, operation: KeyOperation) -> Done:
    """On a missing key it has what it wants, as in Consul."""
    entry = store.kv.get(operation.key)
    if entry is not None and entry.modify_index != operation.index:
        return f"key {operation.key!r} was not deleted: {_other_index(entry.modify_index, operation.index)}"
    return _delete(store, change, operation)


def _delete_tree(store: Store, change: Change, operation: KeyOperation) -> Done:
    store.kv.drop_under(change, operation.key)
    return []


_KEY_STEPS: Final[dict[str, Callable[[Store, Change, KeyOperation], Done]]] = {
    "set": _set,
    "cas": _cas,
    "lock": _lock,
    "unlock": _unlock,
    "get": _get,
    "get-tree": _get_tree,
    "check-index": _check_index,
    "check-session": _check_session,
    "check-not-exists": _check_not_exists,
    "delete": _delete,
    "delete-cas": _delete_cas,
    "delete-tree": _delete_tree,
}


# The catalog. Unlike with keys, a compare-and-set deletion of what is not there fails, as in Consul.

_VERBS: Final = ("get", "set", "cas", "delete", "delete-cas")


def _stale(what: str, verb: str, row: Node | Service | Check | None, expected: int) -> str | None:
    """Why a compare-and-set cannot be; None when it can, or is none."""
    current = 0 if row is None else row.modify_index
    if verb == "cas" and current != expected:
        return f"{what} was not written: {_other_index(current, expected)}"
    if verb == "delete-cas" and (row is None or current != expected):
        return f"{what} was not deleted: {_other_index(current, expected)}"
    return None


def _barred_change(kind: str, what: str, verb: str, row: Node | Service | Check | None, expected: int) -> str | None:
    """Why something of the catalog is not to be changed so; None when it may be."""
    return _unknown(kind, verb, _VERBS) if verb not in _VERBS else _stale(what, verb, row, expected)


def _do_node(store: Store, change: Change, operation: NodeOperation) -> Done:
    verb, wanted, catalog = operation.verb, operation.node, store.catalog
    if verb == "get":
        node = catalog.node_of_id(wanted.id) if wanted.id else catalog.node(wanted.node)
        return f"there is no node {wanted.id or wanted.node!r}" if node is None else [OperationResult(node=node)]
    node = catalog.node(wanted.node)
    flaw = _barred_change("Node", f"node {wanted.node!r}", verb, node, wanted.modify_index)
    if flaw is not None:
        return flaw
    if verb in ("set", "cas"):
        refusal = why_not_this_node(store, wanted, stays=False)
        if refusal is not None:
            return refusal.message
        return [OperationResult(node=settle_node(store, change, wanted, stays=False))]
    if node is not None:
        catalog.drop_node(change, node)
        store.coordinates.drop(change, node.node)
    return []


def _do_service(store: Store, change: Change, operation: ServiceOperation) -> Done:
    verb, wanted, catalog = operation.verb, operation.service, store.catalog
    service = catalog.service_on(operation.node, wanted.id)
    if verb == "get":
        if service is None:
            return f"there is no service with id {wanted.id!r} on node {operation.node!r}"
        return [OperationResult(service=service)]
    what = f"service {wanted.id!r} on node {operation.node!r}"
    flaw = _barred_change("Service", what, verb, service, wanted.modify_index)
    if flaw is not None:
        return flaw
    node = catalog.node(operation.node)
    if verb in ("set", "cas"):
        if node is None:
            return _NO_NODE.format(operation.node)
        catalog.put_service(change, node, wanted)
        stored = catalog.service_on(node.node, wanted.id)
        return [OperationResult(service=stored)]
    if node is not None and service is not None:
        catalog.drop_service(change, node, service)
    return []


def _do_check(store: Store, change: Change, operation: CheckOperation) -> Done:
    verb, wanted, catalog = operation.verb, operation.check, store.catalog
    check = catalog.check_on(wanted.node, wanted.check_id)
    if verb == "get":
        if check is None:
            return f"there is no check with id {wanted.check_id!r} on node {wanted.node!r}"
        return [OperationResult(check=check)]
    what = f"check {wanted.check_id!r} on node {wanted.node!r}"
    flaw = _barred_change("Check", what, verb, check, wanted.modify_index)
    if flaw is not None:
        return flaw
    node = catalog.node(wanted.node)
    if verb in ("set", "cas"):
        if node is None:
            return _NO_NODE.format(wanted.node)
        if wanted.service_id and catalog.service_on(wanted.node, wanted.service_id) is None:
            return f"there is no service with id {wanted.service_id!r} on node {wanted.node!r}: register it first"
        catalog.put_check(change, node, wanted)
        return [OperationResult(check=catalog.check_on(node.node, wanted.check_id))]
    if node is not None and check is not None:
        catalog.drop_check(change, node, check)
    return []
