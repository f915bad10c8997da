"""Queries for prepared queries."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.prepared import QueryOrigin
from lictor_core.prepared_queries import PreparedQueryExecutionQuery, PreparedQueryRenderedQuery


def test_who_asks_from_elsewhere_asks_another_question() -> None:
    near, far = (PreparedQueryExecutionQuery(id_or_name="q", origin=QueryOrigin(agent=one)) for one in ("a", "b"))
    assert near != far
    assert near == PreparedQueryExecutionQuery(id_or_name="q", origin=QueryOrigin(agent="a"))


def test_running_depends_on_the_catalog_and_rendering_does_not() -> None:
    assert on.INSTANCES in PreparedQueryExecutionQuery(id_or_name="q").topics()
    assert PreparedQueryRenderedQuery(id_or_name="q").topics() == (on.PREPARED_QUERIES,)
