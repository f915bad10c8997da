"""Many hunts together: a line for each in a file, and the table that `docs/torture.md` shows. Pure but for the file."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.jepsen_like.planted.table import Bug

__all__ = ["BEGINS", "ENDS", "Score", "insert", "order", "read", "table"]

BEGINS: Final = "<!-- planted bugs: `python -m tests.jepsen_like.planted` writes this table -->"
"""What stands before the table in the document."""
ENDS: Final = "<!-- the end of the table -->"


class Score(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run, as the file keeps it."""

    bug: str
    seed: int
    planted: bool
    good: bool
    """A planted bug was found, or its twin was valid."""
    first_wrong_s: float | None = None
    run: str = ""
    """As `Bug.run`, when it was hunted."""
    told: str = ""
    """What went otherwise, for people."""


def order(bugs: Sequence[Bug], runs: int) -> Iterator[tuple[Bug, int]]:
    """Which bug is hunted with which seed: each once before one comes again, `runs` in all but each at least once."""
    for number in range(max(runs, len(bugs))):
        yield bugs[number % len(bugs)], 1 + number // len(bugs)


def read(path: Path) -> list[Score]:
    """The lines of a file; none when there is no file."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Score) for line in path.read_bytes().splitlines() if line.strip()]


def table(bugs: Iterable[Bug], scores: Sequence[Score]) -> str:
    """The table in Markdown: found in how many of how many, how soon, and how its twin fared."""
    rows = [
        "| bug | what it does | workload | nemesis | finding | found | first wrong line after, median | twin valid |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for bug in bugs:
        same = [score for score in scores if (score.bug, score.run) == (bug.name, bug.run)]
        hunted = [score for score in same if score.planted]
        twins = [score for score in same if not score.planted]
        seconds = [score.first_wrong_s for score in hunted if score.good and score.first_wrong_s is not None]
        soon = f"{statistics.median(seconds):.1f} s of {bug.seconds:g}" if seconds else ""
        findings = ", ".join(f"`{name}`" for name in bug.findings)
        rows.append(
            f"| {bug.name} | {bug.about} | `{bug.workload}` | `{bug.nemesis}` | {findings} | {_of(hunted)} | {soon} "
            f"| {_of(twins)} |"
        )
    return "\n".join(rows) + "\n"


def insert(document: str, text: str) -> str:
    """The document with its table replaced. Raises `ValueError` when it has no place for one."""
    before, begins, rest = document.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not begins or not ends:
        raise ValueError(f"the document has no place for the table: put {BEGINS!r} and {ENDS!r} in it")
    return f"{before}{BEGINS}\n\n{text}\n{ENDS}{after}"


def _of(scores: Sequence[Score]) -> str:
    return f"{sum(score.good for score in scores)} of {len(scores)}" if scores else ""
