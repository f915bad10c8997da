"""Which events are for an agent."""

from __future__ import annotations

import time

import pytest

from lictor_agent.events import EventInbox, check_filters, event_index
from lictor_core.errors import RequestError
from lictor_core.limits import EVENTS_KEPT_MAX
from lictor_core.records import Service, UserEvent
from tests.server.build import event, service


def fired(number: int, **filters: str) -> UserEvent:
    return event(f"00000000-0000-4000-8000-{number:012d}", "deploy", payload=None, **filters)


def is_mine(services: list[Service], **filters: str) -> bool:
    return bool(EventInbox("web-1", lambda: services).mine([fired(1, **filters)]))


def test_an_event_without_filters_is_for_everybody() -> None:
    assert is_mine([])


@pytest.mark.parametrize(("pattern", "mine"), [("web", True), ("^web-[0-9]$", True), ("db", False), ("^1", False)])
def test_a_node_filter_is_looked_for_in_the_name(pattern: str, mine: bool) -> None:
    assert is_mine([], node=pattern) == mine


def test_a_tag_filter_is_for_the_services_that_the_service_filter_finds() -> None:
    services = [service("web", tags=["v1"]), service("db", tags=["v2"])]
    assert is_mine(services, service="^web$", tag="v1")
    assert not is_mine(services, service="^web$", tag="v2")
    assert is_mine(services, service="d.", tag="v2")
    assert not is_mine([], service=".*")


def test_an_event_is_judged_when_it_is_first_seen() -> None:
    services = [service("web")]
    inbox = EventInbox("n1", lambda: services)
    first, second = fired(1, service="web"), fired(2, service="web")
    assert inbox.mine([first]) == [first]
    services.clear()
    assert inbox.mine([first, second]) == [first], "what was for this agent stays, what came later is not"


def test_memory_is_bounded_whatever_is_fired() -> None:
    inbox = EventInbox("n1", list)
    for start in range(0, 10_000, EVENTS_KEPT_MAX):
        events = [fired(start + number) for number in range(EVENTS_KEPT_MAX)]
        assert inbox.mine(events) == events
    assert len(vars(inbox)["_judged"]) <= 2 * EVENTS_KEPT_MAX


def test_no_expression_takes_long() -> None:
    began = time.process_time()
    assert not EventInbox("a" * 200 + "!", list).mine([fired(1, node="^(a+)+$")])
    assert time.process_time() - began < 1


def test_an_expression_that_is_none_is_refused_and_matches_nothing() -> None:
    with pytest.raises(RequestError, match=r"Invalid node filter: error parsing regexp: missing \)"):
        check_filters({"node": "(", "service": ""})
    check_filters({"node": "a|b", "service": ""})
    assert not is_mine([], node="(")


def test_the_index_of_an_event_is_made_of_its_id_as_in_consul() -> None:
    assert event_index("8839affe-e56f-eeed-2908-1d4884d24919") == 11615261410358831092
