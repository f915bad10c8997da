from __future__ import annotations

import pytest

from lictor_core.authority import RootLife
from lictor_core.records import CARoot, JsonObject
from lictor_server import ca
from lictor_server.ca import succession
from lictor_server.ca.roots import make_root
from tests.server.ca.build import CLUSTER, NOW, root_and_key

DAY = 86_400.0
YEAR = 365 * DAY


def root(lifetime_s: float = 0.0) -> CARoot:
    return make_root(ca.new_key(), cluster_id=CLUSTER, serial=1, unique="x", now=NOW, lifetime_s=lifetime_s)


def due(config: JsonObject, *, lifetime_s: float = 0.0, given: bool = False) -> float | None:
    one = root(lifetime_s)
    life = RootLife(root_id=one.id, given=given)
    return succession.root_due_at(one, life, ca.read_settings("consul", config))


def test_root_is_due_the_rotation_period_before_its_end() -> None:
    assert due({"RotationPeriod": "240h"}, lifetime_s=YEAR) == NOW + YEAR - 10 * DAY


def test_root_is_due_long_enough_before_its_end_for_a_leaf() -> None:
    assert due({"RotationPeriod": "0s", "LeafCertTTL": "72h"}, lifetime_s=YEAR) == NOW + YEAR - 3 * DAY


def test_short_lived_root_is_due_at_half_of_its_life_at_the_earliest() -> None:
    assert due({"RotationPeriod": "2160h"}, lifetime_s=10 * DAY) == NOW + 5 * DAY


def test_root_that_rotates_is_due_after_the_rotation_period() -> None:
    assert due({"RotationPeriod": "2160h", "RotateRoot": True}) == NOW + 90 * DAY


def test_given_root_is_never_due() -> None:
    assert due({"RotationPeriod": "2160h", "RotateRoot": True}, given=True) is None


@pytest.mark.parametrize(("leaf_ttl_s", "vouched_s"), [(3600.0, 7 * DAY), (30 * DAY, 60 * DAY)])
def test_old_root_vouches_for_as_long_as_leaves_of_it_may_be_about(leaf_ttl_s: float, vouched_s: float) -> None:
    assert succession.cross_signed_s(leaf_ttl_s) == vouched_s


def test_intermediate_is_due_at_half_of_its_life() -> None:
    assert succession.signer_due_at(RootLife(root_id="aa", signer_begins=100, signer_ends=300)) == 200


def test_active_root_never_ends_by_its_leaves() -> None:
    one, _ = root_and_key()
    lives = {one.id: RootLife(root_id=one.id, leaves_until=1.0)}
    assert succession.ended([one], lives, NOW) == []
    assert succession.ended([succession.inactive(one)], lives, NOW) == [one.id]
    assert succession.ended([succession.inactive(one)], {}, NOW) == []
