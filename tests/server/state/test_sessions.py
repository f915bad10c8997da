"""The table of sessions: found by id, by node and by check."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_server.state.indexes import Change
from lictor_server.state.sessions import Sessions
from tests.server.build import session

A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
B = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"


def ids(found: list[object]) -> list[str]:
    return [str(getattr(one, "id", "")) for one in found]


def test_sessions_are_found_by_node_and_check_whatever_the_case() -> None:
    table = Sessions()
    table.put(Change(5), session(B, node="N1", checks=["Mem"]))
    table.put(Change(6), session(A, node="n1", service_checks=["mem"]))
    assert ids([*table.all()]) == ids([*table.on_node("n1")]) == ids([*table.with_check("N1", "MEM")]) == [A, B]
    found = table.get(A.upper())
    assert found is not None
    assert (found.create_index, found.modify_index) == (6, 6)


def test_what_concerns_a_session_wakes_its_watchers_and_no_others() -> None:
    table, change = Sessions(), Change(5)
    table.put(change, session(A, node="n1"))
    assert set(change.woken) == {on.SESSIONS, on.session(A), on.node_sessions("n1")}
    assert change.sessions == [A]
    table.put(Change(6), session(B, node="n1"))
    end = Change(7)
    found = table.get(A)
    assert found is not None
    table.drop(end, found)
    assert set(end.woken) == {on.SESSIONS, on.session(A), on.node_sessions("n1")}
    assert set(end.retired) == {on.session(A)}, "another session of the node is still there"
    last = Change(8)
    other = table.get(B)
    assert other is not None
    table.drop(last, other)
    assert on.node_sessions("n1") in last.retired
    assert len(table) == 0
    assert table.with_check("n1", "mem") == []


def test_a_check_that_is_named_twice_is_dropped_once() -> None:
    table = Sessions()
    table.put(Change(5), session(A, checks=["mem", "MEM"], service_checks=["mem"]))
    found = table.get(A)
    assert found is not None
    table.drop(Change(6), found)
    assert table.with_check("n1", "mem") == []
