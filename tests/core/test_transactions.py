"""Which operations go through the log, and that transactions survive the wire."""

from __future__ import annotations

import pytest

from lictor_core.codec import decode_command, encode_command, pack, unpack
from lictor_core.commands import Outcome, Transaction
from lictor_core.transactions import (
    KeyOperation,
    NodeOperation,
    OperationError,
    TransactionAnswer,
    changes_something,
)
from tests.server.build import node


@pytest.mark.parametrize("verb", ["get", "get-tree", "check-index", "check-session", "check-not-exists", "bogus", ""])
def test_a_key_is_not_changed_by_reading_comparing_or_an_unknown_verb(verb: str) -> None:
    assert not changes_something(KeyOperation(verb=verb, key="a"))


@pytest.mark.parametrize("verb", ["set", "cas", "lock", "unlock", "delete", "delete-cas", "delete-tree"])
def test_a_key_is_changed_by_all_else(verb: str) -> None:
    assert changes_something(KeyOperation(verb=verb, key="a"))


@pytest.mark.parametrize(("verb", "changes"), [("get", False), ("set", True), ("delete", True), ("bogus", True)])
def test_what_is_in_the_catalog_is_read_by_get_alone(verb: str, changes: bool) -> None:
    assert changes_something(NodeOperation(verb=verb, node=node())) is changes


def test_a_transaction_survives_the_log_and_its_answer_the_wire() -> None:
    wanted = Transaction(
        operations=[KeyOperation(verb="set", key="a", value=b"\xff"), NodeOperation(verb="get", node=node())]
    )
    assert decode_command(encode_command(wanted)) == wanted
    outcome = Outcome(index=3, value=TransactionAnswer(errors=[OperationError(position=1, text="no")]))
    assert unpack(pack(outcome), Outcome) == outcome
    assert unpack(pack(Outcome(index=3, value=7)), Outcome).value == 7
