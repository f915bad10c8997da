"""Log lines in files that are put aside by age and size, as `log_file` and `log_rotate_*` ask for.

Names are Consul's: `-log-file=/var/log/lictor/` writes `/var/log/lictor/consul-{nanoseconds}.log`, a new file each time
and no file renamed, so what collects `consul-*.log` finds them. Source: Consul's document `docs/agent/options`,
`-log-file`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

from lictor_agent.log import LogOutput
from lictor_config.tree import Log
from lictor_core.clock import Clock
from lictor_core.errors import ConfigurationError

__all__ = ["LogFile", "log_sinks"]

_PREFIX: Final = "consul-"
_MODE: Final = 0o640


@contextmanager
def log_sinks(log: Log, output: LogOutput, clock: Clock) -> Generator[None]:
    """Have the log of the process go also to a file and to syslog, as configured, while the block runs.

    Raises `ConfigurationError` when one of them cannot be had.
    """
    with ExitStack() as open_sinks:
        if log.file:
            file = LogFile(
                log.file,
                bytes_max=log.rotate_bytes,
                age_s_max=log.rotate_duration_s,
                files_max=log.rotate_max_files,
                clock=clock,
            )
            open_sinks.callback(file.close)
            output.add(file)
        if log.syslog:
            from lictor_agent.log_syslog import Syslog  # brings in what few agents need

            syslog = Syslog(log.syslog_facility)
            open_sinks.callback(syslog.close)
            output.add(syslog)
        yield


class LogFile:
    """A sink that writes lines to a file, and begins a new one when it is old or full.

    `files_max` is how many of the earlier files are kept: 0 all of them, below 0 none. A line that cannot be written is
    lost: a full disk must not end an agent.
    """

    def __init__(self, path: str, *, bytes_max: int, age_s_max: float, files_max: int, clock: Clock) -> None:
        """Open the first file. Raises `ConfigurationError` when that cannot be."""
        directory, _, name = path.rpartition("/")
        self._directory = Path(directory or ("/" if path.startswith("/") else "."))
        stem, suffix = os.path.splitext(name)
        self._stem, self._suffix = (f"{stem}-" if stem else _PREFIX), suffix or ".log"
        self._bytes_max = bytes_max
        self._age_s_max = age_s_max
        self._files_max = files_max
        self._clock = clock
        self._file: TextIO | None = None
        self._written = 0
        self._since = 0.0
        try:
            self._begin()
        except OSError as error:
            raise ConfigurationError(
                f"log_file: cannot write to {self._directory}: {error.strerror}; "
                "create the directory, or name one that this user may write to"
            ) from error

    def __call__(self, level: str, line: str) -> None:
        """Write one line."""
        with contextlib.suppress(OSError, ValueError):
            if self._is_over():
                self._begin()
            if self._file is not None:
                self._file.write(f"{line}\n")
                self._file.flush()
                self._written += len(line.encode("utf-8", "replace")) + 1

    def close(self) -> None:
        """Close the file; later lines are lost."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _is_over(self) -> bool:
        is_full = 0 < self._bytes_max <= self._written
        return self._file is not None and (is_full or self._clock.monotonic() - self._since >= self._age_s_max)

    def _begin(self) -> None:
        """A new file beside the earlier ones. Raises `OSError`, and then the earlier one goes on."""
        path = self._directory / f"{self._stem}{int(self._clock.now() * 1e9)}{self._suffix}"
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, _MODE)
        self.close()
        self._file = open(descriptor, "a", encoding="utf-8", errors="replace")  # noqa: SIM115 closed by `close`
        self._written, self._since = os.fstat(descriptor).st_size, self._clock.monotonic()
        self._prune(path.name)

    def _prune(self, current: str) -> None:
        if self._files_max == 0:
            return
        pattern = re.compile(rf"{re.escape(self._stem)}(\d+){re.escape(self._suffix)}")
        found = (pattern.fullmatch(name) for name in os.listdir(self._directory))
        earlier = sorted((int(match[1]), match[0]) for match in found if match is not None and match[0] != current)
        for _, name in earlier[: len(earlier) - max(self._files_max, 0)]:
            with contextlib.suppress(OSError):
                (self._directory / name).unlink()
