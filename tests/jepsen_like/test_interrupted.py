"""A torture that is interrupted ends all that it has started, however often it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jepsen_like.living import is_there
from tests.support.conditions import wait_until

SERVER = """#!/bin/sh
echo $$ >> {pids}
trap '' INT TERM HUP
while true; do sleep 1; done
"""
"""One that serves nobody and heeds no signal but SIGKILL."""
ENDS_S_MAX = 40.0

ONCE, TWICE, OFTEN, TERMINATED = [signal.SIGINT], [signal.SIGINT] * 2, [signal.SIGINT] * 5, [signal.SIGTERM]


def _pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("command", ["run", "all"])
@pytest.mark.parametrize(
    "signals",
    [ONCE, TWICE, OFTEN, TERMINATED, [signal.SIGTERM, signal.SIGINT]],
    ids=["ctrl-c", "ctrl-c twice", "ctrl-c often", "sigterm", "sigterm and ctrl-c"],
)
def test_nothing_that_it_started_outlives_it(tmp_path: Path, command: str, signals: list[signal.Signals]) -> None:
    pids, server = tmp_path / "pids", tmp_path / "server"
    server.write_text(SERVER.format(pids=pids))
    server.chmod(0o755)
    words = [command, "--net=loopback", f"--program={server}", f"--store={tmp_path / 'store'}", "--seconds=20"]
    with subprocess.Popen(
        [sys.executable, "-m", "lictor_jepsen", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as torture:
        try:
            wait_until(lambda: len(_pids(pids)) >= 3, within_s=60, what="three servers")
            for number in signals:
                if torture.poll() is None:
                    os.killpg(torture.pid, number)  # as a terminal does: to all of its group
                _short_pause(torture)
            said, _ = torture.communicate(timeout=ENDS_S_MAX)
        finally:
            torture.kill()
    started = _pids(pids)
    wait_until(lambda: not any(map(is_there, started)), within_s=20, what="the end of all servers")
    assert (torture.returncode, "interrupted" in said, "Traceback" in said) == (2, True, False), said


def _short_pause(process: subprocess.Popen[str]) -> None:
    """Between two signals, or two of the same are one."""
    try:
        process.wait(0.3)
    except subprocess.TimeoutExpired:
        return
