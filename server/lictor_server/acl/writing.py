"""Judging writes, at the leader: whether they may be, and what is told of what came of them."""

from __future__ import annotations

import msgspec

from lictor_core.acl.authorizer import EVERYTHING
from lictor_core.acl.caller import Caller
from lictor_core.commands import Command, Outcome, Proposal, Transaction
from lictor_core.errors import OutcomeUnknownError, PermissionDeniedError
from lictor_core.transactions import TransactionAnswer
from lictor_server.acl.callers import Callers
from lictor_server.acl.needs_of_writes import NEEDS_OF_WRITES
from lictor_server.acl.operations import denied_operations
from lictor_server.acl.visible import rows_left, sees_result
from lictor_server.state import Store

__all__ = ["WriteJudge"]


class WriteJudge:
    """Judges by the tokens and the data of the leader's store."""

    def __init__(self, store: Store, callers: Callers) -> None:
        self._store = store
        self._callers = callers

    def refused(self, proposal: Proposal, command: Command, token: str) -> Outcome | None:
        """What a write comes to that may not be, but is no error as a whole: a transaction with operations that are
        denied. None for one that may be.

        `command` is that of `proposal` as it would stand in the log. Raises `PermissionDeniedError`, and where an
        earlier sending of the same may have been carried out `OutcomeUnknownError`.
        """
        try:
            caller = self._callers.caller(token)
            if caller.authorizer is EVERYTHING:
                return None
            return self._judged(command, caller)
        except PermissionDeniedError as denied:
            if not proposal.again:
                raise
            if self._store.requests.earlier(proposal, self._store.index) is not None:
                return None  # it was carried out while it was allowed, and will not be again
            raise OutcomeUnknownError(
                f"{denied}; whether an earlier sending of this write was carried out is not known here"
            ) from denied

    def told(self, outcome: Outcome, token: str) -> Outcome:
        """What is told of a write that came to `outcome`: of a transaction only what may be read."""
        if not isinstance(outcome.value, TransactionAnswer):
            return outcome
        try:
            judge = self._callers.caller(token).authorizer
        except PermissionDeniedError:  # the transaction has just deleted what it goes by, or its time is over
            return msgspec.structs.replace(outcome, value=TransactionAnswer())
        if not judge.scope:
            return outcome
        left = rows_left(judge, outcome.value.results, sees_result)
        return msgspec.structs.replace(outcome, value=msgspec.structs.replace(outcome.value, results=left))

    def _judged(self, command: Command, caller: Caller) -> Outcome | None:
        if isinstance(command, Transaction):
            denied = denied_operations(self._store, caller.authorizer, command.operations)
            return Outcome(index=self._store.index, value=TransactionAnswer(errors=denied)) if denied else None
        require = NEEDS_OF_WRITES[type(command)].require
        assert require is not None, "what servers alone write was refused before"
        require(self._store, caller.authorizer, command)
        return None
