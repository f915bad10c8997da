from __future__ import annotations

from lictor_core.authority import DAY_S, RootLife, certificate_moment, outstanding, with_leaf


def test_leaves_are_counted_by_the_day_they_end_on() -> None:
    life = RootLife(root_id="aa")
    for until in (0.5 * DAY_S, 2.2 * DAY_S, 2.9 * DAY_S):
        life = with_leaf(life, until)
    assert (life.leaves_issued, life.leaves_until, life.ending) == (3, 2.9 * DAY_S, [(0, 1), (2, 2)])
    assert [outstanding(life, day * DAY_S) for day in (0, 1, 2, 3)] == [3, 2, 2, 0]


def test_shorter_lived_leaf_does_not_shorten_the_trust_in_its_root() -> None:
    life = with_leaf(with_leaf(RootLife(root_id="aa"), 9 * DAY_S), DAY_S)
    assert life.leaves_until == 9 * DAY_S


def test_days_that_are_counted_are_bounded() -> None:
    life = RootLife(root_id="aa")
    for day in range(1000):
        life = with_leaf(life, day * DAY_S)
    assert len(life.ending) == 400
    assert life.leaves_issued == 1000
    assert outstanding(life, 990 * DAY_S) == 10


def test_moments_of_certificates_are_read() -> None:
    assert certificate_moment("2026-01-01T00:00:00Z") == 1_767_225_600
    assert certificate_moment("soon") == 0
