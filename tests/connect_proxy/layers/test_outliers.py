"""One instance that fails: how long it stands aside, and how it returns."""

from __future__ import annotations

import pytest

from lictor_connect_proxy.layers.outliers import (
    EJECTION_S_FIRST,
    EJECTION_S_MAX,
    RAMP_S,
    RAMP_SHARE_FIRST,
    Ejection,
    Member,
    ejection_of,
)
from lictor_connect_proxy.snapshot import PassiveHealth
from tests.connect_proxy.build import endpoint


def _member(weight: int = 1) -> Member:
    return Member(endpoint(0)._replace(weight=weight), 0.0)


def _fail(member: Member, now: float, ejection: Ejection | None = None) -> float:
    return member.failed(now, ejection or Ejection(), may_leave=True)


def test_an_ejection_ends_by_itself() -> None:
    member = _member()
    assert _fail(member, 0.0) == EJECTION_S_FIRST
    assert member.is_ejected(EJECTION_S_FIRST - 0.01)
    assert not member.is_good(EJECTION_S_FIRST - 0.01)
    assert not member.is_ejected(EJECTION_S_FIRST)
    assert member.is_good(EJECTION_S_FIRST)


def test_ejections_double_with_every_trial_that_fails_up_to_their_bound() -> None:
    member, now = _member(), 0.0
    seconds: list[float] = []
    for _ in range(7):
        seconds.append(_fail(member, now))
        now += seconds[-1]
    assert seconds == [1, 2, 4, 8, 16, EJECTION_S_MAX, EJECTION_S_MAX]


def test_many_connections_that_fail_at_once_count_as_one() -> None:
    member = _member()
    assert [_fail(member, 0.25 * number) for number in range(4)] == [1.0, 0.75, 0.5, 0.25]
    assert _fail(member, 1.0) == 2 * EJECTION_S_FIRST


def test_so_many_failures_in_a_row_as_the_settings_say_put_it_aside() -> None:
    member, ejection = _member(), Ejection(failures_max=3, first_s=5.0)
    assert [_fail(member, 0.0, ejection) for _ in range(2)] == [0.0, 0.0]
    member.succeeded(0.0)
    assert [_fail(member, 0.0, ejection) for _ in range(3)] == [0.0, 0.0, 5.0]
    assert _fail(member, 5.0, ejection) == 10.0


def test_one_that_may_not_leave_stays() -> None:
    member = _member()
    assert member.failed(0.0, Ejection(), may_leave=False) == 0.0
    assert member.is_good(0.0)


def test_a_success_forgets_failures() -> None:
    member = _member()
    _fail(member, 0.0)
    _fail(member, 1.0)
    member.succeeded(3.0)
    assert member.is_good(3.0)
    assert _fail(member, 4.0) == EJECTION_S_FIRST


def test_its_weight_grows_from_little_to_the_whole_after_it_returned() -> None:
    member = _member(weight=10)
    assert member.weight(0.0) == 10.0
    _fail(member, 0.0)
    member.succeeded(1.0)
    assert member.weight(1.0) == 10 * RAMP_SHARE_FIRST
    assert member.weight(1.0 + RAMP_S / 2) == 5.0
    assert member.weight(1.0 + RAMP_S) == 10.0
    assert member.weight(1.0) == 10.0, "what is over does not come back"


def test_one_that_never_failed_has_its_whole_weight_at_once() -> None:
    member = _member(weight=4)
    member.succeeded(0.0)
    assert member.weight(0.0) == 4.0


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (None, Ejection()),
        (PassiveHealth(), Ejection()),
        (PassiveHealth(failures_max=0), Ejection()),
        (PassiveHealth(interval_s=10.0, failures_max=5), Ejection(failures_max=5, first_s=10.0)),
        (PassiveHealth(interval_s=60.0), Ejection(first_s=60.0, most_s=60.0)),
        (PassiveHealth(interval_s=60.0, ejection_s=5.0), Ejection(first_s=5.0)),
        (PassiveHealth(ejected_percent_max=10, enforced_percent=0), Ejection(percent_max=10, enforced_percent=0)),
    ],
)
def test_settings_are_those_of_the_registration(health: PassiveHealth | None, expected: Ejection) -> None:
    assert ejection_of(health) == expected
