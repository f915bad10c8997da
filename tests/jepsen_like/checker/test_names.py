"""The judge of DNS, on histories by hand. What follows the writers is judged by `follow`, with an oracle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.names import STALE_MS, names
from lictor_jepsen.op import NEMESIS, Kind, Op, Value

OLD_S = STALE_MS / 1000 + 1


class Tape:
    """A history as it is written down. Times are seconds; each operation lasts a millisecond."""

    def __init__(self) -> None:
        self.ops: list[Op] = []

    def did(self, at_s: float, f: str, value: Value, saw: Value = None, kind: Kind = Kind.OK) -> Tape:
        """Somebody asked, and it was answered with what was `saw`n, or with the value."""
        begun = Op(at_s * 1000, len(self.ops), Kind.INVOKE, f, "web", value, node="n1")
        answered = value if saw is None else saw
        self.ops += [begun, begun._replace(time_ms=at_s * 1000 + 1, kind=kind, value=answered)]
        return self

    def put(self, at_s: float, number: int, kind: Kind = Kind.OK, thread: int = 0) -> Tape:
        """A thread registers its instance."""
        return self.did(at_s, "put", (thread, number), kind=kind)

    def told(self, at_s: float, *numbers: Value, is_cut: bool = False) -> Tape:
        """DNS tells addresses of the service."""
        return self.did(at_s, "addresses", "udp", (is_cut, numbers))

    def node(self, at_s: float, *numbers: Value) -> Tape:
        """DNS tells addresses of the thread's node."""
        return self.did(at_s, "node", (0, "udp"), (False, numbers))

    def wrong(self, stale_ms: float = STALE_MS) -> list[str]:
        """What is found, each by its finding and its first word."""
        found = names(self.ops, stale_ms)
        bad = {name: one for name, one in found.items() if one.verdict is Verdict.INVALID}
        return [f"{name}: {problem.text.split(':')[0]}" for name, one in bad.items() for problem in one.problems]


def test_answers_that_follow_the_catalog() -> None:
    tape = Tape().told(0).put(1, 1).told(1.1).told(2, 1).put(3, 2).told(3.1, 1).told(4, 2).did(5, "remove", 0)
    assert tape.told(5.1, 2).told(6).told(5 + OLD_S).wrong() == []


def test_an_older_answer_after_a_newer_one_is_right_as_long_as_it_is_not_too_old() -> None:
    assert Tape().put(1, 1).put(3, 2).told(4, 2).told(5, 1).wrong() == []


def test_an_instance_that_is_well_for_long_is_told() -> None:
    assert Tape().put(1, 1).told(1 + OLD_S).wrong() == ["services: stale"]
    assert Tape().put(1, 1).told(1 + OLD_S, is_cut=True).wrong() == []


def test_answers_may_be_as_old_as_is_said() -> None:
    tape = Tape().put(1, 1).told(1 + OLD_S)
    assert tape.wrong(STALE_MS + 2000) == []
    assert tape.wrong(STALE_MS) == ["services: stale"]


def test_an_instance_that_is_gone_or_ails_for_long_is_not_told() -> None:
    assert Tape().put(1, 1).did(2, "remove", 0).told(2 + OLD_S, 1).wrong() == ["services: stale"]
    assert Tape().put(1, 1).did(2, "ail", (0, 2)).told(2 + OLD_S, 1).wrong() == ["services: stale"]
    assert Tape().put(1, 1).put(2, 2).told(2 + OLD_S, 1, is_cut=True).wrong() == ["services: stale"]


def test_faults_excuse_no_answer_that_is_too_old() -> None:
    tape = Tape().put(1, 1)
    tape.ops.append(Op(1500, NEMESIS, Kind.INFO, "kill-all"))
    assert tape.told(1 + OLD_S).wrong() == ["services: stale"]


def test_what_nobody_registered_is_not_told() -> None:
    assert Tape().put(1, 1).told(2, 1, 7).wrong() == ["services: phantom"]
    assert Tape().put(1, 1).told(2, "torn: 10.0.0.1:9").wrong() == ["services: phantom"]
    assert Tape().told(0.5, 1).put(1, 1).wrong() == ["services: phantom"]
    assert Tape().put(1, 1).did(2, "ail", (0, 2)).told(2.5, 2).wrong() == ["services: phantom"]


