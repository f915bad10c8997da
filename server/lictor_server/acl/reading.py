"""Judging reads: who asks, whether they may, and what they see of the answer."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple, TypeVar, cast

from lictor_core.acl.authorizer import EVERYTHING
from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.errors import LictorError
from lictor_core.prepared_queries import PreparedQueryExecutionQuery
from lictor_core.queries import Query, TransactionQuery
from lictor_server.acl.callers import Callers
from lictor_server.acl.needs_of_reads import NEEDS_OF_READS, Judging
from lictor_server.state import Store

__all__ = ["NO_STAMP", "ReadJudge", "Seen"]

T = TypeVar("T")

_KEPT_MAX: Final = 256
"""Answers that are kept as some scope sees them."""
NO_STAMP: Final = -1
"""What stands for the stamp of what may not be read: no answer has it."""


class Seen(NamedTuple):
    """What a caller sees of an answer; `scope` as in core's `Reading`."""

    value: object
    scope: str


class ReadJudge:
    """Judges by the tokens and the data of one store, which have to be as fresh as the reader wants."""

    def __init__(self, store: Store, callers: Callers, *, lists_keys: bool = False, kept_max: int = _KEPT_MAX) -> None:
        """`lists_keys` is Consul's `acl.enable_key_list_policy`."""
        self._store = store
        self._callers = callers
        self._lists_keys = lists_keys
        self._kept_max = kept_max
        self._kept: OrderedDict[tuple[Query[object], str], tuple[int, object]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def admitted(self, query: Query[T], token: str) -> Caller:
        """Who shows `token`, if they may ask `query`: a prepared query is run by its own token, whoever asks. What is
        open to everybody is so to who shows a token that nobody knows, too.

        Raises `PermissionDeniedError`, and `RequestError` for a prepared query that cannot be rendered.
        """
        need = NEEDS_OF_READS[type(query)]
        if need.require is None and need.left is None and not isinstance(query, PreparedQueryExecutionQuery):
            return ANYBODY
        caller = self._callers.caller(token)
        if caller.authorizer is EVERYTHING:
            return caller
        require = need.require
        if require is not None:
            require(Judging(caller.authorizer, self._store, self._lists_keys), query)
        if isinstance(query, PreparedQueryExecutionQuery):
            prepared = self._store.prepared.render(query.id_or_name)
            if prepared is not None and prepared.token:
                return self._callers.caller(prepared.token)
        return caller

    def scope(self, query: Query[T], caller: Caller) -> str:
        """What tells apart what callers see of the answer to `query`; empty for who sees all of it."""
        judge, need = caller.authorizer, NEEDS_OF_READS[type(query)]
        if need.left is None or not judge.scope or (need.about and all(map(judge.sees_all, need.about))):
            return ""
        return judge.scope

    def seen(self, query: Query[T], caller: Caller, answer: object, stamp: int) -> Seen:
        """What `caller`, who may ask `query`, sees of its answer at `stamp`. Raises `PermissionDeniedError`.

        Nobody changes the answers: they are shared.
        """
        judge, need = caller.authorizer, NEEDS_OF_READS[type(query)]
        if need.left is None or not self.scope(query, caller):
            return Seen(answer, "")
        judging = Judging(judge, self._store, self._lists_keys)
        if isinstance(query, TransactionQuery):  # nothing tells whether its answer still holds
            return Seen(need.left(judging, query, answer), judge.scope)
        key = (cast("Query[object]", query), judge.scope)
        kept = self._kept.get(key)
        if kept is None or kept[0] != stamp:
            kept = self._kept[key] = (stamp, need.left(judging, query, answer))
            if len(self._kept) > self._kept_max:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return Seen(kept[1], judge.scope)

    def stamp(self, query: Query[object], token: str) -> int:
        """The stamp that a reading of `query` with `token` would have now; `NO_STAMP` where it is not to be had."""
        try:
            caller = self.admitted(query, token)
        except LictorError:
            return NO_STAMP
        return max(self._store.stamp(query.topics()), caller.stamp)
