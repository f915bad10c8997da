"""The clock nemesis moves the wall clock of a process while it runs, and no other clock."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

from lictor_jepsen.db import WALL_CLOCK

PROGRAM = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.time_ns(), time.monotonic(), flush=True)
"""


def _ask(process: subprocess.Popen[str]) -> tuple[float, float, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    wall, wall_ns, monotonic = process.stdout.readline().split()
    return float(wall), int(wall_ns) / 1e9, float(monotonic)


def test_a_running_process_sees_its_wall_clock_jump_and_its_monotonic_clock_go_on(tmp_path: Path) -> None:
    path = tmp_path / "n1.clock"
    environment = {**os.environ, "PYTHONPATH": str(WALL_CLOCK), "LICTOR_JEPSEN_CLOCK": str(path)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        before = _ask(process)
        with path.open("r+b") as file:
            file.write(struct.pack("<d", -86_400.0))
        after = _ask(process)
        assert process.stdin is not None
        process.stdin.close()
    true = time.time()  # noqa: TID251 what the process must have seen at first
    assert abs(before[0] - true) < 60
    assert abs(before[0] - 86_400 - after[0]) < 60
    assert abs(after[1] - after[0]) < 1
    assert 0 <= after[2] - before[2] < 60
