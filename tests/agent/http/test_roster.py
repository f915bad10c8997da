"""Bounds on connections."""

from __future__ import annotations

import structlog
from structlog.testing import LogCapture

from lictor_agent.http.hot import HotConnection
from lictor_agent.http.hot_answers import HotAnswers, Tick
from lictor_agent.http.roster import Roster
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.talkers import Talkers
from lictor_core.clock import SystemClock
from tests.agent.http.test_hot import Delegate, Host, Written

LOG = structlog.wrap_logger(None, processors=[LogCapture()], wrapper_class=structlog.make_filtering_bound_logger(0))


def connection(settings: HttpSettings, tick: Tick, written: Written | None = None) -> HotConnection:
    made = HotConnection(HotAnswers(None, tick, settings), Delegate(), tick, Host())
    made.connection_made(written or Written())
    return made


def test_one_client_is_bounded_and_others_are_not_hurt() -> None:
    settings, tick = HttpSettings(connections_max=5, connections_per_client_max=2), Tick(0.0, b"")
    roster = Roster(settings, LOG, Talkers(SystemClock()))
    mine = [connection(settings, tick) for _ in range(2)]
    for one in mine:
        assert roster.refusal("a") is None
        roster.add(one, "a")
    assert "2 connections" in (roster.refusal("a") or "")
    assert roster.refusal("b") is None
    roster.drop(mine[0], "a")
    assert roster.refusal("a") is None


def test_all_together_are_bounded() -> None:
    settings, tick = HttpSettings(connections_max=3), Tick(0.0, b"")
    roster = Roster(settings, LOG, Talkers(SystemClock()))
    for number in range(3):
        roster.add(connection(settings, tick), str(number))
    assert "3 connections" in (roster.refusal("new") or "")


def test_clients_on_a_unix_socket_count_in_all_only() -> None:
    settings, tick = HttpSettings(connections_per_client_max=1), Tick(0.0, b"")
    roster = Roster(settings, LOG, Talkers(SystemClock()))
    roster.add(connection(settings, tick), "")
    assert roster.refusal("") is None


def test_idle_connections_are_closed_after_their_time() -> None:
    settings, tick = HttpSettings(idle_s_max=10), Tick(0.0, b"")
    roster = Roster(settings, LOG, Talkers(SystemClock()))
    idle = connection(settings, tick)
    roster.add(idle, "a")
    tick.now = 9
    roster.close_overdue()
    assert idle.overdue(settings) is None
    tick.now = 11
    assert idle.overdue(settings) == "idle"
    roster.close_overdue()


def test_a_connection_whose_last_bytes_nobody_takes_is_cut_and_told_of_once() -> None:
    settings, tick = HttpSettings(idle_s_max=10, ended_s_max=1), Tick(0.0, b"")
    logged = LogCapture()
    log = structlog.wrap_logger(None, processors=[logged], wrapper_class=structlog.make_filtering_bound_logger(0))
    roster, written = Roster(settings, log, Talkers(SystemClock())), Written()
    slow = connection(settings, tick, written)
    roster.add(slow, "a")
    slow.eof_received()
    tick.now = 2
    roster.close_overdue()
    tick.now = 3
    roster.close_overdue()
    assert (written.closed, written.aborted) == (True, False)
    assert [(entry["waited_for"], entry["log_level"]) for entry in logged.entries] == [("ended", "debug")]
    tick.now = 11
    roster.close_overdue()
    assert written.aborted


def test_what_is_being_secured_counts_for_its_client_and_in_all() -> None:
    settings, tick = HttpSettings(connections_max=3, connections_per_client_max=2), Tick(0.0, b"")
    roster = Roster(settings, LOG, Talkers(SystemClock()))
    roster.arrive("a")
    roster.arrive("a")
    assert "2 connections" in (roster.refusal("a") or "")
    secured = connection(settings, tick)
    roster.settle(secured)
    assert len(roster) == 1
    assert "2 connections" in (roster.refusal("a") or "")
    roster.depart("a")
    assert roster.refusal("a") is None
    roster.arrive("b")
    roster.arrive("c")
    assert "3 connections" in (roster.refusal("d") or "")
    roster.drop(secured, "a")
    assert (len(roster), roster.refusal("d")) == (0, None)


def test_of_very_many_connections_a_fifth_is_looked_at_each_second() -> None:
    settings, tick = HttpSettings(idle_s_max=10), Tick(0.0, b"")
    roster = Roster(settings, LOG, Talkers(SystemClock()))
    written = [Written() for _ in range(11_000)]
    for one in written:
        roster.add(connection(settings, tick, one), "a")
    tick.now = 11
    roster.close_overdue()
    assert sum(one.closed or one.aborted for one in written) == 2200
    for _ in range(4):
        roster.close_overdue()
    assert all(one.closed or one.aborted for one in written)
