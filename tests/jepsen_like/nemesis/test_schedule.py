"""When faults begin and end."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.nemesis.schedule import HOLD_S, OVERLAP_MAX, QUIET_S, Spell, members, schedule


def test_a_seed_gives_the_same_schedule_again() -> None:
    assert schedule(["a", "b"], 60, 7) == schedule(["a", "b"], 60, 7)
    assert schedule(["a", "b"], 60, 7) != schedule(["a", "b"], 60, 8)


def test_faults_do_not_overlap_and_end_in_time() -> None:
    for seed in range(20):
        spells = schedule(["a", "b", "c"], 100, seed)
        before = 0.0
        for spell in spells:
            assert spell.begins_s - before >= QUIET_S[0]
            assert HOLD_S[0] <= spell.ends_s - spell.begins_s <= HOLD_S[1]
            before = spell.ends_s
        assert before <= 100


def test_every_fault_comes_before_one_comes_again() -> None:
    found = Counter(spell.fault for spell in schedule(["a", "b", "c"], 200, 7))
    assert max(found.values()) - min(found.values()) <= 1


def test_a_short_run_has_a_fault() -> None:
    assert all(len(schedule(["a"], QUIET_S[1] + HOLD_S[0], seed)) == 1 for seed in range(50))


def test_without_faults_nothing_happens() -> None:
    assert schedule([], 60, 7) == []


def _at_once(spells: list[Spell]) -> int:
    """The most that there ever are at the same time: the moments when one begins will do."""
    return max((sum(s.begins_s <= at.begins_s < s.ends_s for s in spells) for at in spells), default=0)


def test_the_faults_of_a_step_begin_together_and_the_next_step_waits_for_all_of_them() -> None:
    spells = schedule(["a+b", "c"], 120, 7)
    pairs = [spell for spell in spells if spell.fault in "ab"]
    assert len(pairs) >= 4
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        assert (first.fault, second.fault) == ("a", "b")
        assert first.begins_s == second.begins_s
        assert first.ends_s != second.ends_s
    for alone in (spell for spell in spells if spell.fault == "c"):
        others = [spell for spell in spells if spell != alone]
        assert all(other.ends_s < alone.begins_s or alone.ends_s < other.begins_s for other in others)


STEPS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, unique=True)


@given(STEPS, st.integers(0, 10_000), st.integers(1, OVERLAP_MAX), st.floats(1, 400))
def test_so_many_are_at_once_at_most_none_beside_itself_or_its_kin_and_all_end_in_time(
    steps: list[str], seed: int, overlap: int, seconds: float
) -> None:
    def subject(fault: str) -> str:
        return "kin" if fault in "de" else fault

    spells = schedule(steps, seconds, seed, overlap, subject)
    assert spells == schedule(steps, seconds, seed, overlap, subject)
    assert _at_once(spells) <= overlap
    assert [spell.begins_s for spell in spells] == sorted(spell.begins_s for spell in spells)
    for name in {subject(step) for step in steps}:
        assert _at_once([spell for spell in spells if subject(spell.fault) == name]) <= 1
    for spell in spells:
        assert HOLD_S[0] <= spell.ends_s - spell.begins_s <= HOLD_S[1]
        assert spell.ends_s <= seconds


@pytest.mark.parametrize("overlap", range(1, OVERLAP_MAX + 1))
def test_in_time_every_fault_comes_and_so_many_meet_as_may(overlap: int) -> None:
    for seed in range(20):
        spells = schedule(list("abcdefgh"), 120, seed, overlap)
        found = Counter(spell.fault for spell in spells)
        assert set(found) == set("abcdefgh")
        assert max(found.values()) - min(found.values()) <= 2
        assert _at_once(spells) == overlap


def test_a_step_tells_its_faults() -> None:
    assert members("kill-one") == ("kill-one",)
    assert members("kill-one+clock-jump") == ("kill-one", "clock-jump")
