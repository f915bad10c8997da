"""A parser that is made late has learnt all that it missed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from lictor_agent.http.deferred import Deferred
from tests.agent.http.test_hot import Written


@dataclass
class Told:
    """A parser that notes what it is told."""

    calls: list[str] = field(default_factory=list[str])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.calls.append("made")

    def connection_lost(self, exc: BaseException | None) -> None:
        self.calls.append("lost")

    def data_received(self, data: bytes) -> None:
        self.calls.append(data.decode())

    def eof_received(self) -> bool | None:
        self.calls.append("eof")
        return True

    def pause_writing(self) -> None:
        self.calls.append("paused")

    def resume_writing(self) -> None:
        self.calls.append("resumed")


@dataclass
class Maker:
    made: list[Told] = field(default_factory=list[Told])

    def __call__(self) -> Told:
        self.made.append(Told())
        return self.made[-1]


def test_a_connection_without_data_for_it_makes_no_parser() -> None:
    maker = Maker()
    deferred = Deferred(maker)
    deferred.connection_made(Written())
    deferred.pause_writing()
    deferred.resume_writing()
    assert deferred.eof_received() is None
    deferred.connection_lost(None)
    assert maker.made == []


def test_the_first_data_make_the_parser_and_tell_it_what_it_missed() -> None:
    maker = Maker()
    deferred = Deferred(maker)
    deferred.connection_made(Written())
    deferred.pause_writing()
    deferred.data_received(b"a")
    deferred.data_received(b"b")
    deferred.resume_writing()
    assert deferred.eof_received() is True
    deferred.connection_lost(None)
    assert [told.calls for told in maker.made] == [["made", "paused", "a", "b", "resumed", "eof", "lost"]]


def test_a_writer_that_may_go_on_again_is_not_told_that_it_was_held() -> None:
    maker = Maker()
    deferred = Deferred(maker)
    deferred.connection_made(Written())
    deferred.pause_writing()
    deferred.resume_writing()
    deferred.data_received(b"a")
    assert maker.made[0].calls == ["made", "a"]


def test_data_behind_the_end_of_a_connection_make_nothing() -> None:
    maker = Maker()
    deferred = Deferred(maker)
    deferred.connection_made(Written())
    deferred.connection_lost(None)
    deferred.data_received(b"a")
    assert maker.made == []
