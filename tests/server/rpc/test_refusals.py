"""Refusals at the server port in the log."""

from __future__ import annotations

from lictor_core.flood import EVENTS_MAX
from lictor_server.rpc.refusals import Refusals
from tests.server.conftest import made_log


async def test_a_flood_of_connections_is_no_flood_of_events() -> None:
    log = made_log()
    refusals = Refusals(log.logger)
    for number in range(1000):
        refusals.note_refused(f"192.0.2.1:{number}", "full")
    refusals.note_broken("192.0.2.1:1", "no frame")
    assert len(log.named("rpc.connection.refused")) == EVENTS_MAX
    assert [one["reason"] for one in log.named("rpc.connection.broken")] == ["no frame"]
