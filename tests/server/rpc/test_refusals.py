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


async def test_of_a_host_that_speaks_another_protocol_each_reason_is_told_once() -> None:
    log = made_log()
    refusals = Refusals(log.logger)
    for number in range(1000):
        refusals.note_version(f"192.0.2.1:{number}", "too old")
    refusals.note_version("192.0.2.1:1", "too new")
    refusals.note_version("2001:db8::1:1", "too new")
    assert [one["reason"] for one in log.named("rpc.version.refused")] == ["too old", "too new", "too new"]


async def test_many_hosts_that_speak_another_protocol_are_no_flood() -> None:
    log = made_log()
    refusals = Refusals(log.logger)
    for number in range(1000):
        refusals.note_version(f"192.0.2.{number}:1", "too old")
    assert len(log.named("rpc.version.refused")) == EVENTS_MAX
