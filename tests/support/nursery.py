"""`lictor` without the second it takes to load: forks of a process that has loaded it, a nursery per process of tests.

What a fork does is what a program that was started does, as a process, in a session and with streams of its own; only
the loading of modules is not done again. How a process starts is therefore no subject for it: tests of that start
the program itself, and `LICTOR_TESTS_START=1` makes all others do so too.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from tests.support.nursery_process import ENDED, READY, STARTED, TOLD

__all__ = ["PROCESS_LEVEL", "PROGRAM", "Fork", "Process", "can_fork", "fork", "load", "run"]

PROCESS_LEVEL = ("LD_", "PYTHON", "MALLOC_", "GLIBC_", "FAKETIME")
"""Variables with these beginnings are read before any module: a fork would not see them."""

_START = "LICTOR_TESTS_START"
PROGRAM = Path(sys.executable).parent / "lictor"
"""What is forked instead of started."""
_STARTED_S_MAX = 60.0
_ROOT = Path(__file__).resolve().parents[2]

_File: TypeAlias = int | IO[bytes]


class Process(Protocol):
    """What tests need of a process that they started; `subprocess.Popen` has it too."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; None as long as nobody has seen it end."""
        ...

    def poll(self) -> int | None:
        """The same, looked up."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """The same, waited for. Raises `subprocess.TimeoutExpired`."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send a signal to it, unless it has ended."""
        ...


class Fork:
    """A process that became `lictor`."""

    def __init__(self, words: Sequence[str], status: socket.socket) -> None:
        self._words = list(words)
        self._status = status
        self.returncode: int | None = None
        self.pid = self._told(STARTED, _STARTED_S_MAX)

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(self._told(ENDED, timeout))
            self._status.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def _told(self, kind: bytes, timeout: float | None) -> int:
        poll = select.poll()
        poll.register(self._status, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired(self._words, timeout or 0.0)
        told = self._status.recv(struct.calcsize(TOLD))
        assert told[:1] == kind, f"the nursery lost {' '.join(self._words)}: {told!r} is told of it"
        return int(struct.unpack(TOLD, told)[1])


def can_fork(words: Sequence[str], environment: Mapping[str, str] | None = None) -> bool:
    """Whether a fork does what starting `words` with these additions to the environment would."""
    apart = any(name.startswith(PROCESS_LEVEL) for name in environment or {})
    return words[0] == str(PROGRAM) and not apart and _START not in os.environ


def load() -> None:
    """Have the nursery ready for several threads that will ask for forks."""
    _nursery(os.getpid())


def fork(
    words: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    streams: tuple[_File, _File, _File],
    *,
    new_session: bool = False,
) -> Fork:
    """Let a process of the nursery become what `words` would start."""
    order = {"words": list(words), "directory": str(directory), "environment": dict(environment), "apart": new_session}
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as paper, theirs:
        paper.write(json.dumps(order).encode())
        paper.flush()
        files = [paper.fileno(), theirs.fileno()]
        files += [one if isinstance(one, int) else one.fileno() for one in streams]
        socket.send_fds(_nursery(os.getpid()), [b"!"], files)
    return Fork(words, ours)


def run(
    words: Sequence[str], directory: Path, environment: Mapping[str, str], text: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` does with `text` as input, its output captured. Raises `subprocess.TimeoutExpired`."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        given.write(text)
        given.seek(0)
        deadline = time.monotonic() + seconds
        process = fork(words, directory, environment, (given, out, errors))
        try:
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        for file in (out, errors):
            file.seek(0)
        return subprocess.CompletedProcess(list(words), code, out.read(), errors.read())


@cache
def _nursery(process: int) -> socket.socket:
    """The way to the nursery of this process, whose id keeps a fork of the tests from using its parent's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-m", "tests.support.nursery_process", str(theirs.fileno()), str(PROGRAM)]
    started = subprocess.Popen(argv, cwd=_ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    ours.settimeout(_STARTED_S_MAX)
    assert ours.recv(1) == READY, "the nursery did not load"

    def end() -> None:
        if os.getpid() == process:
            ours.close()
            started.wait(10)

    atexit.register(end)
    return ours
