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
    store.mkdir(exist_ok=True)
    planted = [f"--program={sys.executable} {PLANTED / launcher}"] if launcher else []
    command = [sys.executable, "-m", "lictor_jepsen", "run", f"--store={store}", *planted, *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)
    [folder] = store.iterdir()
    assert (folder / "results.json").exists(), ended.stdout + ended.stderr
    return msgspec.json.decode((folder / "results.json").read_bytes(), type=Told)


def _wrong(told: Told) -> list[str]:
    """What is invalid, or of what matters not known to be valid. On a busy machine too few operations may be judged."""
    sure = ("consistent", "default", "recovery", "faults")
    wrong = {name for name, found in told.findings.items() if found["verdict"] == "invalid"}
    return sorted(wrong | {name for name in sure if told.findings[name]["verdict"] != "valid"})


KILLED = ("--net=loopback", "--nodes=1", "--nemesis=kill-all", "--seconds=9", "--workload=append")


@pytest.mark.slow
@pytest.mark.timeout(5 * BOUND_S + 30)
def test_a_log_that_is_not_synced_loses_acknowledged_writes(tmp_path: Path) -> None:
    verdicts: list[object] = []
    for seed in (5, 6, 7, 8, 9):  # a busy machine may have written nothing just before the kill
        told = _run(tmp_path / str(seed), "lossy_disk.py --planted", *KILLED, f"--seed={seed}")
        verdicts.append(told.findings["consistent"]["verdict"])
        if verdicts[-1] == "invalid":
            return
    pytest.fail(f"the loss was never seen: {verdicts}")


@pytest.mark.slow
def test_a_log_that_is_synced_loses_nothing_on_the_same_disk(tmp_path: Path) -> None:
    told = _run(tmp_path, "lossy_disk.py", *KILLED, "--seed=5")
    assert _wrong(told) == [], told


LOCKS = ("--net=loopback", "--nodes=1", "--agents=2", "--nemesis=kill-agent", "--seconds=9", "--workload=lock")


@pytest.mark.slow
def test_a_lock_that_two_can_have_is_caught_through_agents(tmp_path: Path) -> None:
    told = _run(tmp_path, "open_locks.py", *LOCKS)
    assert told.findings["consistent"]["verdict"] == "invalid", told


@pytest.mark.slow
@pytest.mark.needs("unshare", "nsenter", "ip", "mount")
@pytest.mark.needs_root
def test_locks_through_agents_stay_valid_while_agents_are_killed_and_cut_from_servers(tmp_path: Path) -> None:
    told = _run(
        tmp_path, "", "--agents=3", "--nemesis=cut-agents,kill-agent", "--seconds=18", "--workload=lock", "--seed=3"
    )
    assert _wrong(told) == [], told


THREE = ("--net=loopback", "--nemesis=kill-leader", "--seconds=9", "--workload=register", "--seed=5")


@pytest.mark.slow
def test_default_reads_from_the_own_store_are_stale_while_consistent_ones_are_not(tmp_path: Path) -> None:
    told = _run(tmp_path, "local_reads.py", *THREE)
    assert told.findings["default"]["verdict"] == "invalid", told
    assert told.findings["consistent"]["verdict"] == "valid", told


@pytest.mark.slow
def test_three_servers_without_a_planted_bug_are_valid(tmp_path: Path) -> None:
    told = _run(tmp_path, "", *THREE)
    assert _wrong(told) == [], told


@pytest.mark.slow
@pytest.mark.needs("unshare", "nsenter", "ip", "mount")
@pytest.mark.needs_root
def test_three_servers_stay_valid_while_links_are_cut_and_a_disk_is_full(tmp_path: Path) -> None:
    told = _run(tmp_path, "", "--nemesis=partition-leader,disk-full", "--seconds=20", "--workload=cas", "--seed=3")
    assert _wrong(told) == [], told
    logs = "".join(path.read_text() for path in tmp_path.glob("*/n?.log"))
    assert "No space left on device" in logs, "a disk was full"
