import pytest

from lictor_core.commands import Command, KVSet, Outcome, Proposal, Transaction
from lictor_core.errors import OutcomeUnknownError, PermissionDeniedError
from lictor_core.records import KVEntry
from lictor_core.transactions import KeyOperation, OperationResult, TransactionAnswer
from lictor_server.acl.writing import WriteJudge
from tests.server.acl.world import FixedCallers, world

_A = 'key_prefix "a/" { policy = "write" }'
_SET = KVSet(key="a/1", value=b"")
_DENIED = KVSet(key="b", value=b"")


def _proposal(command: Command, *, again: bool = False) -> Proposal:
    return Proposal(b"request", 0, again, command)


def _judge() -> WriteJudge:
    return WriteJudge(world(), FixedCallers({"a": _A}))


def test_what_may_be_written_is_not_refused() -> None:
    assert _judge().refused(_proposal(_SET), _SET, "a") is None


def test_what_may_not_be_written_is_denied() -> None:
    with pytest.raises(PermissionDeniedError, match="key:write"):
        _judge().refused(_proposal(_DENIED), _DENIED, "a")
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        _judge().refused(_proposal(_SET), _SET, "revoked")


def test_a_repetition_that_is_denied_may_have_been_carried_out() -> None:
    with pytest.raises(OutcomeUnknownError, match="not known here"):
        _judge().refused(_proposal(_SET, again=True), _SET, "revoked")


def test_a_repetition_of_what_was_carried_out_is_answered_though_it_would_be_denied_now() -> None:
    store = world()
    store.requests.note(b"request", Outcome(index=7), 0)
    judge = WriteJudge(store, FixedCallers({}))

    assert judge.refused(_proposal(_SET, again=True), _SET, "revoked") is None


def test_a_transaction_is_refused_by_its_operations() -> None:
    command = Transaction(operations=[KeyOperation(verb="set", key=key) for key in ("a/1", "b")])

    refused = _judge().refused(_proposal(command), command, "a")

    assert refused is not None
    assert isinstance(refused.value, TransactionAnswer)
    assert [one.position for one in refused.value.errors] == [1]


def test_of_what_a_transaction_came_to_is_told_what_may_be_read() -> None:
    entries = [
        KVEntry(lock_index=0, key=key, flags=0, value=b"", create_index=1, modify_index=1) for key in ("a/1", "b")
    ]
    results = [OperationResult(key=entry) for entry in entries]

    told = _judge().told(Outcome(index=9, value=TransactionAnswer(results=results)), "a")

    assert told == Outcome(index=9, value=TransactionAnswer(results=results[:1]))
    assert _judge().told(Outcome(index=9), "a") == Outcome(index=9)
