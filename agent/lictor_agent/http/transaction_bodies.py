"""The body of `/v1/txn`: a list of operations, read with Consul's defaults. Pure but for reading the body.

What is wrong with the form is a `Refusal`. What an operation itself makes impossible, before the state is asked, is an
`OperationError`, as it is with Consul.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final, cast

import msgspec

from lictor_agent.http.bodies import decode_json, refuse_problems
from lictor_agent.http.catalog import id_flaw
from lictor_agent.http.errors import Refusal
from lictor_agent.http.registrations import read_check, read_service, service_flaw
from lictor_agent.http.requests import Request
from lictor_config.reading import Dialect, Reader
from lictor_core.commands import Register
from lictor_core.errors import BodyTooLargeError, RequestError
from lictor_core.keys import key_of_text
from lictor_core.names import NAMESPACE
from lictor_core.records import Node
from lictor_core.transactions import (
    OPERATIONS_MAX,
    CheckOperation,
    KeyOperation,
    NodeOperation,
    Operation,
    OperationError,
    ServiceOperation,
)

__all__ = ["read_operations", "why_not"]

_FAILED: Final = "Failed to parse body: "
_LIMIT_PAGE: Final = "https://www.consul.io/docs/agent/options.html#txn_max_req_len"
_WRITES: Final = ("set", "cas")
_OWN_NAMESPACE: Final = ("", NAMESPACE)


async def read_operations(request: Request, *, bytes_max: int, value_bytes_max: int) -> list[Operation]:
    """The operations in the body, those that name nothing left out. Raises a `Refusal` for what is none."""
    try:
        data = await request.read_body(bytes_max)
    except BodyTooLargeError:
        size = f" of {request.content_length} bytes" if request.content_length is not None else ""
        message = f"the transaction{size} is too large: at most {bytes_max} bytes are taken. See {_LIMIT_PAGE}."
        raise BodyTooLargeError(message) from None
    try:
        value = decode_json(data)
    except RequestError as error:
        raise Refusal(_FAILED + str(error)) from error
    if value is None:
        value = []
    if not isinstance(value, list):
        raise Refusal(f"{_FAILED}json: the body must be a list of operations")
    return _read_all(cast("list[object]", value), value_bytes_max)


def why_not(operations: list[Operation], datacenter: str) -> list[OperationError]:
    """What is wrong with operations in themselves, whatever the state; `datacenter` is the agent's own."""
    flaws = ((position, _flaw(operation, datacenter)) for position, operation in enumerate(operations))
    return [OperationError(position=position, text=flaw) for position, flaw in flaws if flaw]


def _read_all(items: list[object], value_bytes_max: int) -> list[Operation]:
    if len(items) > OPERATIONS_MAX:
        raise Refusal(
            f"the transaction has {len(items)} operations, at most {OPERATIONS_MAX} are taken: split it", status=413
        )
    operations = [_read(position, item) for position, item in enumerate(items)]
    for operation in operations:
        if isinstance(operation, KeyOperation) and len(operation.value) > value_bytes_max:
            raise Refusal(
                f"the value of key {operation.key[:64]!r} has {len(operation.value)} bytes: "
                f"at most {value_bytes_max} are taken",
                status=413,
            )
    return [operation for operation in operations if operation is not None]


def _read(position: int, item: object) -> Operation | None:
    if not isinstance(item, Mapping):
        raise Refusal(f"{_FAILED}json: operation {position} must be an object")
    reader = Reader(cast("Mapping[str, object]", item), (position,), dialect=Dialect.HTTP)
    found = [(read, child) for name, read in _KINDS.items() if (child := reader.child(name)) is not None]
    operation = None if not found else found[0][0](found[0][1])
    reader.done()
    refuse_problems(reader, prefix=_FAILED)
    if len(found) > 1:
        # Consul carries out the first of them and says nothing of the others.
        raise Refusal(f"{_FAILED}operation {position} is of {len(found)} kinds: make an operation of each")
    return operation


def _read_key(reader: Reader) -> Operation:
    operation = KeyOperation(
        verb=reader.text("Verb"),
        key=key_of_text(reader.text("Key")),
        value=_value(reader),
        flags=reader.unsigned("Flags"),
        index=reader.unsigned("Index"),
        session=reader.text("Session"),
    )
    _check_namespace(reader)
    reader.done()
    return operation


