"""Where runs are kept: a folder each, with the history, the results, the servers' logs and a page to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.outage import Outage
from lictor_jepsen.workload import WORKLOADS, House, Workload

__all__ = [
    "ROOT",
    "Kept",
    "Results",
    "RunFolder",
    "kept",
    "plan_to_json",
    "planned_workload",
    "read_results",
    "to_json",
]

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


class Kept(NamedTuple):
    """A run that is kept."""

    name: str
    verdict: Verdict
    """`unknown` for one that was cut short."""
    results: Results | None
    """None for one that was cut short, or whose results another version wrote in another form."""


class _Problem(msgspec.Struct):
    text: str
    lines: tuple[int, ...] = ()


class _Finding(msgspec.Struct):
    verdict: Verdict
    judged: int
    problems: tuple[_Problem, ...] = ()


class _Outage(msgspec.Struct):
    fault: str
    what: str
    begins_s: float
    lasts_s: float | None
    ends_s: float = 0.0
    longest_s: float = 0.0


class _Results(msgspec.Struct):
    """What `results.json` is."""

    verdict: Verdict
    settings: dict[str, object]
    findings: dict[str, _Finding]
    counts: dict[str, dict[str, int]]
    faults: tuple[str, ...]
    skipped: dict[str, str]
    recovered_s: float | None
    outages: tuple[_Outage, ...] = ()
    notes: tuple[str, ...] = ()


class _Planned(msgspec.Struct):
    """What is read again of `plan.json`."""

    workload: str
    house: House | None = None
    """Of a run as a guest."""


def planned_workload(folder: RunFolder) -> Workload:
    """The workload of a run, be it cut short, as it was there.

    Raises `OSError` without a plan, `ValueError` for what is none, `KeyError` for a workload that there is not.
    """
    planned = msgspec.json.decode(folder.plan.read_bytes(), type=_Planned)
    workload = WORKLOADS[planned.workload]
    return workload if planned.house is None else workload.as_guest(planned.house)


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


def read_results(path: Path) -> Results:
    """A `results.json`. Raises `OSError` when there is none, `ValueError` for what is none."""
    told = msgspec.json.decode(path.read_bytes(), type=_Results)
    return Results(
        verdict=told.verdict,
        settings=told.settings,
        findings={name: _found(found) for name, found in told.findings.items()},
        counts=told.counts,
        faults=told.faults,
        skipped=told.skipped,
        recovered_s=told.recovered_s,
        outages=tuple(Outage(**msgspec.structs.asdict(one)) for one in told.outages),
        notes=told.notes,
    )


def _found(found: _Finding) -> Finding:
    return Finding(found.verdict, found.judged, tuple(Problem(one.text, one.lines) for one in found.problems))


def kept(root: Path) -> Iterator[Kept]:
    """The runs in a folder, oldest first."""
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        folder = RunFolder(path)
        if not folder.plan.exists() and not folder.results.exists():
            continue
        try:
            results = read_results(folder.results)
        except (OSError, ValueError):
            results = None
        yield Kept(path.name, Verdict.UNKNOWN if results is None else results.verdict, results)
