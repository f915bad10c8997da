"""Locks by sessions, in histories of a few lines, and against every order that a server could have done things in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.lives import CLOCK_RATE_MIN, part
from lictor_jepsen.checker.sessions import LATE_MS_MAX, check_sessions
from lictor_jepsen.op import Kind
from tests.jepsen_like.spans import Span, told

KEY = "lock"
TTL, DELAY = 1000, 500


def opened(who: int, at: float = 0, *, ttl: int = TTL, delay: int = DELAY, how: str = "release", by: str = "") -> Span:
    value = (who, ttl, delay, how, by)
    return Span(at, at + 1, "open", KEY, value, value)


def got(who: int, begun: float, ended: float, token: int, created: int = 7, key: str = KEY) -> Span:
    return Span(begun, ended, "acquire", key, (who,), (who, "got", created, token))


def asked(f: str, who: int, begun: float, ended: float, answer: bool = True, kind: Kind = Kind.OK) -> Span:
    return Span(begun, ended, f, KEY, (who,), (who,) if f == "destroy" else (who, answer), kind)


def saw(who: int, begun: float, ended: float, token: int) -> Span:
    return Span(begun, ended, "read", KEY, None, (who, 7, token))


def guarded(who: int, at: float, token: int) -> Span:
    return Span(at, at + 1, "guard", KEY, (who,), (who, 7, token))


def entered(who: int, begun: float, ended: float) -> Span:
    return Span(begun, ended, "enter", "room", (who, 2), (who, "got"))


BOTH = (opened(1), opened(2))
GOOD = {
    "handed on": (*BOTH, got(1, 10, 20, 1), asked("release", 1, 30, 40), got(2, 35, 50, 2)),
    "asked for while it was given back": (*BOTH, got(1, 10, 20, 1), asked("release", 1, 30, 90), got(2, 25, 50, 2)),
    "taken over after TTL and lock delay": (*BOTH, got(1, 10, 20, 1), got(2, 1300, 1460, 2)),
    "no lock delay": (opened(1, delay=0), opened(2), got(1, 10, 20, 1), asked("destroy", 1, 30, 40), got(2, 35, 50, 2)),
    "renewed, and lost in its time": (*BOTH, asked("renew", 1, 800, 810), asked("renew", 1, 1900, 1910, False)),
    "ended by hand before its time": (*BOTH, asked("destroy", 1, 30, 40), asked("renew", 1, 35, 50, False)),
    "ended with its node": (opened(1, by="node"), asked("renew", 1, 35, 50, False)),
    "a destroy that nobody knows of": (
        *BOTH,
        asked("destroy", 1, 30, 40, kind=Kind.INFO),
        asked("renew", 1, 90, 99, False),
    ),
    "a release that nobody knows of": (
        *BOTH,
        got(1, 10, 20, 1),
        asked("release", 1, 30, 40, kind=Kind.INFO),
        got(2, 60, 70, 2),
    ),
    "taken twice by its holder": (
        *BOTH,
        got(1, 10, 20, 1),
        got(1, 30, 40, 1),
        asked("release", 1, 50, 60),
        got(2, 70, 80, 2),
    ),
    "a key that was deleted": (
        *(opened(1, how="delete", delay=0), opened(2, how="delete", delay=0), got(1, 10, 20, 1)),
        *(asked("destroy", 1, 30, 40), got(2, 50, 60, 1, created=9)),
    ),
    "two in a room for two": (*BOTH, entered(1, 10, 20), entered(2, 30, 40)),
    "a third after one's time": (
        *BOTH,
        opened(3, 1000),
        entered(1, 10, 20),
        entered(2, 30, 40),
        entered(3, 1010, 1020),
    ),
    "a former holder is kept out": (
        *(opened(1, delay=0), opened(2, 1800), got(1, 10, 20, 1), got(2, 1900, 1910, 2)),
        *(guarded(2, 1920, 2), guarded(1, 1930, 1)),
    ),
}
BAD = {
    "two at once": ("exclusion", (*BOTH, got(1, 10, 20, 1), got(2, 30, 40, 2))),
    "two at once, both asked for at once": ("exclusion", (*BOTH, got(1, 10, 20, 1), got(2, 5, 40, 2))),
    "nobody, while somebody has it": ("exclusion", (*BOTH, got(1, 10, 20, 1), saw(0, 30, 40, 1))),
    "another one, while somebody has it": ("exclusion", (*BOTH, got(1, 10, 20, 1), saw(2, 30, 40, 2))),
    "a renewed session lost its lock": (
        "exclusion",
        (*BOTH, got(1, 10, 20, 1), asked("renew", 1, 3000, 3010), got(2, 2000, 2010, 2)),
    ),
    "three in a room for two": (
        "semaphore",
        (*BOTH, opened(3), *(entered(who, who * 10, who * 10 + 5) for who in (1, 2, 3))),
    ),
    "ended before its TTL": ("ttl", (*BOTH, asked("renew", 1, 800, 810, False))),
    "ended though renewed": ("ttl", (*BOTH, asked("renew", 1, 800, 810), asked("renew", 1, 1600, 1610, False))),
    "ended, and there again": ("ttl", (*BOTH, asked("renew", 1, 1600, 1610, False), asked("renew", 1, 1800, 1810))),
    "destroyed, and there again": ("ttl", (*BOTH, asked("destroy", 1, 30, 40), asked("renew", 1, 50, 60))),
    "lives on": ("ttl", (*BOTH, got(1, 10, 20, 1), saw(1, 2100 + LATE_MS_MAX, 2110 + LATE_MS_MAX, 1))),
    "within the lock delay of one destroyed": (
        "delay",
        (*BOTH, got(1, 10, 20, 1), asked("destroy", 1, 30, 40), got(2, 60, 470, 2)),
    ),
    "within the lock delay of one that ended": ("delay", (*BOTH, got(1, 10, 20, 1), got(2, 1200, 1300, 2))),
    "a token twice": ("fencing", (*BOTH, got(1, 10, 20, 1), asked("release", 1, 30, 40), got(2, 50, 60, 1))),
    "a token that is lower": ("fencing", (*BOTH, got(1, 10, 20, 2), asked("release", 1, 30, 40), got(2, 50, 60, 1))),
    "a token that is lower than what a read saw": ("fencing", (*BOTH, saw(0, 10, 20, 3), got(1, 30, 40, 2))),
    "a former holder is let through": (
        "fencing",
        (
            opened(1),
            opened(2, 1800),
            got(1, 10, 20, 5),
            got(2, 1900, 1910, 4),
            guarded(2, 1920, 4),
            guarded(1, 1930, 5),
        ),
    ),
}


def invalid(*spans: Span) -> list[str]:
    return [name for name, found in check_sessions(told(*spans)).items() if found.verdict is Verdict.INVALID]


@pytest.mark.parametrize("name", GOOD)
def test_what_a_server_may_do_is_not_blamed(name: str) -> None:
    assert invalid(*GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_a_server_may_not_do_is_found(name: str) -> None:
    finding, spans = BAD[name]
    assert finding in invalid(*spans)


def test_a_problem_names_both_sessions_and_its_lines() -> None:
    problems = check_sessions(told(*BAD["two at once"][1]))["exclusion"].problems
    assert problems[0].text.startswith(
        "line 7, 0.030 s, process 3 at n1: acquire of lock ok (2, 'got', 7, 2), while session 1"
    )
    assert set(problems[0].lines) == {5, 6, 7, 8}


def test_what_was_not_seen_is_unknown() -> None:
    found = check_sessions(told(*BOTH))
    assert {finding.verdict for finding in found.values()} == {Verdict.UNKNOWN}


def test_a_session_may_live_long_while_there_are_faults() -> None:
    spans = (*BOTH, got(1, 10, 20, 1), saw(1, 2100 + LATE_MS_MAX, 2110 + LATE_MS_MAX, 1))
    found = check_sessions(told(*spans, faults=((LATE_MS_MAX, "kill-leader"),)))
    assert found["ttl"].verdict is not Verdict.INVALID


@dataclass(frozen=True)
class Server:
    """One lock and two sessions as a server has them. Whatever may come at any later time has no bound above here."""

    now: float = 0.0
    may_end: tuple[tuple[int, float], ...] = ()
    """The sessions that live, with when each may end by itself."""
    holder: int = 0
    index: int = 0
    barred: float = 0.0

    def lives(self, who: int) -> bool:
        return who in dict(self.may_end)

    def ended(self, who: int, now: float) -> Server:
        held = self.holder == who
        return replace(
            self,
            now=now,
            may_end=tuple(one for one in self.may_end if one[0] != who),
            holder=0 if held else self.holder,
            barred=max(self.barred, now + DELAY * CLOCK_RATE_MIN) if held else self.barred,
        )

    def renewed(self, who: int, now: float) -> Server:
        rest = tuple(one for one in self.may_end if one[0] != who)
        return replace(self, now=now, may_end=(*rest, (who, now + TTL * CLOCK_RATE_MIN)))


def answered(server: Server, span: Span) -> Server | None:
    """The server after it gave this answer, as early as it can; None when it cannot."""
    now = max(server.now, span.begun_ms)
    who, is_true, index = part(span.answer, 0), bool(part(span.answer, 1)), server.index
    after: Server | None = None
    match span.f:
        case "open":
            after = server.renewed(who, now)
        case "renew" if is_true == server.lives(who):
            after = server.renewed(who, now) if is_true else replace(server, now=now)
        case "destroy":
            after = server.ended(who, now) if server.lives(who) else replace(server, now=now)
        case "release" if is_true == (server.holder == who):
            after = replace(server, now=now, holder=0 if is_true else server.holder)
        case "acquire" if server.lives(who) and server.holder in (0, who):
            index += server.holder != who
            if part(span.answer, 3) == index:
                after = replace(server, now=max(now, server.barred), holder=who, index=index)
        case "read" if server.holder == who and part(span.answer, 2) == index:
            after = replace(server, now=now)
        case _:
            pass
    return after if after is not None and after.now <= span.ended_ms else None


def possible(server: Server, left: frozenset[int], spans: Sequence[Span]) -> bool:
    """Whether some order explains all answers: who does everything as early as it may misses no chance."""
    if not left:
        return True
    if any(spans[number].ended_ms < server.now for number in left):
        return False
    for number in left:
        if (after := answered(server, spans[number])) is not None and possible(after, left - {number}, spans):
            return True
    return any(
        possible(server.ended(who, max(server.now, at)), left, spans)
        for who, at in server.may_end
        if who == server.holder or any(spans[number].answer == (who, False) for number in left)
    )


@st.composite
def conversations(draw: st.DrawFn) -> list[Span]:
    """Two sessions and up to five calls, some of which overlap; each session does one thing at a time."""
    free = {1: 10.0, 2: 10.0, 0: 10.0}
    spans = [opened(1), opened(2)]
    index = 1
    for _ in range(draw(st.integers(1, 5))):
        who = draw(st.sampled_from((1, 2)))
        f = draw(st.sampled_from(("acquire", "acquire", "release", "renew", "destroy", "read")))
        line = 0 if f == "read" else who
        begun = free[line] + draw(st.sampled_from((5, 100, 450, 1000)))
        ended = begun + draw(st.sampled_from((5, 100, 500)))
        free[line] = ended
        if f == "acquire":
            spans.append(got(who, begun, ended, index))
            index += draw(st.sampled_from((0, 1)))
        elif f == "read":
            spans.append(saw(draw(st.sampled_from((0, who))), begun, ended, index))
        else:
            spans.append(asked(f, who, begun, ended, draw(st.booleans())))
    return spans


@given(conversations())
@settings(max_examples=150)
def test_nothing_is_blamed_that_a_server_can_have_done(spans: list[Span]) -> None:
    if possible(Server(), frozenset(range(len(spans))), spans):
        assert invalid(*spans) == []


@st.composite
def handovers(draw: st.DrawFn) -> list[Span]:
    """Two sessions that take a lock from each other, one call after another, by rising tokens."""
    now, holder, index = 10.0, 0, 0
    spans = [opened(1), opened(2)]
    for _ in range(draw(st.integers(1, 6))):
        who = draw(st.sampled_from((1, 2)))
        begun = now + draw(st.sampled_from((5, 100, 450, 1000)))
        now = begun + draw(st.sampled_from((5, 100, 500)))
        f = draw(st.sampled_from(("acquire", "acquire", "release", "renew", "destroy", "read")))
        if f == "acquire":
            index += holder != who
            holder = who
            spans.append(got(who, begun, now, index))
        elif f == "read" and holder:
            spans.append(saw(holder, begun, now, index))
        elif f == "renew":
            spans.append(asked(f, who, begun, now, draw(st.booleans())))
        elif f in ("release", "destroy") and holder == who:
            holder = 0
            spans.append(asked(f, who, begun, now))
    return spans


@given(handovers())
@settings(max_examples=150)
def test_of_calls_one_after_another_all_is_blamed_that_no_server_can_have_done(spans: list[Span]) -> None:
    assert possible(Server(), frozenset(range(len(spans))), spans) is (invalid(*spans) == [])
