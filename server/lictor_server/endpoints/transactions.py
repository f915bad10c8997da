"""What a transaction must be before it may enter the log, and what is filled in for those who left it out.

Whether its operations can be carried out is for the state to say. Deletions name what they delete, and are not judged
by what else stands in the record.
"""

from __future__ import annotations

import msgspec

from lictor_core.commands import Transaction
from lictor_core.errors import RequestError
from lictor_core.transactions import (
    OPERATIONS_MAX,
    CheckOperation,
    KeyOperation,
    NodeOperation,
    Operation,
    ServiceOperation,
)
from lictor_server.endpoints.catalog import checked_check, checked_node, checked_service
from lictor_server.endpoints.keys import check_key, check_value

__all__ = ["checked_transaction"]

_WRITES = ("set", "cas")


def checked_transaction(command: Transaction, datacenter: str) -> Transaction:
    """`command` with its blanks filled. Raises `RequestError` with what is missing or wrong."""
    if len(command.operations) > OPERATIONS_MAX:
        raise RequestError(
            f"the transaction has {len(command.operations)} operations; at most {OPERATIONS_MAX} are taken"
        )
    operations = [_checked(operation, datacenter) for operation in command.operations]
    return msgspec.structs.replace(command, operations=operations)


def _checked(operation: Operation, datacenter: str) -> Operation:
    match operation:
        case KeyOperation(verb="get-tree" | "delete-tree"):
            return operation
        case KeyOperation(verb="set" | "cas" | "lock" | "unlock"):
            check_value(operation.key, operation.value, operation.flags)
            return operation
        case KeyOperation():
            check_key(operation.key)
            return operation
        case NodeOperation() if operation.verb in _WRITES:
            # Unlike when a node is registered, Consul asks for no address here.
            node = checked_node(operation.node, datacenter, stays=True)
            return msgspec.structs.replace(operation, node=node)
        case ServiceOperation() if operation.verb in _WRITES:
            return msgspec.structs.replace(operation, service=checked_service(operation.service))
        case CheckOperation() if operation.verb in _WRITES:
            check = checked_check(operation.check, operation.check.node)
            return msgspec.structs.replace(operation, check=check)
        case _:
            return operation
