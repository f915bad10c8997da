"""Intentions, in histories of a few lines, and against every order in which changes can have come."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.intentions import check_intentions
from lictor_jepsen.op import Kind
from tests.jepsen_like.spans import Span, told

PROXY = "db-sidecar-proxy"


def written(
    f: str, begun: float, ended: float, index: int, proxies: tuple[str, ...] = (PROXY,), complete: bool = True
) -> Span:
    return Span(begun, ended, f, "db", None, (index, complete, proxies))


def unknown(f: str, begun: float, ended: float) -> Span:
    return Span(begun, ended, f, "db", None, kind=Kind.INFO)


def looked(begun: float, action: str, index: int) -> Span:
    return Span(begun, begun + 5, "look", "db", None, (action, index))


def talked(begun: float, ended: float, f: str = "send", service: str = "db", kind: Kind = Kind.OK) -> Span:
    return Span(begun, ended, f, "db", None, (service, "live"), kind)


DENIED = (written("deny", 0, 100, 7), looked(500, "deny", 7))
GOOD = {
    "refused while denied": (*DENIED, talked(200, 300, kind=Kind.FAIL)),
    "asked before the answer came": (*DENIED, talked(90, 150)),
    "asked after the last look": (*DENIED, talked(450, 600)),
    "allowed again": (
        written("deny", 0, 100, 7),
        written("allow", 200, 300, 8),
        looked(500, "allow", 8),
        talked(310, 400),
    ),
    "an allow that nobody knows of": (
        unknown("allow", 0, 50),
        written("deny", 60, 100, 7),
        looked(500, "allow", 8),
        talked(200, 300),
    ),
    "an allow between deny and look": (written("deny", 0, 100, 7), looked(500, "deny", 9), talked(200, 300)),
    "not all judge by it": (written("deny", 0, 100, 7, (), complete=False), looked(500, "deny", 7), talked(200, 300)),
    "nobody judges by it": (written("deny", 0, 100, 7, ()), looked(500, "deny", 7), talked(200, 300)),
    "passes in the end": (Span(0, 900, "settle", "db", None, ("db", 900)), looked(950, "allow", 8)),
    "denied in the end": (Span(0, 900, "settle", "db", None, kind=Kind.FAIL), looked(950, "deny", 8)),
}
BAD = {
    "a byte on a live connection": ("denied", (*DENIED, talked(200, 300))),
    "a new connection": ("denied", (*DENIED, talked(200, 300, "connect"))),
    "though an allow had not been answered before": ("denied", (unknown("allow", 0, 50), *DENIED, talked(200, 300))),
    "nothing passes in the end": (
        "allowed",
        (Span(0, 900, "settle", "db", None, kind=Kind.FAIL), looked(950, "allow", 8)),
    ),
    "bytes of another service": ("destination", (talked(0, 10, service="api"),)),
}


def invalid(*spans: Span) -> list[str]:
    return [name for name, found in check_intentions(told(*spans)).items() if found.verdict is Verdict.INVALID]


@pytest.mark.parametrize("name", GOOD)
def test_what_a_mesh_may_do_is_not_blamed(name: str) -> None:
    assert invalid(*GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_a_mesh_may_not_do_is_found(name: str) -> None:
    finding, spans = BAD[name]
    assert invalid(*spans) == [finding]


def test_a_problem_names_the_deny_and_the_look() -> None:
    [problem] = check_intentions(told(*BAD["a new connection"][1]))["denied"].problems
    assert problem.text.startswith("bytes passed: line 3, 0.200 s")
    assert set(problem.lines) == {1, 2, 3, 4, 5, 6}


def test_what_was_not_seen_is_unknown() -> None:
    assert {found.verdict for found in check_intentions(told(*DENIED)).values()} == {Verdict.UNKNOWN}


def possible(spans: list[Span]) -> bool:
    """Whether writes can have come in some order, each after it was asked for, so that all answers hold.

    Each write has the index of its place in the order; one that is not known may have come or not. Who judges by an
    index judges by all that came before it, and by whatever came later as soon as it came.
    """
    writes = [span for span in spans if span.f in ("allow", "deny")]
    others = [span for span in spans if span.f not in ("allow", "deny")]
    sure = [span for span in writes if span.kind is Kind.OK]
    maybe = [span for span in writes if span.kind is Kind.INFO]
    return any(
        _explains(order, others)
        for chosen in ([one for bit, one in enumerate(maybe) if number >> bit & 1] for number in range(1 << len(maybe)))
        for order in permutations([*sure, *chosen])
    )


def _explains(order: tuple[Span, ...], others: list[Span]) -> bool:
    """Each write at the earliest time, and each look and talk at any later place that its own time allows."""
    for place, span in enumerate(order):
        if span.kind is Kind.OK and span.answer != (place + 1, True, (PROXY,)):
            return False
        if any(later.kind is Kind.OK and later.ended_ms < span.begun_ms for later in order[place + 1 :]):
            return False
    looks = [(span, int(str(span.answer[1]))) for span in others if span.f == "look" and isinstance(span.answer, tuple)]
    for span in others:
        first, last = _places(order, span)
        # What was before or after a look was not after or before the place that the look shows.
        first = max([first, *(place for look, place in looks if look.ended_ms < span.begun_ms)])
        last = min([last, *(place for look, place in looks if look.begun_ms > span.ended_ms)])
        states = [(order[place - 1].f, place) if place else ("", 0) for place in range(first, last + 1)]
        if span.f == "look" and span.answer not in states:
            return False
        # A proxy may be behind, but not behind what was acknowledged as enforced before the talk began.
        if span.f == "send" and span.kind is Kind.OK and all(action == "deny" for action, _ in states):
            return False
    return True


def _places(order: tuple[Span, ...], span: Span) -> tuple[int, int]:
    """How many writes had come by then, at least and at most."""
    before = [place + 1 for place, one in enumerate(order) if one.kind is Kind.OK and one.ended_ms < span.begun_ms]
    after = [place for place, one in enumerate(order) if one.begun_ms > span.ended_ms]
    return max(before, default=0), min(after, default=len(order))


@st.composite
def conversations(draw: st.DrawFn) -> list[Span]:
    """Up to three writes, a look and up to two talks, whose times overlap."""
    spans: list[Span] = []
    for index in range(draw(st.integers(1, 3))):
        begun = draw(st.integers(0, 8)) * 100
        f = draw(st.sampled_from(("allow", "deny", "deny")))
        ended = begun + draw(st.sampled_from((5, 205)))
        spans.append(written(f, begun, ended, index + 1) if draw(st.integers(0, 3)) else unknown(f, begun, ended))
    spans.append(
        looked(
            draw(st.integers(2, 12)) * 100 + 1,
            draw(st.sampled_from(("deny", "deny", "allow"))),
            draw(st.integers(1, 3)),
        )
    )
    for _ in range(draw(st.integers(1, 2))):
        begun = draw(st.integers(0, 12)) * 100 + 2
        spans.append(talked(begun, begun + draw(st.sampled_from((5, 105)))))
    return spans


@given(conversations())
@settings(max_examples=300)
def test_nothing_is_blamed_that_a_mesh_can_have_done(spans: list[Span]) -> None:
    if possible(spans):
        assert invalid(*spans) == []
