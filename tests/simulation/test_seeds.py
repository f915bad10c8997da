"""Random runs: many seeds without a violation; the canary and the control are caught."""

from __future__ import annotations

import pytest

from tests.simulation.sim import run
from tests.simulation.voters import local_reads, stock

LOST = {"nobody stuck", "acknowledged is kept", "state machine safety", "log matching", "no voter ends itself"}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1, 301, 20))
def test_no_seed_breaks_an_invariant(first: int) -> None:
    reports = [run(seed, steps=2500) for seed in range(first, first + 20)]
    assert {report.seed: report.violations for report in reports if report.violations} == {}
    assert sum(report.acknowledged for report in reports) > 500
    assert sum(report.reads for report in reports) > 200
    assert sum(report.lease_reads for report in reports) > 100
    assert sum(report.stale_reads for report in reports) > 1000
    assert sum(report.changes for report in reports) > 5
    assert sum(report.transfers for report in reports) > 0


def test_a_seed_repeats() -> None:
    assert run(5, steps=1000) == run(5, steps=1000)


@pytest.mark.slow
def test_stock_pysyncobj_is_caught_though_its_disk_loses_nothing() -> None:
    found: set[str] = set()
    for seed in (7, 17):
        found |= run(seed, make=stock, write_through=True, fixed=True).violations.keys()
    assert found & LOST


@pytest.mark.slow
def test_local_reads_are_caught() -> None:
    for seed in range(1, 60):
        if "reads never stale" in run(seed, steps=2000, make=local_reads).violations:
            return
    pytest.fail("no stale read was seen in 59 seeds")
