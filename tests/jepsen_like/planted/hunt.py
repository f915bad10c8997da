"""A run against a planted bug, and what it told: found or missed, and after how many seconds.

The runs are processes of their own, as a user starts them; what they told is read from the folder that they leave.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tests.jepsen_like.planted.table import Bug

__all__ = ["BOUND_S", "Found", "Hunted", "Told", "Wrong", "first_wrong_s", "hunt", "run", "wrong"]

_HERE: Final = Path(__file__).parent
_AROUND_S: Final = 240.0
"""What the start, the recovery and the verdict of a run may take beside its load, on a busy machine."""
BOUND_S: Final = 270.0
"""Until when a run of a usual length has ended, or is ended."""
_SURE: Final = ("consistent", "default", "recovery", "faults")
"""What a run without a bug must know to be valid, where it judges it; the rest must only not be invalid."""


class Wrong(msgspec.Struct):
    """A problem, as `results.json` has it."""

    text: str
    lines: list[int] = []


class Found(msgspec.Struct):
    """A finding, as `results.json` has it."""

    verdict: str
    problems: list[Wrong] = []


class Told(msgspec.Struct):
    """What is read of `results.json`."""

    verdict: str
    findings: dict[str, Found]


class _Line(msgspec.Struct):
    """What is needed of a line of a history."""

    time_ms: float


class Hunted(NamedTuple):
    """How one run went."""

    bug: str
    seed: int
    found: bool
    """Whether a finding that names the bug was invalid, and none that the bug spares."""
    verdicts: dict[str, str]
    """The findings' verdicts by name; empty when the run left none."""
    first_wrong_s: float | None
    """When clients had seen the first thing that is wrong, in seconds of the run; None where no line tells it."""
    folder: str


def hunt(bug: Bug, seed: int, store: Path, *, planted: bool = True) -> Hunted:
    """Start the product with the bug, or its twin without, under the run that is to find it."""
    told, folder = run(store, bug.launcher if planted else bug.twin, *bug.run_flags(seed), seconds=bug.seconds)
    verdicts = {name: found.verdict for name, found in told.findings.items()}
    found = any(verdicts.get(name) == "invalid" for name in bug.findings)
    found = found and all(verdicts.get(name) == "valid" for name in bug.spared)
    problems = [one for name in bug.findings if name in told.findings for one in told.findings[name].problems]
    return Hunted(bug.name, seed, found, verdicts, first_wrong_s(problems, folder / "history.jsonl"), str(folder))


def run(store: Path, launcher: str, *flags: str, seconds: float = 30.0) -> tuple[Told, Path]:
    """One run of a launcher, or of the product itself, and its folder. `store` must be without runs."""
    store.mkdir(parents=True, exist_ok=True)
    program = [f"--program={sys.executable} {_HERE / launcher}"] if launcher else []
    command = [sys.executable, "-m", "lictor_jepsen", "run", f"--store={store}", *program, *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _AROUND_S, check=False)
    folders = [path for path in store.iterdir() if (path / "plan.json").exists()]
    if len(folders) != 1 or not (folders[0] / "results.json").exists():
        raise RuntimeError(f"`{' '.join(command)}` left no results:\n{ended.stdout}{ended.stderr}")
    return msgspec.json.decode((folders[0] / "results.json").read_bytes(), type=Told), folders[0]


def wrong(told: Told) -> list[str]:
    """What is invalid, or of what matters not known to be valid. On a busy machine too few operations may be judged."""
    invalid = {name for name, found in told.findings.items() if found.verdict == "invalid"}
    unsure = {name for name in _SURE if name in told.findings and told.findings[name].verdict != "valid"}
    return sorted(invalid | unsure)


def first_wrong_s(problems: Sequence[Wrong], history: Path) -> float | None:
    """The moment at which the last line of some problem was written: before, nobody could have known it."""
    last = [max(problem.lines) for problem in problems if problem.lines]
    if not last or not history.exists():
        return None
    lines = history.read_bytes().splitlines()
    known = [number for number in last if 1 <= number <= len(lines)]
    return msgspec.json.decode(lines[min(known) - 1], type=_Line).time_ms / 1000 if known else None
