"""What a leader vouches for."""

from __future__ import annotations

from lictor_server.raft.answers import Answers


def answers(**newest: int) -> Answers:
    """These were answered."""
    found = Answers()
    for id, seq in newest.items():
        found.note(id, seq)
    return found


def test_a_leader_that_surely_leads_vouches_for_what_it_has() -> None:
    found = answers(n2=3, n3=4)
    assert found.vouched("n2") == 0
    found.leads(5)
    assert [found.vouched(id) for id in ("n2", "n3", "n4")] == [3, 4, 0]


def test_what_came_since_the_leader_surely_led_is_not_vouched_for() -> None:
    found = answers(n2=3)
    found.leads(5)
    found.note("n2", 5)
    found.may_lead(6, 4)
    assert found.vouched("n2") == 3
    found.leads(6)
    assert found.vouched("n2") == 5


def test_an_older_answer_is_no_news() -> None:
    found = answers(n2=3)
    found.note("n2", 2)
    found.leads(5)
    assert found.vouched("n2") == 3


def test_without_a_lease_a_round_that_a_majority_answered_vouches_for_what_was_there_when_it_left() -> None:
    found = answers(n2=3)
    found.may_lead(6, 0)
    found.note("n2", 5)
    found.may_lead(7, 5)
    assert found.vouched("n2") == 0
    found.may_lead(8, 6)
    assert found.vouched("n2") == 3
    found.may_lead(9, 8)
    assert found.vouched("n2") == 5


def test_a_round_that_had_left_before_vouches_for_nothing_that_came_since() -> None:
    found = answers()
    found.leads(6)
    found.note("n2", 6)
    found.may_lead(6, 6)
    found.may_lead(6, 6)
    assert found.vouched("n2") == 0


def test_whom_a_new_set_leaves_out_is_forgotten() -> None:
    found = answers(n2=3, n3=3)
    found.leads(5)
    found.keep({"n2"})
    found.leads(6)
    assert [found.vouched(id) for id in ("n2", "n3")] == [3, 0]
