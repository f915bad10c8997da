"""The clock of C code, by libfaketime."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lictor_jepsen import clock
from lictor_jepsen.clock import lacks_libfaketime, libc_environment, set_libc_clock

needs_libfaketime = pytest.mark.skipif(
    bool(lacks_libfaketime()) and "LICTOR_REQUIRE_ALL" not in os.environ, reason="there is no libfaketime"
)
PROGRAM = """
import ctypes, sys, time
library = ctypes.CDLL(None)
library.time.restype = ctypes.c_long
for _ in sys.stdin:
    print(library.time(None), time.time(), time.monotonic(), flush=True)
"""


@needs_libfaketime
async def test_the_clock_of_c_code_jumps_while_it_runs_and_the_monotonic_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "n1.libc-clock"
    environment = {**os.environ, **libc_environment(path)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM), env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def ask() -> list[float]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        return [float(word) for word in (await process.stdout.readline()).split()]

    async def reads(low: float, high: float) -> list[float]:
        """What it says once the clock of C code is within these seconds of the truth."""
        async with asyncio.timeout(30):
            while True:
                said = await ask()
                if low < said[0] - true < high:
                    return said
                await asyncio.sleep(0.05)

    true = time.time()  # noqa: TID251 what the process must see at first
    began = await reads(-60, 60)
    set_libc_clock(path, 400 * 86_400.0)
    jumped = await reads(399 * 86_400, 401 * 86_400)
    assert abs(jumped[1] - jumped[0]) < 5, "Python's clock goes with it"
    assert 0 <= jumped[2] - began[2] < 60
    set_libc_clock(path, 0.0)
    await reads(-60, 60)
    process.stdin.close()
    await process.wait()


@needs_libfaketime
def test_a_process_sleeps_while_its_clock_is_off(tmp_path: Path) -> None:
    """Python's own way to sleep fails under libfaketime: threads that rest between pieces of work ended of it."""
    path = tmp_path / "n1.libc-clock"
    set_libc_clock(path, 86_400.0)
    code = "import time; began = time.monotonic(); time.sleep(0.05); print(time.monotonic() - began)"
    places = {"PYTHONPATH": str(clock.WALL_CLOCK)}
    environment = {**os.environ, **libc_environment(path), **places}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""
    assert float(ran.stdout) >= 0.05


def test_without_libfaketime_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_LIBRARIES", ("nowhere",))
    assert lacks_libfaketime() == "clocks of C code cannot be moved here: install libfaketime"
