"""The ring of the newest events."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.limits import EVENTS_KEPT_MAX
from lictor_server.state.events import Events
from lictor_server.state.indexes import Change
from tests.server.build import event

ID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def test_only_the_newest_events_are_kept_and_their_time_rises() -> None:
    events = Events()
    for index in range(EVENTS_KEPT_MAX + 10):
        events.fire(Change(index + 1), event(ID, "deploy"))
    times = [one.l_time for one in events.all()]
    assert times == list(range(11, EVENTS_KEPT_MAX + 11))


def test_an_event_wakes_who_waits_for_its_name_or_for_any() -> None:
    events, change = Events(), Change(5)
    events.fire(change, event(ID, "deploy"))
    assert set(change.woken) == {on.EVENTS, on.events("deploy")}
    assert [one.name for one in events.all("deploy")] == ["deploy"]
    assert events.all("stop") == []


def test_a_name_whose_last_event_made_room_is_retired() -> None:
    events = Events()
    events.fire(Change(1), event(ID, "rare"))
    last = Change(2)
    for index in range(EVENTS_KEPT_MAX):
        last = Change(index + 2)
        events.fire(last, event(ID, "often"))
    assert set(last.retired) == {on.events("rare")}
    assert events.all("rare") == []


def test_time_goes_on_after_rows_were_put_back() -> None:
    events, again = Events(), Events()
    for index in range(3):
        events.fire(Change(index + 1), event(ID))
    again.last_time = events.last_time
    again.restore(events.rows())
    again.fire(Change(9), event(ID))
    assert [one.l_time for one in again.all()] == [1, 2, 3, 4]
