"""The judge of blocking queries, on histories by hand. What polls show is judged by `follow`, which has an oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.blocking import AFTER_MS, LATE_MS, WAKE_MS, blocking, key_name, service_name, wait_ms_max
from lictor_jepsen.op import NEMESIS, Kind, Mode, Op, Value

KEY = key_name("k", 0)
WAIT_MS = 60_000
LATE_S = WAKE_MS / 1000 + 1


@dataclass
class Tape:
    """What happened, in any order; times are seconds. A change lasts a millisecond."""

    steps: list[tuple[float, Op]] = field(default_factory=list[tuple[float, Op]])
    _process: int = 0

    def _call(self, from_s: float, to_s: float, begun: Op, ended: Op) -> Tape:
        self._process += 1
        self.steps.append((from_s, begun._replace(process=self._process)))
        self.steps.append((to_s, ended._replace(process=self._process)))
        return self

    def change(self, at_s: float, f: str, value: Value, kind: Kind = Kind.OK) -> Tape:
        """The writer, thread 0, changes something."""
        begun = Op(0, 0, Kind.INVOKE, f, "k", value)
        return self._call(at_s, at_s + 0.001, begun, begun._replace(kind=kind))

    def write(self, at_s: float, number: int, kind: Kind = Kind.OK) -> Tape:
        """Its key."""
        return self.change(at_s, "write", (0, number), kind)

    def poll(
        self,
        from_s: float,
        to_s: float,
        index: tuple[int, int],
        known: Sequence[Value],
        shown: Sequence[Value],
        target: str = KEY,
        mode: Mode = Mode.DEFAULT,
        wait_ms: int = WAIT_MS,
        node: str = "n1",
    ) -> Tape:
        """Somebody waits at an index and is told another one."""
        begun = Op(0, 0, Kind.INVOKE, "watch", "k", (target, wait_ms), mode, node)
        value = (target, index[0], wait_ms, tuple(known), tuple(shown))
        return self._call(from_s, to_s, begun, begun._replace(kind=Kind.OK, value=value, x_index=index[1]))

    def unanswered(self, from_s: float, to_s: float, wait_ms: int) -> Tape:
        """Somebody waits and is never told."""
        begun = Op(0, 0, Kind.INVOKE, "watch", "k", (KEY, wait_ms), Mode.DEFAULT, "n1")
        return self._call(from_s, to_s, begun, begun._replace(kind=Kind.FAIL))

    def fault(self, from_s: float, to_s: float) -> Tape:
        """A server is down."""
        step = Op(0, NEMESIS, Kind.INFO, "kill-one")
        self.steps += [(from_s, step), (to_s, step)]
        return self

    def wrong(self) -> list[str]:
        """The findings that are invalid."""
        ordered = sorted(self.steps, key=lambda step: step[0])
        found = blocking([op._replace(time_ms=at_s * 1000) for at_s, op in ordered])
        return [name for name, one in found.items() if one.verdict is Verdict.INVALID]


def held(number: int, name: str = KEY) -> tuple[Value, ...]:
    return ((name, number),)


def test_who_waits_sees_each_change() -> None:
    tape = Tape().write(1, 1).poll(2, 2.1, (0, 5), (), held(1)).write(3, 2).poll(2.2, 3.1, (5, 6), held(1), held(2))
    assert tape.poll(3.2, 3.2 + WAIT_MS / 1000, (6, 6), held(2), held(2)).wrong() == []


def test_what_was_acknowledged_before_a_poll_shows_in_it() -> None:
    tape = Tape().write(1, 1).write(2, 2).poll(3, 3.1, (0, 5), (), held(1))
    assert tape.wrong() == ["default"]
    assert Tape().write(1, 1).write(2, 2).poll(3, 3.1, (0, 5), (), held(1), mode=Mode.STALE).wrong() == []
    assert Tape().write(1, 1).poll(3, 3.1, (0, 5), (), held(7), mode=Mode.STALE).wrong() == ["stale"]


def test_what_somebody_saw_is_seen_by_who_asks_later() -> None:
    tape = Tape().write(1, 1).write(2, 2, Kind.INFO).write(2.5, 3, Kind.OK)
    tape.steps[-1] = (30, tape.steps[-1][1])  # acknowledged much later
    assert tape.poll(3, 3.1, (0, 7), (), held(3)).poll(4, 4.1, (0, 5), (), held(1)).wrong() == ["default"]


@pytest.mark.parametrize("target", [KEY, "k/"])
def test_a_change_that_is_not_told_in_time_is_a_wake_that_was_lost(target: str) -> None:
    tape = Tape().write(1, 1).poll(2, 2.1, (0, 5), (), held(1)).write(4, 2)
    assert tape.poll(3, 4 + LATE_S, (5, 6), held(1), held(2), target).wrong() == ["woken"]


def test_a_lost_wake_of_a_service_is_noticed_too() -> None:
    name = service_name("k", 0)
    tape = Tape().change(1, "put", (0, 1)).change(4, "remove", 0)
    assert tape.poll(3, 4.5, (5, 6), held(1, name), (), "k").wrong() == []
    tape = Tape().change(1, "put", (0, 1)).change(4, "remove", 0)
    assert tape.poll(3, 4 + LATE_S, (5, 6), held(1, name), (), "k").wrong() == ["woken"]


def test_a_change_between_two_polls_is_told_at_once() -> None:
    tape = Tape().write(1, 1).write(4, 2).poll(5, 5 + LATE_S, (5, 6), held(1), held(2))
    assert tape.wrong() == ["woken"]


def test_a_change_of_something_else_needs_no_wake() -> None:
    tape = Tape().write(1, 1).change(4, "write", (1, 9)).change(4, "put", (0, 9))
    assert tape.poll(3, 3 + WAIT_MS / 1000, (5, 5), held(1), held(1)).wrong() == []


def test_a_wake_may_take_until_some_time_after_faults() -> None:
    tape = Tape().write(1, 1).write(4, 2).fault(3, 6)
    assert tape.poll(3, 6 + AFTER_MS / 1000 - 1, (5, 6), held(1), held(2)).wrong() == []
    tape = Tape().write(1, 1).write(4, 2).fault(3, 6)
    assert tape.poll(3, 6 + AFTER_MS / 1000 + 1, (5, 6), held(1), held(2)).wrong() == ["woken"]


@pytest.mark.parametrize("index", [5, 6])
def test_who_is_woken_early_is_told_something_new(index: int) -> None:
    tape = Tape().write(1, 1).poll(30, 40, (5, index), held(1), held(1))
    assert tape.wrong() == ["quiet"]


def test_a_wake_for_what_is_again_as_it_was_is_a_wake_for_a_change() -> None:
    tape = Tape().change(31, "put", (0, 2)).change(31.1, "remove", 0)
    assert tape.poll(30, 31.2, (5, 7), (), (), "k").wrong() == []
    assert tape.poll(30, 31.2, (5, 5), (), (), "k").wrong() == ["quiet"]


def test_who_waits_for_a_key_that_is_not_there_may_be_woken_by_others() -> None:
    assert Tape().poll(30, 31.2, (5, 7), (), ()).wrong() == []
    assert Tape().poll(30, 31.2, (5, 7), (), (), "k").wrong() == ["quiet"]


def test_who_is_woken_for_nothing_near_a_fault_is_not_wronged() -> None:
    assert Tape().write(1, 1).fault(28, 29).poll(30, 31, (5, 5), held(1), held(1)).wrong() == []


def test_the_index_never_falls() -> None:
    tape = Tape().write(1, 1).write(31, 2).poll(30, 31.2, (5, 4), held(1), held(2))
    assert tape.wrong() == ["index"]
    assert Tape().write(1, 1).poll(2, 3, (0, 0), (), held(1)).wrong() == ["index"]


def test_the_index_of_a_stale_poll_may_fall_at_an_agent() -> None:
    def stale(node: str) -> list[str]:
        tape = Tape().write(1, 1).write(31, 2)
        return tape.poll(30, 31.2, (5, 4), held(1), held(2), mode=Mode.STALE, node=node).wrong()

    assert (stale("a1"), stale("n1")) == ([], ["index"])


def test_a_wait_is_held() -> None:
    latest_s = (wait_ms_max(WAIT_MS) + LATE_MS) / 1000
    assert Tape().write(1, 1).poll(30, 30 + latest_s - 0.1, (5, 5), held(1), held(1)).wrong() == []
    assert Tape().write(1, 1).poll(30, 30 + latest_s + 0.1, (5, 5), held(1), held(1)).wrong() == ["waits"]
    assert Tape().unanswered(30, 30 + latest_s + 0.1, WAIT_MS).wrong() == ["waits"]
    assert Tape().unanswered(30, 30 + latest_s - 0.1, WAIT_MS).wrong() == []


def test_keys_of_others_are_not_shown() -> None:
    tape = Tape().write(1, 1).change(1, "write", (1, 2))
    assert tape.poll(3, 3.1, (0, 5), (), ((KEY, 1), (key_name("k", 1), 2))).wrong() == ["default"]


def test_what_was_not_judged_is_unknown() -> None:
    found = blocking([])
    assert {one.verdict for one in found.values()} == {Verdict.UNKNOWN}
