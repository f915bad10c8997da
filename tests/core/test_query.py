"""What every query is."""

from __future__ import annotations

import pytest

from lictor_core.queries import NodesQuery
from lictor_core.query import FilterableQuery, Query


def test_a_query_without_topics_is_none() -> None:
    class Nothing(Query[int], frozen=True, kw_only=True):
        """It names no topics."""

    with pytest.raises(NotImplementedError, match="Nothing"):
        Nothing().topics()


def test_a_filter_makes_another_question_with_the_same_topics() -> None:
    plain, chosen = NodesQuery(), NodesQuery(filter="Node == a")
    assert isinstance(plain, FilterableQuery)
    assert plain != chosen
    assert plain.topics() == chosen.topics()
