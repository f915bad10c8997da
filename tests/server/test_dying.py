"""Servers killed at any step of an install start again, agree, and have all that was acknowledged."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lictor_server.raft.shelf import read_note
from tests.server.conftest import Log
from tests.server.dying import KEYS, SETTINGS
from tests.server.replicas import Replicas
from tests.support.conditions import eventually

STEPS_MIN = 12
"""Pieces, syncs, the note, the name, the emptied log and the note's end: an install has no fewer steps."""


def played(directory: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.server.dying", str(directory), str(kill_at)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_an_install_takes_some_steps(tmp_path: Path) -> None:
    ended = played(tmp_path, 0)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= STEPS_MIN


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, 28))
async def test_killed_at_any_step_of_an_install_nothing_acknowledged_is_lost(
    step: int, tmp_path: Path, log: Log
) -> None:
    ended = played(tmp_path, step)
    if ended.returncode == 0:
        assert step > STEPS_MIN, "the process was not killed"
        pytest.skip(f"the install was done in {ended.stdout.strip()} steps")
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    replicas = Replicas(tmp_path, SETTINGS)
    try:
        for name in ("n1", "n2", "n3"):
            replicas.start(name, log)
        leader = await replicas.leader()
        await leader.write(3, prefix="later")
        await replicas.level(within_s=20)
        third = replicas.up["n3"]
        assert sum(1 for _ in third.store.kv.entries()) == KEYS + 3
        await eventually(lambda: read_note(third.storage.snapshots) is None, what="the note's end")
        assert not third.failures
    finally:
        await replicas.stop_all()
