"""When faults begin and end."""

from collections import Counter

from lictor_jepsen.nemesis.schedule import HOLD_S, QUIET_S, schedule


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
