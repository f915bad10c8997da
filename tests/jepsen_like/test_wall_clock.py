"""The clock nemesis moves the wall clock of a process while it runs, and no other clock."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lictor_jepsen.clock import WALL_CLOCK, set_wall_clock

PROGRAM = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.time_ns(), time.monotonic(), flush=True)
"""


@contextmanager
def _asking(path: Path) -> Generator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(WALL_CLOCK), "LICTOR_JEPSEN_CLOCK": str(path)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _ask(process: subprocess.Popen[str]) -> tuple[float, float, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    wall, wall_ns, monotonic = process.stdout.readline().split()
    return float(wall), int(wall_ns) / 1e9, float(monotonic)


def test_a_running_process_sees_its_wall_clock_jump_and_its_monotonic_clock_go_on(tmp_path: Path) -> None:
    path = tmp_path / "n1.clock"
    with _asking(path) as process:
        before = _ask(process)
        set_wall_clock(path, -86_400.0, 0.0, time.monotonic())
        after = _ask(process)
    true = time.time()  # noqa: TID251 what the process must have seen at first
    assert abs(before[0] - true) < 60
    assert abs(before[0] - 86_400 - after[0]) < 60
    assert abs(after[1] - after[0]) < 1
    assert 0 <= after[2] - before[2] < 60


def test_a_clock_that_drifts_is_off_by_its_share_of_the_time_since_it_began_to(tmp_path: Path) -> None:
    path = tmp_path / "n1.clock"
    with _asking(path) as process:
        _ask(process)
        set_wall_clock(path, 100.0, 0.5, time.monotonic() - 1000.0)
        fast = _ask(process)
        set_wall_clock(path, 0.0, -0.5, time.monotonic() - 1000.0)
        slow = _ask(process)
    true = time.time()  # noqa: TID251 what the process must have seen without a drift
    assert abs(fast[0] - (true + 600)) < 60
    assert abs(fast[1] - (true + 600)) < 60
    assert abs(slow[0] - (true - 500)) < 60


def test_a_clock_that_goes_slow_never_goes_backwards(tmp_path: Path) -> None:
    path = tmp_path / "n1.clock"
    with _asking(path) as process:
        _ask(process)
        set_wall_clock(path, 0.0, -0.5, time.monotonic())
        seen = [_ask(process)[0] for _ in range(200)]
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]


def test_a_setting_that_is_half_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "n1.clock"
    with _asking(path) as process:
        _ask(process)
        with path.open("r+b") as file:
            file.write(struct.pack("<QdddQ", 8, 1e6, 0.0, 0.0, 7))
        timer = threading.Timer(0.3, set_wall_clock, (path, 3600.0, 0.0, time.monotonic()))
        timer.start()
        asked = _ask(process)[0]
        timer.join()
    true = time.time()  # noqa: TID251 what the process must have seen without the jump
    assert abs(asked - (true + 3600)) < 60
