"""Programs under test as real processes: started with a deadline, logged, ended by process id, leaving nothing behind.

Every program gets a session (process group) of its own, so that what it starts ends with it and what other tests
started is never touched.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.nursery import Process, can_fork, fork

START_S_MAX = 90.0
"""How long a program may take until it is ready, on a machine that runs other tests at the same time."""

STOP_S_MAX = 30.0
"""How long a program may take to end after SIGTERM."""

_POLL_S = 0.02
_LOG_TAIL_BYTES = 4_000


class ProgramFailed(AssertionError):
    """A program did not start, did not get ready in time, or left something behind. The message ends with its log."""


@dataclass(eq=False)
class Program:
    """One started program and the file its output goes to."""

    name: str
    process: Process
    log_path: Path
    argv: tuple[str, ...]

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group as well."""
        return self.process.pid

    def log(self) -> str:
        """The program's standard output and standard error so far, as one text."""
        return self.log_path.read_text(errors="replace")

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = START_S_MAX) -> None:
        """Poll `condition` until it holds. Raises `ProgramFailed` when the program ends or `seconds` pass before."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                raise ProgramFailed(self._account(f"ended with {self.process.returncode} before {what}"))
            if time.monotonic() > deadline:
                raise ProgramFailed(self._account(f"did not reach within {seconds} s: {what}"))
            time.sleep(_POLL_S)

    def stop(self, seconds: float = STOP_S_MAX) -> int:
        """Send SIGTERM, wait, and return the exit code (negative: ended by that signal).

        Raises `ProgramFailed` when it has to be killed, or when a process of its group outlives it.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramFailed(self._account(f"still ran {seconds} s after SIGTERM")) from None
        if not _eventually(lambda: not _group_lives(self.pid), 2.0):
            self.kill()
            raise ProgramFailed(self._account("left processes behind when it ended"))
        return code

    def kill(self) -> None:
        """End the program and its process group at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(STOP_S_MAX)

    def _account(self, what: str) -> str:
        return f"{self.name} {what}\n  command: {' '.join(self.argv)}\n  its log ends:\n{self.log()[-_LOG_TAIL_BYTES:]}"


@contextlib.contextmanager
def running(
    name: str,
    argv: Sequence[str | Path],
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    ready: Callable[[], bool] | None = None,
    kill: bool = False,
    forks: bool = False,
) -> Generator[Program]:
    """Run `argv` in `directory` while the block runs, from the moment on that `ready` holds.

    The log goes to `<name>.log` in `directory`. `environment` is added to the one of the tests. Leaving the block
    stops the program; an error of the block is never hidden by one of stopping. `kill` ends it at once by SIGKILL, for
    programs of others whose orderly end is not our subject. `forks` lets `lictor` be a fork of the nursery, where
    how it starts is not our subject.
    """
    words = tuple(str(word) for word in argv)
    log_path = directory / f"{name}.log"
    with log_path.open("ab") as log:
        process = _started(words, directory, environment or {}, log, forks=forks)
    program = Program(name, process, log_path, words)
    end: Callable[[], object] = program.kill if kill else program.stop
    try:
        if ready is not None:
            program.wait_until(ready, "it was ready")
        yield program
    except BaseException:
        with contextlib.suppress(ProgramFailed):
            end()
        raise
    end()


def _started(
    words: Sequence[str], directory: Path, environment: Mapping[str, str], log: IO[bytes], *, forks: bool
) -> Process:
    whole = {**os.environ, **environment}
    if forks and can_fork(words, environment):
        with open(os.devnull, "rb") as nothing:
            return fork(words, directory, whole, (nothing, log, log), new_session=True)
    return subprocess.Popen(
        words,
        cwd=directory,
        env=whole,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _eventually(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _group_lives(group: int) -> bool:
    """Whether a process of the group runs. A zombie does not: its first process may never collect it."""
    return any(process_is_alive(pid) and _group_of(pid) == group for pid in _pids())


def process_is_alive(pid: int) -> bool:
    """Whether a process exists and has not ended (Linux: read from /proc)."""
    return _status(pid)[0] not in ("", "Z", "X")


def _group_of(pid: int) -> int:
    return int(_status(pid)[2] or -1)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _status(pid: int) -> tuple[str, str, str]:
    """State, parent and group of a process as /proc/PID/stat tells them (proc(5)); empty when it is gone."""
    try:
        # The name before them may hold spaces and parentheses.
        state, parent, group = (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return "", "", ""
    return state, parent, group
