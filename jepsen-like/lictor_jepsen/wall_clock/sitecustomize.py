"""Moves the wall clock of the Python process that has this folder on its `PYTHONPATH`: the clock nemesis.

The file that `LICTOR_JEPSEN_CLOCK` names holds by how many seconds; `time.time` and `time.time_ns` add them. They are
what Lictor's `SystemClock` asks. Clocks that C code reads (the checks of certificates in OpenSSL) do not move, nor does
the monotonic clock, as when somebody sets the clock of a machine.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Final

_SECONDS: Final = struct.Struct("<d")


def _move_clock(path: Path) -> None:
    if not path.exists():
        path.write_bytes(_SECONDS.pack(0.0))
    with path.open("r+b") as file:
        offset = mmap.mmap(file.fileno(), _SECONDS.size)
    true_time, true_time_ns = time.time, time.time_ns  # noqa: TID251 what is asked before anything is added

    def moved() -> float:
        return true_time() + float(_SECONDS.unpack_from(offset)[0])

    def moved_ns() -> int:
        return true_time_ns() + int(_SECONDS.unpack_from(offset)[0] * 1e9)

    time.time = moved  # noqa: TID251 this is the clock that jumps
    time.time_ns = moved_ns


if "LICTOR_JEPSEN_CLOCK" in os.environ:
    _move_clock(Path(os.environ["LICTOR_JEPSEN_CLOCK"]))