def _value(reader: Reader) -> bytes:
    text = reader.text("Value")
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True) if text else b""
    except (binascii.Error, ValueError):
        reader.note("Value", "is no base64")
        return b""


def _check_namespace(reader: Reader) -> None:
    """A namespace that is not there must not be overlooked: what is in it is not meant to be seen outside."""
    if reader.text("Namespace") not in _OWN_NAMESPACE:
        reader.note("Namespace", 'json: unknown field "Namespace"')


def _read_node(reader: Reader) -> Operation:
    child = reader.child("Node") or _nothing(reader)
    node = Node(
        id=child.text("ID"),
        node=child.text("Node"),
        address=child.text("Address"),
        datacenter=child.text("Datacenter"),
        tagged_addresses=child.text_map("TaggedAddresses") or None,
        meta=child.text_map("Meta") or None,
        create_index=child.unsigned("CreateIndex"),
        modify_index=child.unsigned("ModifyIndex"),
    )
    child.done()
    return NodeOperation(verb=_verb(reader), node=node)


def _read_service(reader: Reader) -> Operation:
    child = reader.child("Service") or _nothing(reader)
    index = child.unsigned("ModifyIndex")
    child.text("ContentHash")
    _check_namespace(child)
    verb, node = reader.text("Verb"), reader.text("Node")
    service = read_service(child)
    if verb == "get":
        # What is read is found by its id alone.
        service = msgspec.structs.replace(service, id=child.text("ID"))
    reader.done()
    return ServiceOperation(verb=verb, node=node, service=msgspec.structs.replace(service, modify_index=index))


def _read_check(reader: Reader) -> Operation:
    child = reader.child("Check") or _nothing(reader)
    index, kind = child.unsigned("ModifyIndex"), child.text("Type")
    _check_namespace(child)
    check = read_check(child, "")
    verb = _verb(reader)
    if verb == "get":
        check = msgspec.structs.replace(check, check_id=child.text("CheckID"))
    return CheckOperation(verb=verb, check=msgspec.structs.replace(check, modify_index=index, type=kind))


def _verb(reader: Reader) -> str:
    verb = reader.text("Verb")
    reader.done()
    return verb


def _nothing(reader: Reader) -> Reader:
    """A record that was left out is an empty one, as in Go."""
    return Reader({}, reader.path, reader.dialect, reader.problems)


_KINDS: Final[dict[str, Callable[[Reader], Operation]]] = {
    "KV": _read_key,
    "Node": _read_node,
    "Service": _read_service,
    "Check": _read_check,
}


def _flaw(operation: Operation, datacenter: str) -> str | None:
    match operation:
        case KeyOperation():
            return None if operation.key or operation.verb == "delete-tree" else "Must provide key"
        case NodeOperation():
            return None if operation.verb == "get" else _node_flaw(operation.node, operation.verb, datacenter)
        case ServiceOperation():
            return None if operation.verb == "get" else _service_flaw(operation)
        case CheckOperation():
            is_nameless = operation.verb in _WRITES and not operation.check.check_id
            return "Must provide check name or CheckID" if is_nameless else None


def _node_flaw(node: Node, verb: str, datacenter: str) -> str | None:
    if not node.node:
        return "Must provide node"
    if (flaw := id_flaw(node.id)) is not None:
        return f"Bad node ID: {flaw}"
    if verb not in _WRITES:
        return None
    if node.datacenter and node.datacenter.lower() != datacenter.lower():
        return f"node {node.node!r} is of datacenter {node.datacenter!r}, which is not this one: write it there"
    return None


def _service_flaw(operation: ServiceOperation) -> str | None:
    service = operation.service
    if operation.verb in _WRITES:
        node = Node(
            id="",
            node=operation.node,
            address="",
            datacenter="",
            tagged_addresses=None,
            meta=None,
            create_index=0,
            modify_index=0,
        )
        return service_flaw(Register(node=node, service=service))
    return "Must provide service name with ID" if service.id and not service.service else None
