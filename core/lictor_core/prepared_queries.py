"""Queries for prepared queries: what is kept, what runs under a name, and what it finds."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.prepared import Execution, PreparedQuery, QueryOrigin
from lictor_core.query import Query
from lictor_core.topics import Topic

__all__ = ["PreparedQueriesQuery", "PreparedQueryExecutionQuery", "PreparedQueryQuery", "PreparedQueryRenderedQuery"]


class PreparedQueriesQuery(Query[list[PreparedQuery]], frozen=True, kw_only=True, tag="PreparedQueries"):
    """All prepared queries, by id."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.PREPARED_QUERIES,)


class PreparedQueryQuery(Query[PreparedQuery | None], frozen=True, kw_only=True, tag="PreparedQuery"):
    """One prepared query by its id; case does not count."""

    id: str

    def topics(self) -> tuple[Topic, ...]:
        return (on.PREPARED_QUERIES,)


class PreparedQueryRenderedQuery(Query[PreparedQuery | None], frozen=True, kw_only=True, tag="PreparedQueryRendered"):
    """What runs under an id or a name: a template with the name filled in. None when nothing has that name.

    Refused with `RequestError` are a template that is asked for by its id, and expressions that cannot be carried out.
    With `to_run` who knows the name may have it, as they may run it, and without its token.
    """

    id_or_name: str
    to_run: bool = False

    def topics(self) -> tuple[Topic, ...]:
        return (on.PREPARED_QUERIES,)


class PreparedQueryExecutionQuery(Query[Execution | None], frozen=True, kw_only=True, tag="PreparedQueryExecution"):
    """What the query of this id or name finds, for DNS and HTTP alike; None and refusals as in the rendered one.

    With `connect` it finds mesh-capable instances, whatever it says itself. The order of the answer's rows is settled
    by `prepared.in_random_order`. It depends on nearly everything: to be asked, not followed.
    """

    id_or_name: str
    connect: bool = False
    origin: QueryOrigin = QueryOrigin()

    def topics(self) -> tuple[Topic, ...]:
        return (on.PREPARED_QUERIES, on.INSTANCES, on.NODES, on.checks_in_state("any"), on.DISTANCES)
