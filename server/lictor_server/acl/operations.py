"""What the operations of a transaction need, each for itself; what they find is filtered. Pure.

As in Consul 1.8.7, with one demand more: who takes over an instance of another service needs to write that one, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import PermissionDeniedError
from lictor_core.records import Check
from lictor_core.transactions import (
    CheckOperation,
    KeyOperation,
    NodeOperation,
    Operation,
    OperationError,
    ServiceOperation,
)
from lictor_server.state import Store

__all__ = ["denied_operations"]

_GET: Final = frozenset({"get", "get-tree"})
_WRITES: Final = frozenset({"set", "cas", "lock", "unlock", "delete", "delete-cas", "check-not-exists"})
"""Operations on keys that need to write one. Of those that only check, Consul 1.8.7 has it so for this one alone."""
_DELETES: Final = frozenset({"delete", "delete-cas"})


def denied_operations(store: Store, judge: Authorizer, operations: Sequence[Operation]) -> list[OperationError]:
    """Why operations are denied, for each that is."""
    errors: list[OperationError] = []
    for position, operation in enumerate(operations):
        try:
            _require(store, judge, operation)
        except PermissionDeniedError as denied:
            errors.append(OperationError(position=position, text=str(denied)))
    return errors


def _require(store: Store, judge: Authorizer, operation: Operation) -> None:
    match operation:
        case KeyOperation(verb="delete-tree"):
            judge.require_under(operation.key)
        case KeyOperation() if operation.verb in _WRITES:
            judge.require(Resource.KEY, operation.key, Access.WRITE)
        case KeyOperation() if operation.verb not in _GET:
            judge.require(Resource.KEY, operation.key)
        case KeyOperation():
            pass  # what is found is filtered
        case _ if operation.verb in _GET:
            pass
        case NodeOperation():
            judge.require(Resource.NODE, operation.node.node, Access.WRITE)
        case ServiceOperation():
            judge.require(Resource.SERVICE, operation.service.service, Access.WRITE)
            held = store.catalog.service_on(operation.node, operation.service.id)
            if held is not None:
                judge.require(Resource.SERVICE, held.service, Access.WRITE)
        case CheckOperation():
            _require_check(store, judge, operation.check, is_deleted=operation.verb in _DELETES)


def _require_check(store: Store, judge: Authorizer, check: Check, *, is_deleted: bool) -> None:
    if is_deleted and judge.allows(Resource.NODE, check.node, Access.WRITE):
        return
    held = store.catalog.check_on(check.node, check.check_id)
    services = {check.service_name} if check.service_name else set[str]()
    if held is not None and held.service_name:
        services.add(held.service_name)
    instance = store.catalog.service_on(check.node, check.service_id) if check.service_id else None
    if instance is not None:
        services.add(instance.service)
    if not services or (held is not None and not held.service_name):
        judge.require(Resource.NODE, check.node, Access.WRITE)
    for service in sorted(services):
        judge.require(Resource.SERVICE, service, Access.WRITE)
