"""The list of the runs in a store, as one HTML page that links to each run's own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from lictor_jepsen.outage import spreads
from lictor_jepsen.report.page import head, pill
from lictor_jepsen.store import Kept

__all__ = ["LISTED_MAX", "listing", "write_index"]

LISTED_MAX: Final = 500
"""How many runs the page lists: the newest."""


def write_index(store: Path, runs: Sequence[Kept]) -> None:
    """Put the page into the store; another run that ends at the same time never sees half of it."""
    written = store / f".index-{os.getpid()}"
    written.write_text(listing(runs[-LISTED_MAX:]))
    written.replace(store / "index.html")


def listing(runs: Sequence[Kept]) -> str:
    """The page; the newest run first. A run that was cut short has neither figures nor a page. Pure."""
    verdicts = Counter(run.verdict for run in runs)
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "none yet"
    found = [outage for run in runs if run.results for outage in run.results.outages]
    faults = "".join(
        f"<tr><td>{escape(one.fault)}<td>{one.times}<td>{one.never}<td>{one.median_s:.2f} s<td>{one.worst_s:.2f} s"
        f"<td>{one.longest_s:.2f} s\n"
        for one in spreads(found)
    )
    return (
        f"{head('Runs')}<h1>Runs</h1><p>{len(runs)} runs: {told}.</p>\n"
        "<table><tr><th>run<th>verdict<th>workload<th>seed<th>seconds<th>operations<th>faults<th>what is not valid\n"
        f"{''.join(_row(run) for run in reversed(runs))}</table>\n"
        "<h2>How long no change went through, over all runs</h2>"
        "<table><tr><th>fault<th>times<th>never again<th>median<th>worst<th>longest without\n"
        f"{faults}</table></html>\n"
    )


def _row(run: Kept) -> str:
    name = escape(run.name)
    if run.results is None:
        return f"<tr><td>{name}<td>{pill(run.verdict)}<td colspan=6>cut short, or from another version\n"
    settings, results = run.results.settings, run.results
    count = sum(sum(row.values()) for row in results.counts.values())
    bad = ", ".join(f"{what} {found.verdict}" for what, found in results.findings.items() if found.verdict != "valid")
    cells = [settings.get("workload"), settings.get("seed"), settings.get("seconds"), count, len(results.outages), bad]
    return (
        f"<tr><td><a href='{name}/timeline.html'>{name}</a><td>{pill(run.verdict)}"
        f"{''.join(f'<td>{escape(str(cell))}' for cell in cells)}\n"
    )
