"""The files by which the wall clocks of processes are moved while they run, and who reads them.

Two ways, for a process may ask the time in two ways. `wall_clock/sitecustomize.py` moves what Python code asks; it
jumps and drifts. `libfaketime`, where it is installed, moves what any code asks through the C library, such as OpenSSL
when it judges a certificate; it jumps. Neither moves the monotonic clock, nor a program that asks the kernel past the C
library, as those in Go do. Times that both move are moved by the sum.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["WALL_CLOCK", "lacks_libfaketime", "libc_environment", "set_libc_clock", "set_wall_clock"]

WALL_CLOCK: Final = Path(__file__).parent / "wall_clock"
"""The folder whose `sitecustomize` moves the wall clock of a Python process."""
_SETTING: Final = struct.Struct("<QdddQ")
"""As `sitecustomize` reads it: seconds, more of them each second, since when; around them its number, twice."""
_LIBRARIES: Final = ("*-linux-gnu*/faketime/libfaketimeMT.so.1", "faketime/libfaketimeMT.so.1")
"""Where distributions put it, below /usr/lib and /usr/lib64."""
_CACHED_S: Final = 1
"""How long libfaketime may go by what it read last: it would read its file for every question otherwise."""


def set_wall_clock(path: Path, seconds: float, drift: float, now_s: float) -> None:
    """From now on, by the monotonic clock, the clock is off by `seconds`, and by `drift` more each second."""
    before = path.read_bytes() if path.exists() else b""
    number = (_SETTING.unpack(before)[0] if len(before) == _SETTING.size else 0) + 1
    with path.open("r+b" if before else "wb") as file:  # in place: the process has the file mapped
        file.write(_SETTING.pack(number, seconds, drift, now_s, number))


def lacks_libfaketime() -> str:
    """Why the clock of C code cannot be moved; empty when it can."""
    return "" if _library() else "clocks of C code cannot be moved here: install libfaketime"


def libc_environment(path: Path) -> Mapping[str, str]:
    """What a process needs in its environment to go by that file; made when it is not there."""
    if not path.exists():
        set_libc_clock(path, 0.0)
    return {
        "LD_PRELOAD": str(_library()),
        "FAKETIME_TIMESTAMP_FILE": str(path),
        "FAKETIME_CACHE_DURATION": str(_CACHED_S),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def set_libc_clock(path: Path, seconds: float) -> None:
    """From now on, or a second later, the clock of all code of the process is off by `seconds`."""
    whole = path.with_name(path.name + ".new")
    whole.write_text(f"{seconds:+f}\n")
    whole.replace(path)  # it is read by its name again and again, and must never be found empty


def _library() -> Path | None:
    places = (place for root in ("/usr/lib", "/usr/lib64") for name in _LIBRARIES for place in Path(root).glob(name))
    return next(places, None)
