"""Refusals in the log: one event each, and never a flood."""

import structlog
from structlog.testing import capture_logs

from lictor_dns.question import Refusal
from lictor_dns.refusals import RefusalLog
from tests.support.clock import ManualClock

REFUSAL = Refusal(0, 1, "the message ends early")


def test_a_refusal_is_one_event_with_its_reason_and_client() -> None:
    with capture_logs() as events:
        RefusalLog(structlog.get_logger(), ManualClock()).note(REFUSAL, "10.0.0.1:53")
    assert events == [
        {
            "event": "dns.query.refused",
            "log_level": "warning",
            "reason": "the message ends early",
            "response_code": 1,
            "client": "10.0.0.1:53",
            "left_out": 0,
        }
    ]


def test_a_flood_is_ten_events_a_second_and_the_next_tells_how_many_were_left_out() -> None:
    clock = ManualClock()
    with capture_logs() as events:
        refusals = RefusalLog(structlog.get_logger(), clock)
        for _ in range(1000):
            refusals.note(REFUSAL, "x")
        assert len(events) == 10
        clock.advance(1.0)
        refusals.note(REFUSAL, "x")
        refusals.note(REFUSAL, "x")
    assert [event["left_out"] for event in events[10:]] == [990, 0]


def test_connections_are_counted_apart() -> None:
    with capture_logs() as events:
        refusals = RefusalLog(structlog.get_logger(), ManualClock())
        for _ in range(30):
            refusals.note_connection(("10.0.0.1", 5), "tcp_connections_max")
        refusals.note(REFUSAL, "x")
    assert [event["event"] for event in events] == ["dns.connection.refused"] * 10 + ["dns.query.refused"]
    assert (events[0]["reason"], events[0]["client"]) == ("tcp_connections_max", "('10.0.0.1', 5)")
