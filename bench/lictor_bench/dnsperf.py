"""The load generator dnsperf: how it is called, and what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

__all__ = ["Load", "Shape", "load_told", "program", "run"]

_LOST_S: Final = 2
"""A question without an answer for so long counts as lost."""
_EXTRA_S_MAX: Final = 60
_COMPLETED: Final = re.compile(r"Queries completed:\s+(\d+)")
_LOST: Final = re.compile(r"Queries lost:\s+(\d+)")
_CODES: Final = re.compile(r"Response codes:\s+(.*)")
_SECONDS: Final = re.compile(r"Run time \(s\):\s+([0-9.]+)")
_SIZE: Final = re.compile(r"Average packet size:\s+request \d+, response (\d+)")
_DELAY: Final = re.compile(r"^> NOERROR .* ([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shape:
    """How is asked: `outstanding` questions on their way over `sockets`; `rate` a second, 0 as fast as answers come.

    `edns` says that 4096 bytes are taken. With `each` the delay of every answer is told, which slows the generator.
    """

    transport: Literal["udp", "tcp"] = "udp"
    outstanding: int = 100
    sockets: int = 4
    rate: int = 0
    edns: bool = False
    each: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What a run saw: answers and lost questions, their time, the mean size of an answer, delays in seconds, sorted."""

    answers: int
    lost: int
    seconds: float
    bytes_each: int
    delays_s: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def delay_s(self, part: float) -> float:
        """The delay that `part` of all answers (0.99, say) do not exceed. Needs a run with `each`."""
        return self.delays_s[min(len(self.delays_s) - 1, int(part * len(self.delays_s)))]


def program() -> str | None:
    """Where it is; None when it is missing."""
    return shutil.which("dnsperf")


def run(dnsperf: str, host: str, port: int, questions: Path, seconds: float, shape: Shape) -> Load:
    """Ask the `questions` of a file, a name and a type in each line, in turn. Raises `RuntimeError` as `load_told`."""
    command = [dnsperf, "-s", host, "-p", str(port), "-m", shape.transport, "-d", str(questions)]
    command += ["-l", str(seconds), "-t", str(_LOST_S), "-q", str(shape.outstanding), "-c", str(shape.sockets), "-W"]
    command += ["-Q", str(shape.rate)] if shape.rate else []
    command += ["-e"] if shape.edns else []
    command += ["-v"] if shape.each else []
    limit_s = seconds + _EXTRA_S_MAX
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit_s).stdout
    return load_told(output)


def load_told(output: str) -> Load:
    """The figures in what dnsperf printed. Raises `RuntimeError` when answers were errors: they say nothing."""
    completed, lost, seconds, size = (_found(what, output) for what in (_COMPLETED, _LOST, _SECONDS, _SIZE))
    codes = _CODES.search(output)
    if codes is None or not re.fullmatch(r"NOERROR \d+ \(100\.00%\)", codes[1].strip()):
        raise RuntimeError(f"answers were not all without error: {output[-1000:]}")
    delays = tuple(sorted(float(delay) for delay in _DELAY.findall(output)))
    return Load(int(completed), int(lost), seconds, int(size), delays)


def _found(what: re.Pattern[str], output: str) -> float:
    found = what.search(output)
    if found is None:
        raise RuntimeError(f"dnsperf did not say {what.pattern!r}: {output[-300:]}")
    return float(found[1])
