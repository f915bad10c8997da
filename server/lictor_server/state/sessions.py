"""The sessions: by id, by node, and by the checks that each depends on.

What ends one (its node, a check, its owner, its TTL) is told by a command, and the keys it held are the KV table's:
`apply` brings the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sortedcontainers import SortedDict

from lictor_core import topics as on
from lictor_core.errors import RequestError
from lictor_core.records import Session
from lictor_server.state.catalog import fold
from lictor_server.state.copies import in_order
from lictor_server.state.indexes import Change

__all__ = ["Sessions"]


class Sessions:
    """All sessions of the datacenter."""

    def __init__(self) -> None:
        self._by_id: SortedDict[str, Session] = SortedDict()
        self._on_node: dict[str, dict[str, None]] = {}
        self._with_check: dict[tuple[str, str], dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[Session]:
        """Every session, by id."""
        return list(self._by_id.values())

    def get(self, session_id: str) -> Session | None:
        """One session; case does not count."""
        return self._by_id.get(fold(session_id))

    def on_node(self, node: str) -> list[Session]:
        """The sessions of a node, by id."""
        return [self._by_id[each] for each in sorted(self._on_node.get(fold(node), {}))]

    def with_check(self, node: str, check_id: str) -> list[Session]:
        """The sessions that depend on a check of a node, by id."""
        return [self._by_id[each] for each in sorted(self._with_check.get((fold(node), fold(check_id)), {}))]

    def put(self, change: Change, session: Session) -> None:
        """Add a session; that it may be there was settled by the caller."""
        stored = msgspec.structs.replace(session, create_index=change.index, modify_index=change.index)
        self._link(stored)
        change.sessions.append(stored.id)
        change.wake(on.SESSIONS)
        change.wake(on.session(stored.id))
        change.wake(on.node_sessions(stored.node))

    def drop(self, change: Change, session: Session) -> None:
        """Remove a session."""
        session_id, node = fold(session.id), fold(session.node)
        del self._by_id[session_id]
        del self._on_node[node][session_id]
        for check_id in {fold(one) for one in session.check_ids()}:
            ids = self._with_check[node, check_id]
            del ids[session_id]
            if not ids:
                del self._with_check[node, check_id]
        change.sessions.append(session.id)
        change.wake(on.SESSIONS)
        change.retire(on.session(session.id))
        if self._on_node[node]:
            change.wake(on.node_sessions(node))
        else:
            del self._on_node[node]
            change.retire(on.node_sessions(node))

    def _link(self, session: Session) -> None:
        session_id, node = fold(session.id), fold(session.node)
        self._by_id[session_id] = session
        self._on_node.setdefault(node, {})[session_id] = None
        for check_id in session.check_ids():
            self._with_check.setdefault((node, fold(check_id)), {})[session_id] = None

    def rows(self) -> Iterator[Session]:
        """Every session as of this call, by id: for snapshots. For any thread."""
        rows = dict(self._by_id)
        return (rows[session_id] for session_id in in_order(list(rows)))

    def restore(self, sessions: Iterable[Session]) -> None:
        """Take the rows of a snapshot. Raises `RequestError` for what no server held together."""
        for session in sessions:
            if fold(session.id) in self._by_id:
                raise RequestError(f"the snapshot has session {session.id} twice")
            self._link(session)
