"""The order of recursors: as configured, who was silent lately last."""

from __future__ import annotations

from lictor_dns.recursion.servers import LOST_S, Recursor, Servers

FIRST, SECOND, THIRD = (Recursor(f"192.0.2.{number}", 53) for number in (1, 2, 3))


def servers() -> Servers:
    return Servers([(one.host, one.port) for one in (FIRST, SECOND, THIRD)])


def test_they_are_asked_in_the_order_of_the_configuration() -> None:
    assert servers().in_order(0.0) == [FIRST, SECOND, THIRD]


def test_who_was_silent_is_asked_last_for_a_while() -> None:
    tried = servers()
    assert tried.lost(FIRST, 100.0)
    assert tried.in_order(100.0 + LOST_S - 1) == [SECOND, THIRD, FIRST]
    assert tried.in_order(100.0 + LOST_S) == [FIRST, SECOND, THIRD]


def test_when_all_were_silent_the_order_is_the_old_one() -> None:
    tried = servers()
    for one in (SECOND, FIRST, THIRD):
        tried.lost(one, 100.0)
    assert tried.in_order(101.0) == [FIRST, SECOND, THIRD]


def test_being_silent_and_answering_again_is_news_once() -> None:
    tried = servers()
    assert not tried.answered(FIRST)
    assert tried.lost(FIRST, 100.0)
    assert not tried.lost(FIRST, 101.0)
    assert tried.answered(FIRST)
    assert not tried.answered(FIRST)
    assert tried.in_order(101.0) == [FIRST, SECOND, THIRD]


def test_a_recursor_is_written_as_it_is_configured() -> None:
    assert [str(FIRST), str(Recursor("2001:db8::1", 5353))] == ["192.0.2.1:53", "[2001:db8::1]:5353"]
