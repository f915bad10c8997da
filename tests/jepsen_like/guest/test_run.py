"""Stays in a cluster that the test started: with a token, over TLS; good, broken, paused, and cut short."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.jepsen_like.guest.host import GUEST, LICTOR, Host, hosting, lictor

PLANTED = Path(__file__).parents[1] / "planted"
CUT_S_MAX = 60.0
pytestmark = pytest.mark.slow


def _torture(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return lictor(folder, "torture", "--cluster=cluster.toml", "--store=store", *words)


def _runs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "store").iterdir() if path.is_dir())


def _results(run: Path) -> dict[str, dict[str, dict[str, object]]]:
    told: dict[str, dict[str, dict[str, object]]] = json.loads((run / "results.json").read_text())
    return told


def _invalid(run: Path) -> set[str]:
    return {name for name, found in _results(run)["findings"].items() if found["verdict"] == "invalid"}


@pytest.mark.timeout(240)
def test_a_stay_is_judged_leaves_nothing_behind_and_keeps_the_token_to_itself(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        words = ("--seconds=9", "--workload=lock", "--seed=2")
        dry = _torture(tmp_path, *words, "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert "kill -STOP" in dry.stdout
        assert not (tmp_path / "store").exists(), "a dry run does nothing"
        refused = _torture(tmp_path, *words)
        assert refused.returncode == 1, "nobody said yes"
        assert not (tmp_path / "store").exists()
        ended = _torture(tmp_path, *words, "--yes")
        [run] = _runs(tmp_path)
        results = _results(run)
        assert not _invalid(run), (ended.stdout, ended.stderr)
        assert results["findings"]["faults"]["verdict"] == "valid", results["findings"]
        assert results["findings"]["left"] == {"verdict": "valid", "judged": 2, "problems": []}
        assert int(str(results["counts"]["acquire"]["ok"])) > 0
        assert host.left() == {}
        assert all(GUEST not in path.read_text() for path in run.iterdir() if path.is_file())
        os.kill(host.process.pid, 0)


@pytest.mark.timeout(300)
def test_each_workload_with_traces_of_its_own_takes_them_away(tmp_path: Path) -> None:
    workloads = ("txn", "blocking", "sessions", "catalog", "names")
    with hosting(tmp_path) as host:
        flags = ("--seconds=5", "--rate=100", "--threads=4", "--nemesis=none", "--yes")
        ended = _torture(tmp_path, f"--workload={','.join(workloads)}", *flags)
        runs = {str(_results(run)["settings"]["workload"]): run for run in _runs(tmp_path)}
        assert set(runs) == set(workloads), (ended.stdout, ended.stderr)
        for run in runs.values():
            assert not _invalid(run), (run.name, ended.stdout)
            findings = _results(run)["findings"]
            verdicts = {name: findings[name]["verdict"] for name in ("access", "left", "recovery")}
            assert set(verdicts.values()) == {"valid"}, (run.name, findings)
            checked = lictor(tmp_path, "torture", "check", str(run))
            assert "invalid" not in checked.stdout, checked.stdout
        assert host.left() == {}


@pytest.mark.timeout(240)
def test_a_broken_cluster_is_found_by_a_guest_who_leaves_nothing_there(tmp_path: Path) -> None:
    with hosting(tmp_path, (sys.executable, str(PLANTED / "half_done.py"))) as host:
        flags = ("--seconds=9", "--rate=150", "--nemesis=none", "--seed=2", "--yes")
        ended = _torture(tmp_path, "--workload=txn", *flags)
        [run] = _runs(tmp_path)
        assert ended.returncode == 1, (ended.stdout, ended.stderr)
        assert "consistent" in _invalid(run)
        assert host.left() == {}


def _interrupted(host: Host, number: signal.Signals, workload: str, key: str) -> tuple[int, str]:
    """Start a long run, and interrupt it while a fault is at work and something is there; its end and its words."""
    words = ("torture", "--cluster=cluster.toml", "--store=store", "--yes", "--seconds=600", f"--workload={workload}")
    process = subprocess.Popen(
        [str(LICTOR), *words], cwd=host.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        ends = time.monotonic() + CUT_S_MAX
        while not (host.folder / "paused").exists() or not host.left().get(key):
            assert time.monotonic() < ends, "no fault began"
            time.sleep(0.1)  # it is looked again, until the fault has begun
        process.send_signal(number)
        time.sleep(0.5)  # a second word comes while it takes away what was made
        process.send_signal(number)
        said, _ = process.communicate(timeout=CUT_S_MAX)
    finally:
        process.kill()
        process.wait(20)
    return process.returncode, said


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("number", "workload", "key"), [(signal.SIGINT, "catalog", "services"), (signal.SIGTERM, "sessions", "sessions")]
)
def test_an_interrupt_ends_faults_takes_all_away_and_tells_what_was_seen(
    tmp_path: Path, number: signal.Signals, workload: str, key: str
) -> None:
    with hosting(tmp_path) as host:
        host.faults("touch paused", "rm paused")
        code, said = _interrupted(host, number, workload, key)
        assert not (tmp_path / "paused").exists(), "what was begun is ended"
        assert host.left() == {}
    [run] = _runs(tmp_path)
    assert code == 2, said
    assert "interrupted: what was begun is ended" in said
    findings = _results(run)["findings"]
    assert findings["interrupted"]["verdict"] == "unknown"
    assert findings["left"]["verdict"] == "valid"
    assert not _invalid(run), said
    assert (run / "timeline.html").exists()


@pytest.mark.timeout(240)
def test_what_could_not_be_ended_or_taken_away_is_named_and_never_green(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        host.faults("kill -9 $(cat s1.pid)", "exit 3")
        ended = _torture(tmp_path, "--seconds=12", "--workload=lock", "--patience=2", "--yes")
    [run] = _runs(tmp_path)
    assert ended.returncode != 0
    left = _results(run)["findings"]["left"]
    assert left["verdict"] == "unknown"
    prefix = f"jepsen/staging-lock-1-{'-'.join(run.name.split('-')[:2])}/"
    named = (f"the {what} {prefix} could not be taken away" for what in ("sessions named", "keys below"))
    for said in ("failed with exit code 3", *named):
        assert said in str(left["problems"])


def test_a_token_that_may_not_write_is_unknown_and_never_green_and_told_at_once(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        (tmp_path / "token").write_text("8f8a2d1e-0000-4000-8000-000000000009")
        began = time.monotonic()
        ended = _torture(tmp_path, "--seconds=3", "--nemesis=none", "--yes")
        took_s = time.monotonic() - began
        assert ended.returncode == 2
        assert "s1 does not let this token write and read keys: 403 ACL not found" in ended.stdout
        assert host.left() == {}
    assert took_s < 30, "less than the patience of a minute, on a loaded host too"


def test_who_does_not_serve_within_the_patience_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "cluster.toml").write_text('[[server]]\nname = "s1"\nhttp = "http://127.0.0.1:1"\n')
    ended = _torture(tmp_path, "--seconds=3", "--nemesis=none", "--yes", "--patience=1")
    assert ended.returncode == 2
    assert "s1 did not write and read keys within 1 s" in ended.stdout
