"""What planted bugs of sessions, intentions and the CA are found in is valid without them, under faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jepsen_like.planted.hunt import BOUND_S, run, wrong

RUNS = {
    "sessions": ("--nemesis=kill-leader", "--seconds=12"),
    "intentions": ("--nemesis=kill-program,kill-agent", "--seconds=15", "--nodes=1"),
    "ca": ("--nemesis=kill-all", "--seconds=12", "--nodes=1"),
}


@pytest.mark.slow
@pytest.mark.timeout(BOUND_S + 30)
@pytest.mark.parametrize("workload", RUNS)
def test_without_a_bug_nothing_is_found(workload: str, tmp_path: Path) -> None:
    told, folder = run(tmp_path, "", f"--workload={workload}", "--net=loopback", "--seed=5", *RUNS[workload])
    assert wrong(told) == [], (told, folder)
