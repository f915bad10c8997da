"""The judge of the catalog, on histories by hand. Its parts stand beside oracles in `follow` and `linearizable`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.catalog import AFTER_MS, COMPARED_MS, PROMPT_MS, catalog
from lictor_jepsen.op import NEMESIS, Kind, Mode, Op, Value

LATE = PROMPT_MS / 1000 + 1


class Tape:
    """A history as it is written down. Times are seconds; each operation lasts a millisecond."""

    def __init__(self) -> None:
        self.ops: list[Op] = []

    def did(
        self,
        at_s: float,
        f: str,
        value: Value = None,
        *,
        saw: Value = None,
        kind: Kind = Kind.OK,
        mode: Mode = Mode.NONE,
    ) -> Tape:
        """Somebody asked, and it was answered with what was `saw`n, or with the value."""
        process = len(self.ops)
        begun = Op(at_s * 1000, process, Kind.INVOKE, f, "s", value, mode, "a1")
        answered = value if saw is None else saw
        self.ops += [
            begun,
            begun._replace(time_ms=at_s * 1000 + 1, kind=kind, value=answered, x_index=5 if mode else None),
        ]
        return self

    def read(self, at_s: float, saw: Value, mode: Mode = Mode.CONSISTENT) -> Tape:
        """A read of the service."""
        return self.did(at_s, "health", saw=saw, mode=mode)

    def registered(self, at_s: float, number: int, kind: Kind = Kind.OK) -> Tape:
        """Thread 0 registers its instance at its agent."""
        return self.did(at_s, "register", (0, number), kind=kind)

    def gone(self, at_s: float) -> Tape:
        """It takes it out there."""
        return self.did(at_s, "deregister", 0)

    def fault(self, at_s: float) -> Tape:
        """A fault begins, or ends."""
        self.ops.append(Op(at_s * 1000, NEMESIS, Kind.INFO, "kill-one"))
        return self

    def wrong(self) -> list[str]:
        """What is found, each by its finding and its first word."""
        found = catalog(self.ops)
        return [
            f"{name}: {problem.text.split(':')[0]}"
            for name, one in found.items()
            if one.verdict is Verdict.INVALID
            for problem in one.problems
        ]


def row(number: Value) -> Value:
    """The instance of thread 0 at its agent."""
    return (("a1/s-0", number),)


def outside(number: Value) -> Value:
    """The instance on a node without an agent."""
    return (("x-s/s", number),)


NONE: Value = ()


def test_a_service_that_comes_changes_and_goes() -> None:
    tape = Tape().read(0, NONE).registered(1, 1).read(1.1, NONE).read(2, row(1)).registered(3, 2).read(3.1, row(1))
    assert tape.read(4, row(2)).gone(5).read(5.1, row(2)).read(6, NONE).wrong() == []


@pytest.mark.parametrize("mode", [Mode.CONSISTENT, Mode.DEFAULT])
def test_what_an_agent_took_is_in_the_catalog_soon(mode: Mode) -> None:
    tape = Tape().registered(1, 1).read(1 + LATE, NONE, mode)
    assert {text.partition(": ")[2] for text in tape.wrong()} == {"stale"}


def test_stale_reads_may_lack_what_was_registered() -> None:
    assert Tape().registered(1, 1).read(1 + LATE, NONE, Mode.STALE).wrong() == []


def test_it_may_be_late_after_faults_and_not_later() -> None:
    after_s = 3 + AFTER_MS / 1000
    tape = Tape().fault(2).registered(2.5, 1).fault(3)
    assert tape.read(after_s - 1, NONE).wrong() == []
    assert tape.read(after_s + 1, NONE).wrong() == ["consistent: stale", "default: stale"]


def test_what_was_deregistered_stays_gone() -> None:
    tape = Tape().registered(1, 1).read(2, row(1)).gone(3)
    tape.read(3.5, NONE).read(4, row(1))
    assert tape.wrong() == ["consistent: backwards", "default: backwards"]
    late = Tape().registered(1, 1).gone(3).read(3 + LATE, row(1))
    assert late.wrong() == ["consistent: stale", "default: stale"]


def test_the_catalog_never_goes_back_to_an_older_registration() -> None:
    tape = Tape().registered(1, 1).registered(2, 2).read(3, row(2)).read(3.5, row(1))
    assert tape.wrong() == ["consistent: backwards", "default: backwards"]
    assert Tape().registered(1, 1).registered(2, 2).read(3, row(2)).read(3.5, row(1), Mode.STALE).wrong() == []


@pytest.mark.parametrize("mode", [Mode.CONSISTENT, Mode.STALE])
@pytest.mark.parametrize("shown", [row(9), row("torn: '1', 10.0.0.2:1025"), (("a7/s-0", 1),), outside(1)])
def test_what_was_never_registered_is_not_seen(shown: Value, mode: Mode) -> None:
    tape = Tape().registered(1, 1).read(1.5, shown, mode)
    assert tape.wrong() != []


def test_an_agent_shows_at_once_what_it_was_told() -> None:
    assert Tape().registered(1, 1).did(1.1, "local", saw=row(1)).gone(2).did(2.1, "local", saw=NONE).wrong() == []
    assert Tape().registered(1, 1).did(1.1, "local", saw=NONE).wrong() == ["agents: stale"]
    assert Tape().registered(1, 1).gone(2).did(2.1, "local", saw=row(1)).wrong() == ["agents: stale"]


def test_a_registration_that_nobody_knows_of_may_show_or_not_until_a_later_one_has_settled() -> None:
    tape = Tape().registered(1, 1, Kind.INFO).read(2, NONE).read(3, row(1)).read(4, NONE)
    assert tape.wrong() == []
    tape.registered(5, 2).read(5.5, row(2)).read(6, row(1)).read(6.5, row(2))
    assert tape.wrong() == []
    assert tape.read(5 + LATE, row(1)).wrong() == ["consistent: stale", "default: stale"]


def test_what_was_erased_behind_an_agents_back_comes_back() -> None:
    tape = Tape().registered(1, 1).read(2, row(1)).did(3, "erase", 0).read(4, NONE).read(5, row(1))
    assert tape.wrong() == []
    assert tape.read(3 + COMPARED_MS / 1000 + 1, NONE).wrong() == ["consistent: stale", "default: stale"]


def test_what_was_written_into_the_catalog_is_there_at_once() -> None:
    assert Tape().did(1, "put", 7).read(1.1, outside(7)).did(2, "remove").read(2.1, NONE).wrong() == []
    tape = Tape().did(1, "put", 7).read(1.1, NONE)
    assert [text[:10] for text in tape.wrong()] == ["consistent", "default: l"]
    tape = Tape().did(1, "put", 7).did(2, "remove").read(2.1, outside(7), Mode.DEFAULT)
    assert [text[:10] for text in tape.wrong()] == ["default: l"]


def test_indexes_of_one_read_do_not_fall() -> None:
    tape = Tape().read(1, NONE).read(2, NONE)
    tape.ops[-1] = tape.ops[-1]._replace(x_index=4)
    assert [text[:5] for text in tape.wrong()] == ["index"]


def agreed(agents: Value, shown: Value) -> Sequence[str]:
    return Tape().registered(1, 1).did(50, "agree", saw=(agents, shown)).wrong()


def test_agents_and_catalog_agree_in_the_end() -> None:
    assert agreed(row(1), row(1)) == []
    assert agreed(row(1), NONE) == [
        "agreement: a1/s-0 is 1 at its agent and None in the catalog, 35 s after all faults"
    ]
    assert agreed(NONE, row(1)) != []
    assert agreed(row(1), row(2)) != []


def test_without_reads_nothing_is_valid() -> None:
    found = catalog(Tape().registered(1, 1).ops)
    assert {found[name].verdict for name in ("agents", "consistent", "stale", "agreement", "enough")} == {
        Verdict.UNKNOWN
    }


def test_a_last_look_that_failed_is_unknown() -> None:
    tape = Tape().did(50, "agree", saw=((), ())).did(51, "agree", kind=Kind.FAIL)
    assert catalog(tape.ops)["agreement"].verdict is Verdict.UNKNOWN


@dataclass(frozen=True)
class Registry:
    """An agent that is changed now and then, and a catalog that follows it some time later, or not."""

    changes: Sequence[tuple[float, int | None]]
    """When the agent is told what its instance is; None takes it out."""
    lags: Sequence[float]
    """After how many seconds the catalog has each; it takes them in order."""

    def in_catalog(self, at_s: float) -> Value:
        """What the catalog has of it at a time."""
        there_at = 0.0
        shown: int | None = None
        for (moment, number), lag in zip(self.changes, self.lags, strict=False):
            there_at = max(there_at, moment + lag)
            if there_at <= at_s:
                shown = number
        return NONE if shown is None else row(shown)

    def tape(self, reads: Sequence[float], mistakes: Mapping[int, Value]) -> Tape:
        """The changes, and reads that see what is there, but those with a mistake."""
        steps: list[tuple[float, Callable[[Tape], Tape]]] = []
        for moment, number in self.changes:
            steps.append((moment, partial(_told, at_s=moment, number=number)))
        for place, moment in enumerate(reads):
            saw = mistakes.get(place, self.in_catalog(moment))
            steps.append((moment, partial(Tape.read, at_s=moment, saw=saw)))
        tape = Tape()
        for _, step in sorted(steps, key=lambda step: step[0]):
            step(tape)
        return tape


def _told(tape: Tape, at_s: float, number: int | None) -> Tape:
    return tape.gone(at_s) if number is None else tape.registered(at_s, number)


@st.composite
def registries(draw: st.DrawFn, longest_s: float) -> tuple[Registry, list[float]]:
    """A registry whose catalog lags by that much at most, and when it is read."""
    changes: list[tuple[float, int | None]] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        at_s = number * 10 + draw(st.sampled_from((0.0, 2.0, 4.0)))
        was_there = bool(changes) and changes[-1][1] is not None
        changes.append((at_s, draw(st.sampled_from((number, None if was_there else number)))))
    lags = draw(st.lists(st.sampled_from((0.5, longest_s / 2, longest_s)), min_size=6, max_size=6))
    reads = draw(
        st.lists(st.integers(10, 700).map(lambda tenths: tenths / 10 + 0.05), min_size=1, max_size=12, unique=True)
    )
    return Registry(changes, lags), sorted(reads)


@given(registries(PROMPT_MS / 1000 - 0.5))
def test_a_catalog_that_follows_in_time_is_valid(story: tuple[Registry, list[float]]) -> None:
    registry, reads = story
    assert registry.tape(reads, {}).wrong() == []


@given(registries(PROMPT_MS / 1000 + 30))
def test_a_catalog_that_follows_too_late_is_found_where_it_shows(story: tuple[Registry, list[float]]) -> None:
    registry, reads = story
    late = False
    for moment in reads:
        due = [number for at_s, number in registry.changes if at_s + 0.001 + PROMPT_MS / 1000 <= moment]
        later = [number for at_s, number in registry.changes if at_s + 0.001 + PROMPT_MS / 1000 > moment > at_s]
        allowed = [NONE if number is None else row(number) for number in (due[-1:] or [None]) + later]
        late |= registry.in_catalog(moment) not in allowed
    assert ("consistent: stale" in registry.tape(reads, {}).wrong()) == late


@given(st.lists(st.sampled_from((0.5, 1.0)), min_size=2, max_size=6), st.data())
def test_an_older_state_after_a_newer_one_was_seen_is_found(lags: list[float], data: st.DataObject) -> None:
    newest = len(lags)
    registry = Registry([(10.0 * number, number) for number in range(1, newest + 1)], lags)
    reads = [10.0 * newest + 2, 10.0 * newest + 2.5]
    older = data.draw(st.integers(1, newest - 1))
    wrong = registry.tape(reads, {1: row(older)}).wrong()
    word = "backwards" if older == newest - 1 else "stale"  # what came after the older ones was long there
    assert wrong == [f"consistent: {word}", f"default: {word}"]
