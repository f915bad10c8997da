"""Random runs without a violation; planted mistakes that are caught."""

from __future__ import annotations

import pytest

from tests.simulation_state.world import Apply, deaf, forgetful, run

SEEDS_MAX = 20


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 41, 10))
def test_no_seed_breaks_a_law(first: int) -> None:
    reports = [run(seed) for seed in range(first, first + 10)]
    assert {report.seed: report.violations for report in reports if report.violations} == {}
    assert sum(report.applied for report in reports) > 1000
    assert sum(report.refused for report in reports) > 20
    assert sum(report.starts for report in reports) > 20
    assert sum(report.moves for report in reports) > 20


def test_a_seed_repeats() -> None:
    assert run(5, steps=60) == run(5, steps=60)


@pytest.mark.slow
@pytest.mark.parametrize(("mistake", "law"), [(forgetful, "requests are done once"), (deaf, "who waits is woken")])
def test_a_planted_mistake_is_caught(mistake: Apply, law: str) -> None:
    assert any(law in run(seed, apply_to=mistake).violations for seed in range(1, SEEDS_MAX))
