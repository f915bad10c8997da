"""Rows of figures: ours, the peer's, and the ratio, which alone means something on a shared machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Row", "table"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `peer` None: there was none to compare with. `smaller_is_better` for times and memory."""

    name: str
    ours: float
    peer: float | None
    unit: str
    goal: float | None = None
    smaller_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times as good as the peer: above 1 is better, whichever way the figure runs."""
        if not self.peer or not self.ours:
            return None
        return self.peer / self.ours if self.smaller_is_better else self.ours / self.peer


def table(title: str, rows: Iterable[Row]) -> str:
    """A Markdown table of `rows`."""
    lines = [f"### {title}", "", "| figure | Lictor | peer | ratio | goal |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in rows:
        peer = "-" if row.peer is None else f"{_number(row.peer)} {row.unit}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        goal = "-" if row.goal is None else f"{row.goal:g}"
        lines.append(f"| {row.name} | {_number(row.ours)} {row.unit} | {peer} | {ratio} | {goal} |")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
