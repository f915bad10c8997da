"""Three servers change their version one after another under load: here from this one to this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BOUND_S = 230


@pytest.mark.slow
@pytest.mark.timeout(2 * BOUND_S)
def test_servers_change_their_version_one_by_one_and_nothing_is_lost(tmp_path: Path) -> None:
    wheel = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(wheel, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [built] = tmp_path.glob("*.whl")
    store = tmp_path / "store"
    flags = ("--net=loopback", "--workload=upgrade", "--nemesis=none", "--seconds=20", f"--from-wheel={built}")
    command = [sys.executable, "-m", "lictor_jepsen", "run", f"--store={store}", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)
    [results] = store.glob("*/results.json")
    findings = json.loads(results.read_text())["findings"]
    wrong = {name: found for name, found in findings.items() if found["verdict"] == "invalid"}
    assert not wrong, (wrong, ended.stdout)
    assert findings["upgraded"]["judged"] >= 1
    logs = [path.read_text() for path in results.parent.glob("n?.log")]
    assert any("former" in log or log.count("Log events follow") > 1 for log in logs), "somebody was started twice"
