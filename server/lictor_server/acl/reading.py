"""Judging reads: who asks, whether they may, and what they see of the answer."""

from __future__ import annotations

import asyncio
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

__all__ = ["NO_STAMP", "ROWS_AT_ONCE", "ReadJudge", "Seen"]

T = TypeVar("T")

ROWS_AT_ONCE: Final = 1000
"""Rows of an answer that are looked at before others have their turn: some 2 ms."""
_Key = tuple[Query[object], str]

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
        self._kept: OrderedDict[_Key, tuple[int, object]] = OrderedDict()
        self._under_way: dict[tuple[_Key, int], asyncio.Future[None]] = {}

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
            return self._keep(key, stamp, need.left(judging, query, answer))
        self._kept.move_to_end(key)
        return Seen(kept[1], judge.scope)

    async def seen_in_bits(self, query: Query[T], caller: Caller, answer: object, stamp: int) -> Seen:
        """The same, for answers that may be long: others are served between two bits of one, and who asks for the same
        meanwhile waits for it."""
        judge, need = caller.authorizer, NEEDS_OF_READS[type(query)]
        if not need.by_rows or need.left is None:
            return self.seen(query, caller, answer, stamp)
        rows = cast("list[object]", answer)
        if len(rows) <= ROWS_AT_ONCE:
            return self.seen(query, caller, rows, stamp)
        if not self.scope(query, caller):
            return Seen(answer, "")
        key = (cast("Query[object]", query), judge.scope)
        while (same := self._under_way.get((key, stamp))) is not None:
            await asyncio.wait([same])
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamp:
            return Seen(kept[1], judge.scope)
        done = self._under_way[key, stamp] = asyncio.get_running_loop().create_future()
        try:
            judging, left = Judging(judge, self._store, self._lists_keys), list[object]()
            for at in range(0, len(rows), ROWS_AT_ONCE):
                left += cast("list[object]", need.left(judging, query, rows[at : at + ROWS_AT_ONCE]))
                await asyncio.sleep(0)
            return self._keep(key, stamp, left)
        finally:
            del self._under_way[key, stamp]
            done.set_result(None)

    def _keep(self, key: _Key, stamp: int, value: object) -> Seen:
        self._kept[key] = (stamp, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
        return Seen(value, key[1])

    def stamp(self, query: Query[object], token: str) -> int:
        """The stamp that a reading of `query` with `token` would have now; `NO_STAMP` where it is not to be had."""
        try:
            caller = self.admitted(query, token)
        except LictorError:
            return NO_STAMP
        return max(self._store.stamp(query.topics()), caller.stamp)
