"""What prepared queries found last."""

from __future__ import annotations

from lictor_agent.http.executions import EXECUTIONS_MAX, KeptExecutions
from lictor_core.prepared import Execution
from lictor_core.prepared_queries import PreparedQueryExecutionQuery
from lictor_core.registry import Reading


def reading(index: int) -> Reading[Execution | None]:
    return Reading(value=None, index=index, stamp=index)


def test_the_last_finding_is_kept_with_its_age() -> None:
    kept = KeptExecutions()
    query = PreparedQueryExecutionQuery(id_or_name="a")
    kept.keep(query, "", reading(1), 10.0)
    kept.keep(query, "", reading(2), 12.0)
    found = kept.get(query, "", 15.0)
    assert found is not None
    assert (found.reading.index, found.age_s) == (2, 3.0)
    assert kept.get(PreparedQueryExecutionQuery(id_or_name="b"), "", 15.0) is None


def test_the_one_asked_for_longest_ago_makes_room() -> None:
    kept = KeptExecutions()
    queries = [PreparedQueryExecutionQuery(id_or_name=str(number)) for number in range(EXECUTIONS_MAX + 1)]
    for query in queries[:-1]:
        kept.keep(query, "", reading(1), 0.0)
    assert kept.get(queries[0], "", 0.0) is not None
    kept.keep(queries[-1], "", reading(1), 0.0)
    assert kept.get(queries[1], "", 0.0) is None
    assert kept.get(queries[0], "", 0.0) is not None


def test_what_one_token_was_found_is_nobody_elses() -> None:
    kept = KeptExecutions()
    query = PreparedQueryExecutionQuery(id_or_name="a")
    kept.keep(query, "mine", reading(1), 0.0)
    assert kept.get(query, "mine", 0.0) is not None
    assert kept.get(query, "", 0.0) is None
