"""The body of a session: what is given, and what is not."""

from __future__ import annotations

import pytest

from lictor_agent.http.errors import Refusal
from lictor_agent.http.session_bodies import read_session
from lictor_config.reading import Dialect, Reader
from lictor_core.errors import RequestError
from lictor_core.records import Session, SessionBehavior

SERF = ["serfHealth"]


def read(**members: object) -> Session:
    reader = Reader(members, dialect=Dialect.HTTP)
    made = read_session(reader, id="id", own_node="me")
    assert reader.problems == []
    return made


def test_an_empty_body_is_a_session_of_this_node() -> None:
    made = read()
    assert (made.node, made.node_checks, made.checks, made.service_checks) == ("me", SERF, [], None)
    assert (made.behavior, made.lock_delay_ns, made.ttl) == (SessionBehavior.RELEASE, 15_000_000_000, "")


@pytest.mark.parametrize(
    ("members", "node_checks", "checks"),
    [
        ({"Checks": []}, [], []),
        ({"checks": None}, [], []),
        ({"NodeChecks": None}, None, []),
        ({"NodeChecks": ["a"], "Checks": []}, [], []),
        ({"NodeChecks": ["a"], "Checks": SERF}, ["a"], []),
        ({"NodeChecks": ["a"], "Checks": ["b"]}, ["a"], ["b"]),
        ({"NodeChecks": [], "Checks": ["b"]}, [], []),
        ({"Checks": ["b"]}, SERF, ["b"]),
        ({"NodeChecks": []}, [], []),
    ],
)
def test_the_lists_of_checks_go_together_as_in_consul(
    members: dict[str, object], node_checks: list[str] | None, checks: list[str]
) -> None:
    made = read(**members)
    assert (made.node_checks, made.checks) == (node_checks, checks)


@pytest.mark.parametrize(
    ("given", "nanoseconds"),
    [("0s", 0), ("1m", 60 * 10**9), (5, 5 * 10**9), (-5, -5 * 10**9), (1500, 1500), (1.5, 10**9), (None, 15 * 10**9)],
)
def test_a_lock_delay_is_a_duration_or_a_number_of_seconds_or_nanoseconds(given: object, nanoseconds: int) -> None:
    assert read(LockDelay=given).lock_delay_ns == nanoseconds


def test_checks_of_instances_keep_the_namespace_they_came_with() -> None:
    found = read(ServiceChecks=[{"id": "web", "Namespace": "x"}]).service_checks
    assert found is not None
    assert [(one.id, one.namespace) for one in found] == [("web", "x")]


def test_wrong_values_are_refused() -> None:
    with pytest.raises(RequestError, match="Invalid Behavior setting 'x'"):
        read(Behavior="x")
    with pytest.raises(Refusal, match="invalid duration"):
        read(LockDelay="soon")
    for members in ({"TTL": 15}, {"LockDelay": True}, {"Checks": "x"}, {"ServiceChecks": ["x"]}):
        reader = Reader(members, dialect=Dialect.HTTP)
        read_session(reader, id="id", own_node="me")
        assert len(reader.problems) == 1, members
