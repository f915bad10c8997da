"""Where runs are kept: a folder each, with the history, the results, the servers' logs and a page to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from lictor_jepsen.checker import Finding, Verdict
from lictor_jepsen.outage import Outage

__all__ = ["ROOT", "Results", "RunFolder", "kept", "plan_to_json", "planned_workload", "to_json"]

_ROOM: Final = Path(__file__).resolve().parents[1]
ROOT: Final = _ROOM / "store" if _ROOM.name == "jepsen-like" else Path("lictor-torture")
"""The folder of all runs: in the room, where git ignores it; of an installed package, below where it is run."""


class RunFolder(NamedTuple):
    """The folder of one run."""

    path: Path

    @property
    def plan(self) -> Path:
        """What is run, written before anything is."""
        return self.path / "plan.json"

    @property
    def history(self) -> Path:
        """The lines of the history, in JSON."""
        return self.path / "history.jsonl"

    @property
    def results(self) -> Path:
        """What was run, and what the checkers found."""
        return self.path / "results.json"

    @property
    def timeline(self) -> Path:
        """A page that shows who did what when."""
        return self.path / "timeline.html"


class Results(NamedTuple):
    """What was run, and what came of it."""

    verdict: Verdict
    settings: Mapping[str, object]
    findings: Mapping[str, Finding]
    counts: Mapping[str, Mapping[str, int]]
    """Of each operation: how many ended `ok`, `fail`, `info`."""
    faults: tuple[str, ...]
    skipped: Mapping[str, str]
    """Faults that could not be made here, and why."""
    recovered_s: float | None
    """How long the servers took to serve again after the last fault; None when they did not."""
    outages: tuple[Outage, ...] = ()
    """How long no change went through after each fault began."""
    notes: tuple[str, ...] = ()
    """What is odd and no verdict."""


class _Told(msgspec.Struct):
    """What is read again of `results.json`."""

    verdict: Verdict


class _Planned(msgspec.Struct):
    """What is read again of `plan.json`."""

    workload: str


def planned_workload(folder: RunFolder) -> str:
    """The workload of a run, be it cut short. Raises `OSError` without a plan, `ValueError` for what is none."""
    return msgspec.json.decode(folder.plan.read_bytes(), type=_Planned).workload


def plan_to_json(settings: Mapping[str, object]) -> str:
    """The text of `plan.json`."""
    return _text(settings)


def to_json(results: Results) -> str:
    """The text of `results.json`."""
    tree: dict[str, object] = results._asdict()
    tree["findings"] = {name: _finding(found) for name, found in results.findings.items()}
    tree["outages"] = [outage._asdict() for outage in results.outages]
    return _text(tree)


def _text(tree: object) -> str:
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"


def _finding(found: Finding) -> dict[str, object]:
    return {**found._asdict(), "problems": [problem._asdict() for problem in found.problems]}


def kept(root: Path) -> Iterator[tuple[str, Verdict]]:
    """The runs in a folder, oldest first, as (name, verdict); `unknown` for one that was cut short."""
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if not path.is_dir():
            continue
        results = RunFolder(path).results
        try:
            verdict = msgspec.json.decode(results.read_bytes(), type=_Told).verdict
        except (OSError, msgspec.DecodeError):
            verdict = Verdict.UNKNOWN
        yield path.name, verdict