def test_an_instance_is_told_once() -> None:
    assert Tape().put(1, 1).put(2, 2).told(2.5, 1, 2).wrong() == ["services: twice"]
    assert Tape().put(1, 1).put(2, 2, thread=1).told(2.5, 1, 2).wrong() == []


def test_of_a_registration_that_nobody_knows_of_both_are_right() -> None:
    tape = Tape().put(1, 1).put(2, 2, Kind.INFO)
    assert tape.told(2 + OLD_S, 1).told(3 + OLD_S, 2).wrong() == []


def test_a_node_keeps_its_address_when_its_instance_goes() -> None:
    tape = Tape().put(1, 1).did(2, "ail", (0, 2)).did(3, "remove", 0)
    assert tape.node(3 + OLD_S, 2).wrong() == []
    assert tape.node(4 + OLD_S, 1).wrong() == ["nodes: stale"]
    assert tape.node(5 + OLD_S).wrong() == ["nodes: stale", "nodes: stale"]


def test_a_node_has_one_address() -> None:
    assert Tape().put(1, 1).put(2, 2).node(2.5, 1, 2).wrong() == ["nodes: several"]


def test_without_answers_nothing_is_valid() -> None:
    found = names(Tape().put(1, 1).did(2, "addresses", "udp", kind=Kind.FAIL).ops)
    assert {one.verdict for one in found.values()} == {Verdict.UNKNOWN}


@st.composite
def stories(draw: st.DrawFn) -> Tape:
    """One instance that changes, and answers about it and its node: right ones, old ones and made-up ones."""
    tape = Tape()
    at_s = 0.0
    number = 0
    for _ in range(draw(st.integers(1, 12))):
        at_s += draw(st.sampled_from((0.5, 2.0, OLD_S - 1.5, OLD_S)))
        kind = draw(st.sampled_from((Kind.OK, Kind.OK, Kind.OK, Kind.INFO, Kind.FAIL)))
        match draw(st.sampled_from(("put", "ail", "remove", "told", "node"))):
            case "put" | "ail" as f:
                number += 1
                tape.did(at_s, f, (0, number), kind=kind)
            case "remove":
                tape.did(at_s, "remove", 0, kind=kind)
            case "told":
                tape.told(at_s, *draw(st.lists(st.integers(1, number + 1), max_size=1)), is_cut=draw(st.booleans()))
            case _:
                tape.node(at_s, *draw(st.lists(st.integers(1, number + 1), max_size=1)))
    return tape


def _possible(tape: Tape, at_ms: float, shown: tuple[str, ...], hidden: tuple[str, ...]) -> set[Value]:
    """All that an answer may show at a time, worked out change by change."""
    possible: set[Value] = {None}
    unknown: set[Value] = set()
    for op in tape.ops:
        if op.kind is Kind.INVOKE or op.f not in shown + hidden or op.kind is Kind.FAIL or op.time_ms - 1 >= at_ms:
            continue
        value = op.value[1] if op.f in shown and isinstance(op.value, tuple) else None
        if op.kind is Kind.INFO:
            unknown.add(value)
        elif op.time_ms + STALE_MS <= at_ms:
            possible = {value}
        else:
            possible.add(value)
    return possible | unknown


@given(stories())
def test_what_is_wrong_is_what_no_change_explains(tape: Tape) -> None:
    wrong = {"services": False, "nodes": False}
    for begun, op in zip(tape.ops[::2], tape.ops[1::2], strict=True):
        if op.f not in ("addresses", "node") or not isinstance(op.value, tuple):
            continue
        is_cut, numbers = op.value
        assert isinstance(numbers, tuple)
        of_node = op.f == "node"
        possible = _possible(
            tape, begun.time_ms, ("put", "ail") if of_node else ("put",), () if of_node else ("ail", "remove")
        )
        told = numbers[0] if numbers else None
        if told not in possible and not (told is None and is_cut):
            wrong["nodes" if of_node else "services"] = True
    found = names(tape.ops)
    assert {name: found[name].verdict is Verdict.INVALID for name in wrong} == wrong
