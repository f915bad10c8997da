"""When certificates are renewed."""

from __future__ import annotations

from lictor_agent.renewal import EARLIEST, LATEST, renewal_s
from lictor_core.clock import SeededRng


def test_certificates_that_were_signed_together_are_due_apart_in_the_middle_of_their_life() -> None:
    rng = SeededRng(1)
    due = [renewal_s(100.0, 1100.0, rng) for _ in range(200)]
    assert 1000 * EARLIEST <= min(due) < max(due) <= 1000 * LATEST
    assert len(set(due)) == len(due)
