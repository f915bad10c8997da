"""A planted bug must be caught, and what differs from it by nothing but the bug must pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

PLANTED = Path(__file__).parent / "planted"
BOUND_S = 110


class Told(msgspec.Struct):
    """What `results.json` says."""

    verdict: str
    findings: dict[str, dict[str, object]]


def _run(store: Path, launcher: str, *flags: str) -> Told:
    program = f"{sys.executable} {PLANTED / launcher}"
    command = [sys.executable, "-m", "lictor_jepsen", "run", f"--store={store}", f"--program={program}", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)
    [folder] = store.iterdir()
    assert (folder / "results.json").exists(), ended.stdout + ended.stderr
    return msgspec.json.decode((folder / "results.json").read_bytes(), type=Told)


KILLED = ("--net=loopback", "--nodes=1", "--nemesis=kill-all", "--seconds=9", "--workload=append", "--seed=5")


@pytest.mark.slow
def test_a_log_that_is_not_synced_loses_acknowledged_writes(tmp_path: Path) -> None:
    told = _run(tmp_path, "lossy_disk.py --planted", *KILLED)
    assert told.findings["consistent"]["verdict"] == "invalid", told


@pytest.mark.slow
def test_a_log_that_is_synced_loses_nothing_on_the_same_disk(tmp_path: Path) -> None:
    told = _run(tmp_path, "lossy_disk.py", *KILLED)
    assert told.verdict == "valid", told
