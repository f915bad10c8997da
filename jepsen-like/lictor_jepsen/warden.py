"""Ends what a run has started when the run itself cannot any more: it was killed, or interrupted more than once.

A process of its own, deaf to Ctrl-C, that hears of each process group as it is started, through a pipe. When the pipe
ends, for whatever reason, it kills those that are still there. A group is known by its id and by when its first process
began, so nobody else who has got such a number since is ever hit.

This file is also the program; it needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

__all__ = ["Warden"]

_END_S_MAX: Final = 5.0
"""How long it may take to kill all: some signals."""
_BEGAN: Final = 19
"""The place of a process's beginning in `/proc/<pid>/stat`, behind its name: `starttime` of proc(5)."""


class Warden:
    """The end of the pipe in the run. It begins with the first process that is started."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._close: Callable[[], object] | None = None

    def started(self, group: int) -> None:
        """A process was started, as the head of a group."""
        if self._process is None:
            command = [sys.executable, "-I", __file__]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
            self._close = weakref.finalize(self, _end, self._process)
        assert self._process.stdin is not None, "it is a pipe"
        with contextlib.suppress(BrokenPipeError):  # somebody killed it: there is nobody to tell
            os.write(self._process.stdin.fileno(), f"{group} {_began(group)}\n".encode())

    def close(self) -> None:
        """The run is over: what is left of the groups is killed."""
        if self._close is not None:
            self._close()
        self._process = self._close = None


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None, "it is a pipe"
    process.stdin.close()
    try:
        process.wait(_END_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _began(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty when there is no such process, or no way to know."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_BEGAN]


def _watch(lines: Iterable[str]) -> None:
    """Read to the end, then kill who is left."""
    groups: dict[int, str] = {}
    for line in lines:
        number, _, began = line.strip().partition(" ")
        groups[int(number)] = began
    for group, began in groups.items():
        if _began(group) in ("", began):  # as long as one of a group lives, nobody else gets its number
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _watch(sys.stdin)
