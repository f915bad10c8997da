"""Moves the wall clock of the Python process that has this folder on its `PYTHONPATH`: the clock nemesis.

The file that `LICTOR_JEPSEN_CLOCK` names holds by how many seconds, by how many more in each second (`drift`), and
since which moment of the monotonic clock; `time.time` and `time.time_ns` add them. They are what Lictor's `SystemClock`
asks. Clocks that C code reads (the checks of certificates in OpenSSL) do not move, nor does the monotonic clock, as
when somebody sets the clock of a machine.
"""

from __future__ import annotations

import mmap
import os
import select
import struct
import time
from pathlib import Path
from typing import Final, SupportsIndex

_SETTING: Final = struct.Struct("<QdddQ")
"""The number of the setting, twice: when they differ it is just being written, and is read again."""


def _move_clock(path: Path) -> None:
    if not path.exists():
        path.write_bytes(_SETTING.pack(0, 0.0, 0.0, 0.0, 0))
    with path.open("r+b") as file:
        setting = mmap.mmap(file.fileno(), _SETTING.size)
    true_time, true_time_ns, monotonic = time.time, time.time_ns, time.monotonic  # noqa: TID251 what is asked before anything is added

    def off() -> float:
        while True:
            number, seconds, drift, since, again = _SETTING.unpack_from(setting)
            if number == again:
                return float(seconds) + float(drift) * (monotonic() - float(since) if drift else 0.0)

    def moved() -> float:
        return true_time() + off()

    def moved_ns() -> int:
        return true_time_ns() + int(off() * 1e9)

    time.time = moved  # noqa: TID251 this is the clock that jumps
    time.time_ns = moved_ns


def _sleep_by_select() -> None:
    """Under libfaketime the call by which Python sleeps fails (`clock_nanosleep` until a moment: EINVAL)."""

    def sleep(seconds: float | SupportsIndex, /) -> None:
        wait_s = float(seconds)
        if wait_s < 0:
            raise ValueError("sleep length must be non-negative")
        select.select((), (), (), wait_s)

    time.sleep = sleep


if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    _sleep_by_select()
if "LICTOR_JEPSEN_CLOCK" in os.environ:
    _move_clock(Path(os.environ["LICTOR_JEPSEN_CLOCK"]))
