"""Who the servers were, judged: good and bad histories by hand, and the leaders of terms against a slow judge."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.members import judge_members
from lictor_jepsen.op import NEMESIS, Kind, Op, Value

ONE = ("n1", "id-1", "10.0.0.1:8300", True, True)
TWO = ("n2", "id-2", "10.0.0.2:8300", True, False)
THREE = ("n3", "id-3", "10.0.0.3:8300", True, False)
NEW = ("n2", "id-9", "10.0.0.2:8300", True, False)


def _row(server: Sequence[Value]) -> tuple[Value, ...]:
    return tuple(server)


def _calls(*done: tuple[str, Value, Value], start: int = 0) -> list[Op]:
    ops: list[Op] = []
    for f, asked, said in done:
        time_ms = float(start + len(ops))
        begun = Op(time_ms, 0, Kind.INVOKE, f, "members", asked, node="a1")
        ops += [begun, begun._replace(kind=Kind.OK, value=said, time_ms=time_ms + 1)]
    return ops


def _settled(*servers: Sequence[Value], wanted: Sequence[Sequence[Value]]) -> tuple[str, Value, Value]:
    names: Value = tuple((one[0], one[2]) for one in wanted)
    return ("settle", None, (names, tuple(map(_row, servers))))


def _nemesis(*faults: str) -> list[Op]:
    return [Op(0.0, NEMESIS, Kind.INFO, fault, value="done") for fault in faults]


GOOD = (
    ("replace", 7, ((ONE, TWO, THREE), (ONE, NEW, THREE))),
    ("shrink", (1, 7), ((ONE, NEW, THREE), (ONE,))),
    ("grow", (3, 7), ((ONE,), (ONE, TWO, THREE))),
    _settled(ONE, TWO, THREE, wanted=(ONE, TWO, THREE)),
)


def test_steps_that_end_as_asked_are_valid_and_counted() -> None:
    found = judge_members(_calls(*GOOD))["members"]
    assert (found.verdict, found.judged) == (Verdict.VALID, 3)


def test_without_a_look_at_the_end_nobody_knows() -> None:
    assert judge_members(_calls(*GOOD[:-1]))["members"].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("f", "asked", "said", "problem"),
    [
        ("replace", 7, ((ONE, TWO, THREE), (ONE, TWO, THREE)), "back as its old self"),
        ("move", 7, ((ONE, TWO, THREE), (ONE, ("n2", "id-2", "10.0.0.9:8300", True, False), THREE)), "its old self"),
        ("shrink", (1, 7), ((ONE, TWO), (ONE, TWO)), "2 servers, where 1 were asked for"),
        ("grow", (3, 7), ((ONE, TWO), (ONE, NEW, THREE)), "changed its id"),
        ("grow", (2, 7), ((ONE,), (ONE, ("n1", "id-8", "10.0.0.8:8300", True, False))), "there twice"),
        ("grow", (2, 7), ((ONE,), (ONE, ("n2", "id-2", "10.0.0.2:8300", True, True))), "two servers lead"),
        ("grow", (2, 7), ((ONE,), (ONE, ("n2", "id-2", "10.0.0.2:8300", False, False))), "has no vote"),
    ],
)
def test_a_step_that_ends_otherwise_is_invalid(f: str, asked: Value, said: Value, problem: str) -> None:
    found = judge_members(_calls((f, asked, said), _settled(ONE, wanted=(ONE,))))["members"]
    assert found.verdict is Verdict.INVALID
    assert problem in found.problems[0].text
    assert found.problems[0].lines == (1, 2)


def test_who_should_vote_in_the_end_and_does_not_is_told() -> None:
    mute = ("n2", "id-2", "10.0.0.2:8300", False, False)
    for servers in ((ONE,), (ONE, mute)):
        found = judge_members(_calls(_settled(*servers, wanted=(ONE, TWO))))["members"]
        assert "n2 at 10.0.0.2:8300 has no vote in the end" in found.problems[0].text


def test_who_left_and_is_still_a_server_in_the_end_is_told() -> None:
    found = judge_members(_calls(_settled(ONE, TWO, wanted=(ONE,))))["members"]
    assert "n2 at 10.0.0.2:8300 is still a server" in found.problems[0].text


def test_a_majority_that_does_not_serve_is_invalid() -> None:
    assert judge_members(_calls(("spare", 7, (3, 1, 800))))["quorum"].verdict is Verdict.VALID
    found = judge_members(_calls(("spare", 7, (3, 1, None))))["quorum"]
    assert found.verdict is Verdict.INVALID
    assert "1 of 3 voters down" in found.problems[0].text


@pytest.mark.parametrize(
    ("before", "verdict"),
    [
        (["kill-one"], None),
        (["kill-one", "kill-one"], Verdict.INVALID),
        (["kill-one", "pause-one", "kill-one"], None),
        (["kill-one", "heal"], Verdict.INVALID),
    ],
)
def test_a_majority_is_blamed_only_when_no_other_fault_is_at_work(before: list[str], verdict: Verdict | None) -> None:
    history = [*_nemesis(*before), *_calls(("spare", 7, (3, 1, None)))]
    found = judge_members(history).get("quorum")
    assert (found and found.verdict) is verdict, "what was not judged is not told"


def test_a_fault_that_is_in_the_making_excuses_a_majority() -> None:
    invoked, ended = _calls(("spare", 7, (3, 1, None)))
    fault = Op(ended.time_ms + 1_000, NEMESIS, Kind.INFO, "power-loss-voters")
    assert judge_members([invoked, ended, fault])["quorum"].verdict is Verdict.INVALID
    assert "quorum" not in judge_members([invoked, ended, fault._replace(took_ms=2_000)])


def test_a_fault_that_begins_meanwhile_excuses_a_majority() -> None:
    invoked, ended = _calls(("spare", 7, (3, 1, None)))
    assert "quorum" not in judge_members([invoked, *_nemesis("kill-one", "kill-one"), ended])


LOOKS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.sampled_from(["Leader", "Follower"]), st.integers(1, 3)),
        max_size=3,
    ),
    max_size=4,
)


@given(LOOKS)
def test_two_leaders_in_a_term_are_found_exactly_when_there_are_two(looks: list[list[tuple[str, str, int]]]) -> None:
    found = judge_members(_calls(*(("look", None, tuple(look)) for look in looks)))["leaders"]
    leaders = [(term, name) for look in looks for name, state, term in look if state == "Leader"]
    torn = any(a[0] == b[0] and a[1] != b[1] for a, b in combinations(leaders, 2))
    wanted = Verdict.INVALID if torn else Verdict.VALID if leaders else Verdict.UNKNOWN
    assert found.verdict is wanted
    assert torn or found.judged == len(leaders)
