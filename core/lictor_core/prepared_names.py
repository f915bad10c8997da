"""Which prepared query runs under a name. Pure.

Source: Consul's document `api-docs/query`: a query that is called so comes before any template, and of templates the
one with the longest prefix of the name.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery
from lictor_core.query_templates import rendered

__all__ = ["PreparedNames"]


class PreparedNames:
    """Prepared queries by id, by name, and templates by prefix; none of them looks at case."""

    def __init__(self, queries: Iterable[PreparedQuery] = ()) -> None:
        self._by_id: dict[str, PreparedQuery] = {}
        self._named: dict[str, PreparedQuery] = {}
        self._templates: dict[str, PreparedQuery] = {}
        for query in queries:
            self.add(query)

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, query: PreparedQuery) -> None:
        """Know `query`, whose id and name nothing else here has."""
        self._by_id[query.id.lower()] = query
        if query.is_template:
            self._templates[query.name.lower()] = query
        elif query.name:
            self._named[query.name.lower()] = query

    def remove(self, query: PreparedQuery) -> None:
        """Know `query`, which is here as it is, no longer."""
        del self._by_id[query.id.lower()]
        if query.is_template:
            del self._templates[query.name.lower()]
        elif query.name:
            del self._named[query.name.lower()]

    def holder(self, name: str) -> PreparedQuery | None:
        """The query or template that has exactly this name, which is not empty."""
        wanted = name.lower()
        return self._named.get(wanted) or self._templates.get(wanted)

    @property
    def catch_all(self) -> PreparedQuery | None:
        """The template that answers to every name."""
        return self._templates.get("")

    def has_like(self, query: PreparedQuery) -> bool:
        """Whether one of the same kind has the id or the name of `query`."""
        name = query.name.lower()
        is_taken = name in self._templates if query.is_template else bool(name) and name in self._named
        return is_taken or query.id.lower() in self._by_id

    def resolve(self, id_or_name: str) -> PreparedQuery | None:
        """What runs under an id or a name: a query that is called so, else the template with the longest prefix of it.

        A template is not filled in. Raises `RequestError` for the id of a template: it has no name to go by.
        """
        wanted = id_or_name.lower()
        query = self._by_id.get(wanted)
        if query is not None and query.is_template:
            raise RequestError(
                f"prepared query {query.id} is a template: ask for a name that begins with {query.name!r}, "
                "not for its id"
            )
        return query or self._named.get(wanted) or self._templates.get(self._longest_prefix(wanted))

    def render(self, id_or_name: str) -> PreparedQuery | None:
        """The same, a template filled in for the name. Raises `RequestError` where that cannot be done."""
        query = self.resolve(id_or_name)
        return None if query is None else rendered(query, id_or_name)

    def _longest_prefix(self, name: str) -> str:
        end = min(len(name), max(map(len, self._templates), default=0))
        return next((name[:length] for length in range(end, 0, -1) if name[:length] in self._templates), "")
