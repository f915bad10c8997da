"""Many runs in a few lines."""

from __future__ import annotations

from lictor_jepsen.checker import Verdict
from lictor_jepsen.report.tally import outage_lines, runs_table
from lictor_jepsen.store import Kept
from tests.jepsen_like.report.build import RESULTS, SETTINGS

LATER = RESULTS._replace(verdict=Verdict.VALID, settings={**SETTINGS, "seed": 9, "seconds": 51.0})
RUNS = [
    Kept("a", Verdict.INVALID, RESULTS),
    Kept("b", Verdict.VALID, LATER),
    Kept("c", Verdict.VALID, LATER._replace(settings={**SETTINGS, "workload": "lock"})),
    Kept("d", Verdict.UNKNOWN, None),
]


def test_runs_are_summed_up_by_workload_and_in_all() -> None:
    rows = runs_table(RUNS).splitlines()
    assert "| lictor | `register` | 2 | 7, 9 | 1.0 | 6 | 2 | 1 invalid, 1 valid | invalid |" in rows
    assert "| lictor | `lock` | 1 | 7 | 0.1 | 3 | 1 | 1 valid | valid |" in rows
    assert rows[-1] == "| all |  | 4 | 7, 9 | 1.1 | 9 | 3 | 1 invalid, 1 unknown, 2 valid | invalid |"


def test_a_run_that_was_cut_short_is_unknown_and_not_forgotten() -> None:
    assert "|  | `cut short` | 1 |  | 0.0 | 0 | 0 | 1 unknown | unknown |" in runs_table(RUNS)
    assert runs_table(RUNS[3:]).splitlines()[-1].endswith("unknown |")


def test_outages_are_told_by_fault() -> None:
    [line] = outage_lines(RUNS)
    assert line == ("kill-one: 3 times, a change after 0.77 s (median), 0.77 s (worst); longest without one 0.90 s")
