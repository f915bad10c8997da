"""As of when a follower's state is surely current."""

from __future__ import annotations

import dataclasses
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_server.raft.evidence import CLAIMS_MAX, SENDINGS_MAX, Evidence

KEPT_S = 6.4
APART_S = KEPT_S / SENDINGS_MAX


def answering(*times: float) -> Evidence:
    """It answered the rounds 1, 2 ... of term 1 at these times, all it heard is applied at 5, and nothing is proven."""
    evidence = Evidence(KEPT_S)
    evidence.heard(1, 0, 0, 5, 0.0)
    for seq, at in enumerate(times, 1):
        evidence.heard(1, seq, 0, 5, at)
        evidence.said(seq, at)
    return evidence


def test_nothing_is_known_before_the_leader_had_an_answer() -> None:
    assert answering(10.0, 11.0).current_at(9) is None


def test_what_an_answer_proves_holds_from_when_it_left_however_late_that_is_read() -> None:
    evidence = answering(10.0, 11.0, 12.0)
    evidence.heard(1, 4, 2, 5, 999.0)
    assert evidence.current_at(5) == 11.0


def test_a_claim_holds_once_its_entries_are_applied() -> None:
    evidence = answering(10.0, 11.0)
    evidence.heard(1, 3, 1, 7, 12.0)
    evidence.heard(1, 3, 2, 9, 12.0)
    assert [evidence.current_at(index) for index in (6, 7, 8, 9)] == [None, 10.0, 10.0, 11.0]


def test_a_message_of_a_version_that_does_not_say_counts_when_it_is_read() -> None:
    evidence = Evidence(KEPT_S)
    evidence.heard(1, 1, None, 5, 10.0)
    assert (evidence.current_at(4), evidence.current_at(5)) == (None, 10.0)


def test_answers_to_one_term_prove_nothing_in_another() -> None:
    evidence = answering(10.0, 11.0)
    evidence.heard(2, 1, 0, 5, 12.0)
    evidence.heard(2, 2, 2, 5, 12.1)
    assert evidence.current_at(5) is None


def test_what_was_known_outlives_the_leader_who_proved_it() -> None:
    evidence = answering(10.0, 11.0)
    evidence.heard(1, 3, 2, 5, 12.0)
    evidence.heard(2, 1, 0, 5, 13.0)
    assert evidence.current_at(5) == 11.0


def test_the_first_round_that_is_heard_may_have_been_answered_by_a_former_process() -> None:
    evidence = Evidence(KEPT_S)
    for at in (10.0, 10.1):
        evidence.heard(1, 7, 7, 5, at)
        evidence.said(7, at)
    assert evidence.current_at(5) is None


def test_what_was_led_counts_and_nothing_goes_back() -> None:
    evidence = answering(10.0)
    evidence.led(20.0)
    evidence.heard(1, 2, 1, 5, 21.0)
    assert evidence.current_at(5) == 20.0
    evidence.led(15.0)
    assert evidence.current_at(5) == 20.0


def test_of_rounds_that_follow_closely_the_one_before_is_proven() -> None:
    evidence = answering(10.0, 10.0 + APART_S / 4, 10.0 + APART_S / 2)
    evidence.heard(1, 4, 3, 5, 11.0)
    assert evidence.current_at(5) == 10.0


def test_an_answer_that_is_not_kept_any_more_proves_nothing() -> None:
    count = SENDINGS_MAX + 10
    evidence = answering(*(10.0 + number for number in range(count)))
    evidence.heard(1, count, 10, 5, 999.0)
    assert evidence.current_at(5) is None
    evidence.heard(1, count, 11, 5, 999.0)
    assert evidence.current_at(5) == 20.0


def test_claims_are_bounded_and_of_too_many_the_last_one_is_known_late() -> None:
    count = CLAIMS_MAX + 10
    evidence = answering(*(10.0 + number for number in range(SENDINGS_MAX)))
    for number in range(1, count + 1):
        evidence.heard(1, count, min(number, SENDINGS_MAX), 5 + number, 999.0)
    assert len(vars(evidence)["_claims"]) == CLAIMS_MAX
    assert evidence.current_at(5 + CLAIMS_MAX - 1) == pytest.approx(10.0 + CLAIMS_MAX - 2)
    assert evidence.current_at(5 + count) == pytest.approx(10.0 + SENDINGS_MAX - 1)


@dataclasses.dataclass
class World:
    """One leader that surely leads, and one follower; messages in both directions wait for as long as chance will."""

    now: float = 100.0
    seq: int = 0
    committed: int = 0
    answered: int = 0
    applied: int = 0
    said: int = 0
    evidence: Evidence = dataclasses.field(default_factory=lambda: Evidence(KEPT_S))
    to_follower: deque[tuple[int, int, int]] = dataclasses.field(default_factory=deque[tuple[int, int, int]])
    to_leader: deque[int] = dataclasses.field(default_factory=deque[int])
    history: list[tuple[float, int]] = dataclasses.field(default_factory=list[tuple[float, int]])

    def act(self, what: str) -> None:
        """One step."""
        self.now += 0.05
        match what:
            case "write":
                self.committed += 1
                self.history.append((self.now, self.committed))
            case "round":
                self.seq += 1
                self.send()
            case "send":
                self.send()
            case "hear" if self.to_leader:
                self.answered = max(self.answered, self.to_leader.popleft())
            case "read" if self.to_follower:
                self.read()
            case "restart":
                self.evidence, self.said = Evidence(KEPT_S), 0
                self.to_follower.clear()
            case "apply" if self.to_apply > self.applied:
                self.applied += 1
            case "stop":
                self.now += 5.8
            case _:
                pass

    to_apply: int = 0

    def send(self) -> None:
        self.to_follower.append((self.seq, self.answered, self.committed))

    def read(self) -> None:
        seq, answered, committed = self.to_follower.popleft()
        self.evidence.heard(1, seq, answered, committed, self.now)
        self.to_apply = max(self.to_apply, committed)
        if seq != self.said:
            self.said = seq
            self.evidence.said(seq, self.now)
            self.to_leader.append(seq)


STEPS = st.sampled_from(["write", "round", "send", "hear", "read", "apply", "apply", "restart", "stop"])


@given(st.lists(STEPS, max_size=80))
def test_whatever_waits_no_state_is_called_current_that_lacks_what_was_committed_by_then(steps: list[str]) -> None:
    world = World()
    for step in steps:
        world.act(step)
        at = world.evidence.current_at(world.applied)
        if at is not None:
            assert all(index <= world.applied for when, index in world.history if when < at)


@given(st.lists(STEPS, max_size=40))
def test_two_heartbeats_that_are_answered_make_a_state_current_again(steps: list[str]) -> None:
    world = World()
    for step in steps:
        world.act(step)
    while world.to_follower or world.to_leader or world.applied < world.to_apply:
        for step in ("read", "hear", "apply"):
            world.act(step)
    world.act("round")
    world.act("read")
    began = world.now
    for step in ("hear", "round", "read", "hear", "round", "read"):
        world.act(step)
    while world.applied < world.to_apply:
        world.act("apply")
    at = world.evidence.current_at(world.applied)
    assert at is not None
    assert at >= began - APART_S
