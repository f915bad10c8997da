"""The table of prepared queries: found by id, name and prefix; names are unique; queries go with their session."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core import topics as on
from lictor_core.commands import Command, PreparedQueryDelete, PreparedQuerySet, SessionCreate, SessionDestroy
from lictor_core.errors import RequestError
from lictor_core.prepared import PreparedQuery
from lictor_server.state.apply import apply
from lictor_server.state.indexes import Change
from lictor_server.state.prepared import PreparedQueries
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.state.store import Store
from tests.server.build import prepared_query, register, session, template
from tests.server.state.strategies import SESSIONS, prepared_commands

A, B, C = (f"{digit * 8}-aaaa-4aaa-8aaa-aaaaaaaaaaaa" for digit in "abc")
FIRST = 2


def filled(*queries: PreparedQuery) -> Store:
    store = Store("dc1")
    apply(store, FIRST, register())
    for query in queries:
        assert done(store, PreparedQuerySet(query=query)) is True
    return store


def done(store: Store, command: Command) -> object:
    outcome, _ = apply(store, store.index + 1, command)
    return outcome.value if outcome.rejection is None else outcome.rejection.message


def found(store: Store, id_or_name: str) -> str | None:
    query = store.prepared.resolve(id_or_name)
    return None if query is None else query.id


def test_a_query_is_found_by_id_and_name_whatever_the_case() -> None:
    store = filled(prepared_query("Web", id=A))
    assert [found(store, text) for text in (A, A.upper(), "web", "WEB", "we", "")] == [A, A, A, A, None, None]


def test_the_longest_prefix_wins_and_a_name_wins_over_all() -> None:
    store = filled(template("", id=A), template("geo-", id=B), prepared_query("geo-db", id=C))
    assert [found(store, name) for name in ("x", "geo", "GEO-", "geo-x", "geo-db", "geo-db2")] == [A, A, B, B, C, B]


def test_a_template_cannot_be_asked_for_by_its_id() -> None:
    store = filled(template("geo-", id=A))
    with pytest.raises(RequestError, match="is a template: ask for a name that begins with 'geo-'"):
        store.prepared.resolve(A)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (prepared_query("WEB", id=C), "name 'WEB' aliases an existing query name"),
        (template("web", id=C), "name 'web' aliases an existing query name"),
        (prepared_query("GEO-", id=C), "name 'GEO-' aliases an existing query name"),
        (prepared_query(A, id=C), f"name '{A}' aliases an existing query ID"),
        (template("", id=C), "a query template with an empty name already exists"),
        (prepared_query("", id=C, session=B), f'invalid session "{B}"'),
        (prepared_query("other", id=A), f"there is a prepared query {A} already: give this one a new id"),
    ],
)
def test_a_name_is_had_by_one_query(query: PreparedQuery, reason: str) -> None:
    store = filled(prepared_query("web", id=A), template("geo-", id=B))
    done(store, PreparedQuerySet(query=template("", id="dddddddd-aaaa-4aaa-8aaa-aaaaaaaaaaaa")))
    assert done(store, PreparedQuerySet(query=query)) == reason


def test_an_update_gives_up_what_the_query_was_called() -> None:
    store = filled(prepared_query("web", id=A))
    assert done(store, PreparedQuerySet(query=template("geo-", id=A.upper()), is_update=True)) is True
    assert [found(store, name) for name in ("web", "geo-x")] == [None, A]
    query = store.prepared.get(A)
    assert query is not None
    assert (query.id, query.create_index, query.modify_index) == (A, FIRST + 1, FIRST + 2)
    assert done(store, PreparedQuerySet(query=prepared_query("web", id=A), is_update=True)) is True
    assert [found(store, name) for name in ("web", "geo-x")] == [A, None]


@pytest.mark.parametrize("command", [PreparedQuerySet(query=prepared_query("x", id=B), is_update=True)])
def test_what_is_not_there_is_neither_updated_nor_deleted(command: Command) -> None:
    reason = f"Cannot modify non-existent prepared query: '{B}'"
    assert done(filled(), command) == done(filled(), PreparedQueryDelete(id=B)) == reason


def test_a_query_goes_with_its_session_and_tells_its_watchers() -> None:
    store = filled(prepared_query("stays", id=A))
    done(store, SessionCreate(session=session(SESSIONS[0])))
    done(store, PreparedQuerySet(query=prepared_query("", id=B, session=SESSIONS[0].upper())))
    _, change = apply(store, store.index + 1, SessionDestroy(id=SESSIONS[0]))
    assert on.PREPARED_QUERIES in change.woken
    assert [query.id for query in store.prepared.all()] == [A]


def test_a_query_from_a_snapshot_goes_with_its_session() -> None:
    store = filled()
    done(store, SessionCreate(session=session(SESSIONS[0])))
    done(store, PreparedQuerySet(query=prepared_query("bound", id=B, session=SESSIONS[0])))
    again = restore(take(store))
    assert found(again, "bound") == B
    done(again, SessionDestroy(id=SESSIONS[0]))
    assert len(again.prepared) == 0


@dataclasses.dataclass
class Naive:
    """A list that is searched for everything."""

    queries: list[PreparedQuery] = dataclasses.field(default_factory=list[PreparedQuery])

    def resolve(self, wanted: str) -> PreparedQuery | None:
        by_length = sorted((one for one in self.queries if one.is_template), key=lambda one: -len(one.name))
        ways = (
            [one for one in self.queries if one.id == wanted],
            [one for one in self.queries if not one.is_template and one.name and one.name.lower() == wanted.lower()],
            [one for one in by_length if wanted.lower().startswith(one.name.lower())],
        )
        return next((one for way in ways for one in way), None)


@given(st.lists(prepared_commands, max_size=25))
@settings(deadline=None)
def test_the_table_finds_what_a_list_would(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate([register(), SessionCreate(session=session(SESSIONS[0])), *log], FIRST):
        apply(store, index, command)
    naive = Naive(store.prepared.all())
    for name in ("", "a", "A", "ab", "abc", "b", "x"):
        assert store.prepared.resolve(name) == naive.resolve(name)
    again = restore(take(store))
    assert state_hash(again) == state_hash(store)
    assert again.prepared.all() == store.prepared.all()


def test_dropping_and_putting_leave_nothing_behind() -> None:
    table = PreparedQueries()
    for query in (prepared_query("a", id=A, session=B), template("b", id=B)):
        table.put(Change(5), query)
        kept = table.get(query.id)
        assert kept is not None
        table.drop(Change(6), kept)
    empty = PreparedQueries()
    assert {name: len(rows) for name, rows in vars(table).items()} == dict.fromkeys(vars(empty), 0)
    assert msgspec.json.encode(table.all()) == b"[]"
