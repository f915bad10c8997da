"""How far long work is, for whoever watches a terminal: a line on stderr that is gone when the work is done.

Our own few lines: rich, which prints our tables, takes longer to load than most of what is watched here.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, TypeVar

__all__ = ["Meter", "metered", "reading", "render", "watched", "working"]

T = TypeVar("T")

_QUIET_S: Final = 0.5
"""Work that takes less shows nothing."""
_REDRAWN_S: Final = 0.1
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_SECONDS_PER_MINUTE: Final = 60
_CLEAR: Final = "\r\x1b[K"


def watched() -> bool:
    """Whether somebody looks at stderr. TERM=dumb cannot take a line back; there is no colour for NO_COLOR to take."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def render(what: str, done: int, total: int | None, elapsed_s: float, *, counts_bytes: bool) -> str:
    """One line: what is done, how much of it, how fast, and how long it will take."""
    shown = _amount(done, counts_bytes=counts_bytes)
    parts = [what]
    if not total:
        parts += [shown] if done else []
    else:
        parts.append(f"{shown} of {_amount(total, counts_bytes=counts_bytes)}, {100 * min(done / total, 1):.0f} %")
    rate = done / elapsed_s if elapsed_s > 0 else 0.0
    if rate:
        parts.append(f"{_amount(round(rate), counts_bytes=counts_bytes)}/s")
    if total and 0 < done < total and rate:
        parts.append(f"{_time((total - done) / rate)} left")
    elif not total:
        parts.append(_time(elapsed_s))
    return "  ".join(parts)


class Meter:
    """Counts work and shows the count. `total` may be told later; `add` may be called from any one thread."""

    def __init__(self, what: str, total: int | None = None, *, counts_bytes: bool = True) -> None:
        self.total = total
        self._what = what
        self._counts_bytes = counts_bytes
        self._done = 0
        self._began = time.monotonic()
        self._drawn_at = self._began + _QUIET_S - _REDRAWN_S
        self._is_drawn = False

    def add(self, count: int) -> None:
        """So much more is done."""
        self._done += count
        self.draw()

    def draw(self) -> None:
        """Show the line, if it is time to."""
        now = time.monotonic()
        if now - self._drawn_at < _REDRAWN_S:
            return
        self._drawn_at, self._is_drawn = now, True
        line = render(self._what, self._done, self.total, now - self._began, counts_bytes=self._counts_bytes)
        width = shutil.get_terminal_size((80, 24)).columns - 1
        sys.stderr.write(f"{_CLEAR}{line[:width]}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_drawn:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


@contextmanager
def working(what: str) -> Generator[Meter | None]:
    """Show that work goes on while the block runs, also while nothing is counted; None where nobody looks."""
    if not watched():
        yield None
        return
    meter, ended = Meter(what), threading.Event()

    def tick() -> None:
        while not ended.wait(_REDRAWN_S):
            meter.draw()

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield meter
    finally:
        ended.set()
        thread.join()
        meter.clear()


def metered(things: Iterable[T], count: int, what: str) -> Iterator[T]:
    """The same things, counted where somebody looks. Where stdout is a terminal, too, what is printed there tells."""
    if not watched() or sys.stdout.isatty():
        yield from things
        return
    meter = Meter(what, count, counts_bytes=False)
    try:
        for thing in things:
            yield thing
            meter.add(1)
    finally:
        meter.clear()


@contextmanager
def reading(file: BinaryIO, size: int, what: str) -> Generator[BinaryIO]:
    """The same file, its bytes counted as they are read, where somebody looks."""
    if not watched():
        yield file
        return
    meter = Meter(what, size)
    try:
        yield _Counted(file, meter)  # type: ignore[misc]  # pyright: ignore[reportReturnType] it is only read
    finally:
        meter.clear()


class _Counted:
    """As much of a file as whoever decompresses one asks for."""

    def __init__(self, file: BinaryIO, meter: Meter) -> None:
        self._file = file
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        """Read, and count what was read."""
        data = self._file.read(size)
        self._meter.add(len(data))
        return data


def _amount(number: int, *, counts_bytes: bool) -> str:
    if not counts_bytes:
        return str(number)
    value, unit = float(number), _UNITS[0]
    for unit in _UNITS:
        if value < _STEP or unit == _UNITS[-1]:
            break
        value /= _STEP
    return f"{value:.0f} {unit}" if unit == _UNITS[0] else f"{value:.1f} {unit}"


def _time(seconds: float) -> str:
    whole = round(seconds)
    minutes, rest = divmod(whole, _SECONDS_PER_MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{whole} s"
