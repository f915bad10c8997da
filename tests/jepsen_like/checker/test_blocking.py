"""The judge of blocking queries, on histories by hand. What polls show is judged by `follow`, which has an oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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


def test_the_removal_of_what_is_not_there_needs_no_wake() -> None:
    tape = Tape().write(1, 1).change(2, "delete", 0).change(4, "delete", 0)
    assert tape.poll(3, 4 + LATE_S, (6, 6), (), (), wait_ms=round(LATE_S * 1000)).wrong() == []


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

    assert (stale("a1"), stale("n1"), stale("alpha")) == ([], ["index"], ["index"])


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


@dataclass(frozen=True)
class Server:
    """A server to be asked: which changes it took and when, and one mistake that it makes at the poll of a number."""

    changes: Sequence[tuple[float, Value]]
    """When each takes effect, in order."""
    mistake: str = ""
    at_poll: int = -1

    def state(self, at_s: float) -> tuple[int, tuple[Value, ...]]:
        """The index and what is there at a time."""
        done = [value for moment, value in self.changes if moment <= at_s]
        return 10 + len(done), held_or_none(done[-1]) if done else ()

    def answer(self, poll: int, at_s: float, index: int, wait_s: float) -> tuple[float, int, tuple[Value, ...]]:
        """When a poll is answered, and with what."""
        mistaken = self.mistake if poll == self.at_poll else ""
        moved = [moment for moment, _ in self.changes if at_s < moment < at_s + wait_s]
        ends_s = at_s if self.state(at_s)[0] > index else moved[0] if moved else at_s + wait_s
        match mistaken:
            case "sleeps":
                ends_s = at_s + wait_s
            case "wakes for nothing":
                ends_s = at_s + (ends_s - at_s) / 2
            case "oversleeps":
                ends_s = at_s + wait_s * 17 / 16 + LATE_MS / 1000 + 1
            case _:
                pass
        number, shown = self.state(ends_s)
        if mistaken == "goes back":
            return ends_s, index - 1, shown
        if mistaken == "remembers":
            return ends_s, number, self.state(at_s - 5)[1]
        return ends_s, number, shown


def held_or_none(value: Value) -> tuple[Value, ...]:
    return () if value is None else ((KEY, value),)


def watched(server: Server, delays: Sequence[float], wait_s: float) -> Tape:
    """What a watcher of such a server sees, poll after poll. Each change is acknowledged a while after its effect."""
    tape = Tape()
    for (moment, value), delay in zip(server.changes, delays, strict=False):
        number = value if isinstance(value, int) else 0
        tape.change(moment - 0.01, "delete" if value is None else "write", 0 if value is None else (0, number))
        tape.steps[-1] = (moment + delay, tape.steps[-1][1])
    at_s, index = 1.0, 0
    known: tuple[Value, ...] = ()
    for poll in range(8):
        ends_s, number, shown = server.answer(poll, at_s, index, wait_s if index else 0)
        tape.poll(at_s, ends_s + delays[poll], (index, number), known, shown, wait_ms=round(wait_s * 1000))
        at_s, index, known = ends_s + delays[poll] + 0.05, max(number, index), shown
    return tape


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[float, Value]], list[float]]:
    """Changes of one key, some seconds apart, and how long messages take."""
    delays = draw(st.lists(st.sampled_from((0.001, 0.1, 0.8)), min_size=10, max_size=10))
    changes: list[tuple[float, Value]] = []
    at_s = 0.5
    for number in range(1, draw(st.integers(1, 8)) + 1):
        at_s += draw(st.sampled_from((1.0, 3.0, 7.0, 20.0)))
        was_there = bool(changes) and changes[-1][1] is not None
        changes.append((at_s, draw(st.sampled_from((number, number, None if was_there else number)))))
    return changes, delays


@given(histories())
def test_a_server_that_keeps_its_word_is_valid(story: tuple[list[tuple[float, Value]], list[float]]) -> None:
    changes, delays = story
    assert watched(Server(changes), delays, wait_s=10).wrong() == []


def mistaken(changes: Sequence[tuple[float, Value]], delays: Sequence[float], mistake: str, at_poll: int) -> list[str]:
    return watched(Server(changes, mistake, at_poll), delays, wait_s=10).wrong()


def polls(changes: Sequence[tuple[float, Value]], delays: Sequence[float]) -> list[tuple[float, float, Op]]:
    """When the polls of an honest server begin and end, and what they tell."""
    steps = [step for step in watched(Server(changes), delays, wait_s=10).steps if step[1].f == "watch"]
    return [(begun[0], ended[0], ended[1]) for begun, ended in zip(steps[::2], steps[1::2], strict=True)]


Story: TypeAlias = tuple[list[tuple[float, Value]], list[float]]


@given(histories(), st.integers(1, 7), st.sampled_from(("oversleeps", "goes back")))
def test_who_oversleeps_or_goes_back_is_found(story: Story, at_poll: int, mistake: str) -> None:
    assert {"oversleeps": "waits", "goes back": "index"}[mistake] in mistaken(*story, mistake, at_poll)


@given(histories(), st.integers(1, 7))
def test_who_sleeps_through_a_change_is_found(story: Story, at_poll: int) -> None:
    changes, delays = story
    begins_s, ends_s, _ = polls(changes, delays)[at_poll]
    assume(ends_s - begins_s + LATE_S + max(delays) < 10)  # else there is no time to be late
    assert "woken" in mistaken(changes, delays, "sleeps", at_poll)


@given(histories(), st.integers(1, 7))
def test_who_wakes_for_nothing_is_found(story: Story, at_poll: int) -> None:
    changes, delays = story
    begins_s, ends_s, told = polls(changes, delays)[at_poll]
    assert isinstance(told.value, tuple)
    assume(told.value[3] and ends_s - begins_s > 1 + delays[at_poll])
    assert "quiet" in mistaken(changes, delays, "wakes for nothing", at_poll)


@given(histories(), st.integers(1, 7))
def test_who_remembers_what_was_is_found(story: Story, at_poll: int) -> None:
    changes, delays = story
    begins_s, ends_s, _ = polls(changes, delays)[at_poll]
    acknowledged = [moment + delay < begins_s for (moment, _), delay in zip(changes, delays, strict=False)]
    since = max((number for number, is_done in enumerate(acknowledged) if is_done), default=-1)
    assume(since >= 0)
    possible = [held_or_none(value) for moment, value in changes[since:] if moment - 0.01 < ends_s]
    assume(Server(changes).state(begins_s - 5)[1] not in possible)
    assert "default" in mistaken(changes, delays, "remembers", at_poll)
