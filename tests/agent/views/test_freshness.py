"""Ages by ticks."""

from __future__ import annotations

import math

from lictor_agent.views.freshness import Freshness
from lictor_core.feed import Tick


def tick(*, contact_ms: int = 0, known_leader: bool = True) -> Tick:
    return Tick("c1", 9, contact_ms, known_leader)


def test_a_server_that_was_just_heard_and_knows_a_leader_is_current() -> None:
    freshness = Freshness(2.5)
    assert not freshness.is_fresh(0)
    assert math.isinf(freshness.age_s(0))
    freshness.note(tick(contact_ms=100), 10.0)
    assert freshness.is_fresh(12.0)
    assert freshness.age_s(12.0) == 0


def test_silence_and_a_server_without_a_leader_make_old() -> None:
    freshness = Freshness(2.5)
    freshness.note(tick(contact_ms=100), 10.0)
    assert freshness.age_s(13.0) == 3.1
    freshness.note(tick(contact_ms=4000, known_leader=False), 13.0)
    assert freshness.age_s(13.0) == 4.0
    freshness.note(tick(), 14.0)
    freshness.note_lost()
    assert (freshness.age_s(14.5), freshness.known_leader) == (0.5, False)
