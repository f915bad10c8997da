"""Many runs in a few lines: a table for documents, and how long no change went through, by fault. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from lictor_jepsen.checker import combined
from lictor_jepsen.outage import spreads
from lictor_jepsen.store import Kept

__all__ = ["outage_lines", "runs_table"]


def runs_table(runs: Sequence[Kept]) -> str:
    """In Markdown, a row for each product and workload, and one for all; a run that was cut short counts as unknown.

    Raises `ValueError` when the settings of a run are of another form.
    """
    groups: dict[tuple[str, str], list[Kept]] = {}
    for run in runs:
        groups.setdefault(_subject(run), []).append(run)
    rows = [_row(product, workload, group) for (product, workload), group in sorted(groups.items())]
    names = ("product", "workload", "runs", "seeds", "minutes", "operations", "faults", "verdicts", "together")
    lines = [names, ("---",) * len(names), *rows, _row("all", "", runs)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def outage_lines(runs: Sequence[Kept]) -> Iterator[str]:
    """For each fault: how often, and the median, worst and longest time without a change."""
    found = [outage for run in runs if run.results is not None for outage in run.results.outages]
    for one in spreads(found):
        never = f", {one.never} times never again" if one.never else ""
        yield (
            f"{one.fault}: {one.times} times, a change after {one.median_s:.2f} s (median), {one.worst_s:.2f} s "
            f"(worst){never}; longest without one {one.longest_s:.2f} s"
        )


class _Program(msgspec.Struct):
    name: str


class _Settings(msgspec.Struct):
    program: _Program
    workload: str
    seed: int
    seconds: float


def _settings(run: Kept) -> _Settings | None:
    return None if run.results is None else msgspec.convert(run.results.settings, _Settings)


def _subject(run: Kept) -> tuple[str, str]:
    settings = _settings(run)
    return ("", "cut short") if settings is None else (settings.program.name, settings.workload)


def _row(product: str, workload: str, runs: Sequence[Kept]) -> tuple[str, ...]:
    settings = [one for one in map(_settings, runs) if one is not None]
    results = [run.results for run in runs if run.results is not None]
    seeds = sorted({one.seed for one in settings})
    operations = sum(count for one in results for row in one.counts.values() for count in row.values())
    verdicts = Counter(run.verdict for run in runs)
    return (
        product,
        f"`{workload}`" if workload else "",
        str(len(runs)),
        f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 2 else ", ".join(map(str, seeds)),
        f"{sum(one.seconds for one in settings) / 60:.1f}",
        f"{operations:,}",
        str(sum(len(one.outages) for one in results)),
        ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
        combined(run.verdict for run in runs),
    )
