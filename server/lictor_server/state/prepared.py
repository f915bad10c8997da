"""The prepared queries: by id, by name or prefix, and by the session that each goes with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sortedcontainers import SortedDict

from lictor_core import topics as on
from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery
from lictor_core.prepared_names import PreparedNames
from lictor_server.state.catalog import fold
from lictor_server.state.copies import in_order
from lictor_server.state.indexes import Change

__all__ = ["PreparedQueries"]


class PreparedQueries:
    """All prepared queries of the datacenter. Names and ids compare whatever their case."""

    def __init__(self) -> None:
        self._by_id: SortedDict[str, PreparedQuery] = SortedDict()
        self._names = PreparedNames()
        self._of_session: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[PreparedQuery]:
        """Every query, by id."""
        return list(self._by_id.values())

    def get(self, query_id: str) -> PreparedQuery | None:
        """One query by id."""
        return self._by_id.get(fold(query_id))

    def of_session(self, session_id: str) -> list[PreparedQuery]:
        """The queries that end with a session, by id."""
        return [self._by_id[each] for each in sorted(self._of_session.get(fold(session_id), {}))]

    def resolve(self, id_or_name: str) -> PreparedQuery | None:
        """What runs under an id or a name: a query that is called so, else the template with the longest prefix of it.

        A template is not filled in. Raises `RequestError` for the id of a template: it has no name to go by.
        """
        return self._names.resolve(id_or_name)

    def render(self, id_or_name: str) -> PreparedQuery | None:
        """The same, a template filled in for the name. Raises `RequestError` where that cannot be done."""
        return self._names.render(id_or_name)

    def why_not(self, query: PreparedQuery) -> str:
        """Why the name of `query` is not to be had; empty when it is."""
        query_id, name = fold(query.id), fold(query.name)
        if not name:
            holder = self._names.catch_all if query.is_template else None
            return "" if _is(holder, query_id) else "a query template with an empty name already exists"
        if name in self._by_id:
            return f"name '{query.name}' aliases an existing query ID"
        return "" if _is(self._names.holder(name), query_id) else f"name '{query.name}' aliases an existing query name"

    def put(self, change: Change, query: PreparedQuery) -> None:
        """Create or replace by id; that its name is free was settled by the caller."""
        old = self._by_id.get(fold(query.id))
        stored = msgspec.structs.replace(
            query,
            id=query.id if old is None else old.id,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        if old is not None:
            self._unlink(old)
        self._link(stored)
        change.wake(on.PREPARED_QUERIES)

    def drop(self, change: Change, query: PreparedQuery) -> None:
        """Remove a query that is there."""
        self._unlink(query)
        change.wake(on.PREPARED_QUERIES)

    def _link(self, query: PreparedQuery) -> None:
        query_id = fold(query.id)
        self._by_id[query_id] = query
        self._names.add(query)
        if query.session:
            self._of_session.setdefault(fold(query.session), {})[query_id] = None

    def _unlink(self, query: PreparedQuery) -> None:
        query_id = fold(query.id)
        del self._by_id[query_id]
        self._names.remove(query)
        if query.session:
            bound = self._of_session[fold(query.session)]
            del bound[query_id]
            if not bound:
                del self._of_session[fold(query.session)]

    def rows(self) -> Iterator[PreparedQuery]:
        """Every query as of this call, by id: for snapshots. For any thread."""
        rows = dict(self._by_id)
        return (rows[query_id] for query_id in in_order(list(rows)))

    def restore(self, queries: Iterable[PreparedQuery]) -> None:
        """Take the rows of a snapshot. Raises `RequestError` for what no server held together."""
        for query in queries:
            if self._names.has_like(query):
                raise RequestError(f"the snapshot has the id or the name of prepared query {query.id} twice")
            self._link(query)


def _is(holder: PreparedQuery | None, query_id: str) -> bool:
    """Whether nobody else has it."""
    return holder is None or fold(holder.id) == query_id
