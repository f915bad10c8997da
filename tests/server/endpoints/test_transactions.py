"""What a transaction must be before it may enter the log."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.commands import Transaction
from lictor_core.errors import BodyTooLargeError, RequestError, UnknownDatacenterError
from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, Operation, ServiceOperation
from lictor_server.endpoints.transactions import checked_transaction
from tests.server.build import check, node, service


def checked(*operations: Operation) -> list[Operation]:
    return checked_transaction(Transaction(operations=list(operations)), "dc1").operations


def test_more_than_64_operations_are_refused() -> None:
    one = KeyOperation(verb="get", key="a")
    assert len(checked(*[one] * 64)) == 64
    with pytest.raises(RequestError, match="65 operations; at most 64"):
        checked(*[one] * 65)


def test_keys_and_values_are_bounded_as_elsewhere() -> None:
    with pytest.raises(RequestError, match="key is missing"):
        checked(KeyOperation(verb="get", key=""))
    with pytest.raises(BodyTooLargeError):
        checked(KeyOperation(verb="lock", key="a", value=b"v" * (512 * 1024 + 1)))
    with pytest.raises(RequestError, match="64 bits"):
        checked(KeyOperation(verb="set", key="a", flags=2**64))
    assert checked(KeyOperation(verb="delete-tree", key=""))


def test_blanks_are_filled() -> None:
    wanted = msgspec.structs.replace(check("c1", node="n1"), status="", check_id="")
    (filled,) = checked(CheckOperation(verb="set", check=wanted))
    assert isinstance(filled, CheckOperation)
    assert (filled.check.status, filled.check.check_id) == ("critical", "c1")
    (made,) = checked(NodeOperation(verb="cas", node=msgspec.structs.replace(node("n1", address=""), datacenter="")))
    assert isinstance(made, NodeOperation)
    assert made.node.datacenter == "dc1"


def test_what_is_written_is_judged_as_a_registration_is() -> None:
    with pytest.raises(UnknownDatacenterError):
        checked(NodeOperation(verb="set", node=msgspec.structs.replace(node("n1"), datacenter="dc2")))
    with pytest.raises(RequestError, match="Meta"):
        checked(NodeOperation(verb="set", node=node("n1", meta={"k": "x" * 513})))

    with pytest.raises(RequestError, match="Port"):
        checked(ServiceOperation(verb="set", node="n1", service=service("p", proxy_for="web", port=0)))


def test_what_is_deleted_or_read_is_not() -> None:
    nameless = ServiceOperation(verb="delete", node="n1", service=msgspec.structs.replace(service("p"), service=""))
    assert checked(nameless) == [nameless]
