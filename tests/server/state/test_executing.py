"""What prepared queries find. What Consul finds is in `tests/compat/scenarios/http/queries.py`."""

from __future__ import annotations

import msgspec

from lictor_core.commands import Command, CoordinatesSet, PreparedQuerySet
from lictor_core.prepared import Execution, PreparedQuery, QueryOrigin
from lictor_server.state.apply import apply
from lictor_server.state.executing import execute, render
from lictor_server.state.store import Store
from tests.server.build import check, node, placed, prepared_query, register, service, template

NOBODY = QueryOrigin()


def done(store: Store, *commands: Command) -> None:
    for command in commands:
        outcome, _ = apply(store, store.index + 1, command)
        assert outcome.rejection is None


def filled(*queries: PreparedQuery) -> Store:
    """Four nodes with an instance each; two of them have a place."""
    store = Store("dc1")
    store.index = 1
    statuses = {"n1": "passing", "n2": "warning", "n3": "passing", "n4": "critical"}
    for number, (name, status) in enumerate(statuses.items(), 1):
        one = node(name, address=f"192.0.2.{number}")
        tags = ["odd"] if number % 2 else ["even"]
        done(
            store,
            register(one, service=service(tags=tags), checks=[check("c", status=status, service_id="web", node=name)]),
        )
    done(store, CoordinatesSet(updates=[placed("n2", 0.2), placed("n3", 0.1)]))
    done(store, *(PreparedQuerySet(query=query) for query in queries))
    return store


def found(store: Store, name: str, origin: QueryOrigin = NOBODY, *, connect: bool = False) -> Execution:
    execution = execute(store, name, origin, connect=connect)
    assert execution is not None
    return execution


def runs(execution: Execution) -> list[set[str]]:
    """The names of the nodes, run by run."""
    rows = iter(execution.rows)
    return [{next(rows).node.node for _ in range(length)} for length in execution.runs]


def changed(query: PreparedQuery, **fields: object) -> PreparedQuery:
    return msgspec.structs.replace(query, service=msgspec.structs.replace(query.service, **fields))


def test_critical_instances_are_left_out_and_warnings_only_when_asked() -> None:
    store = filled(prepared_query("all"), changed(prepared_query("passing", id="2" * 8), only_passing=True))
    assert runs(found(store, "all")) == [{"n1", "n2", "n3"}]
    assert runs(found(store, "passing")) == [{"n1", "n3"}]


def test_a_check_that_is_ignored_keeps_nobody_out() -> None:
    store = filled(changed(prepared_query("q"), ignore_check_ids=["c"], only_passing=True))
    assert runs(found(store, "q")) == [{"n1", "n2", "n3", "n4"}]


def test_tags_ask_for_some_and_forbid_others() -> None:
    store = filled(changed(prepared_query("q"), tags=["ODD"]), changed(prepared_query("n", id="2" * 8), tags=["!Odd"]))
    assert runs(found(store, "q")) == [{"n1", "n3"}]
    assert runs(found(store, "n")) == [{"n2"}]


def test_distance_orders_and_who_has_no_place_comes_last() -> None:
    store = filled(changed(prepared_query("q"), near="n3"))
    assert runs(found(store, "q")) == [{"n3"}, {"n2"}, {"n1"}]
    assert runs(found(store, "q", QueryOrigin(near="n2"))) == [{"n2"}, {"n3"}, {"n1"}], "the caller has the say"
    assert runs(found(store, "q", QueryOrigin(near="n1"))) == [{"n1"}, {"n2", "n3"}], "it has no place, but is itself"
    assert runs(found(store, "q", QueryOrigin(near="nobody"))) == [{"n1", "n2", "n3"}]


def test_near_may_name_the_agent_or_the_caller() -> None:
    store = filled(changed(prepared_query("q"), near="_agent"), changed(prepared_query("i", id="2" * 8), near="_ip"))
    origin = QueryOrigin(agent="n2", address="192.0.2.3")
    assert runs(found(store, "q", origin)) == [{"n2"}, {"n3"}, {"n1"}]
    assert runs(found(store, "i", origin)) == [{"n3"}, {"n2"}, {"n1"}]
    assert runs(found(store, "i", QueryOrigin(address="203.0.113.9"))) == [{"n1", "n2", "n3"}]


def test_connect_finds_what_stands_for_the_service() -> None:
    store = filled(prepared_query("q"))
    done(store, register(node("n5", address="192.0.2.5"), service=service("side", proxy_for="web")))
    assert runs(found(store, "q", connect=True)) == [{"n5"}]
    assert runs(found(store, "q")) == [{"n1", "n2", "n3"}]


def test_a_template_is_run_for_the_name_it_was_asked_by() -> None:
    store = filled(template("t-", service="${name.suffix}"))
    assert runs(found(store, "t-web")) == [{"n1", "n2", "n3"}]
    nothing = found(store, "t-other")
    assert (nothing.service, nothing.rows, nothing.runs) == ("other", [], [])
    rendered = render(store, "t-web")
    assert rendered is not None
    assert rendered.service.service == "web"


def test_what_has_no_name_is_not_found() -> None:
    assert execute(filled(), "q", NOBODY, connect=False) is None
