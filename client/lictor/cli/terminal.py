"""What depends on whether somebody watches: bold text, tables. Piped output is plain and never changes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence

__all__ = ["aligned", "bold", "columns", "fail", "is_terminal", "print_pairs", "print_table"]

_COLUMN_GAP = "  "


def is_terminal() -> bool:
    """Whether stdout is a terminal that wants looks. NO_COLOR and TERM=dumb say that it does not."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """The width of the terminal, 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def bold(text: str) -> str:
    """`text` in bold where it will be seen."""
    return f"\x1b[1m{text}\x1b[0m" if is_terminal() else text


def fail(message: str) -> None:
    """Say on stderr why a command failed, if stderr takes it: the exit code tells, too."""
    looks = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    head = "\x1b[1;31mError:\x1b[0m" if looks else "Error:"
    with contextlib.suppress(OSError):
        print(f"{head} {message}", file=sys.stderr)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows in columns two spaces apart, the first being the heading; the last column is not padded."""
    if is_terminal():
        _print_rich(rows)
        return
    for line in aligned(rows):
        print(line)


def print_pairs(pairs: Sequence[tuple[str, str]], width: int = 17) -> None:
    """Names and values, the values all beginning in column `width`."""
    for name, value in pairs:
        print(f"{name:<{width}}{value}".rstrip())


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a plain table. Every cell but the last of its row is padded to its column's width."""
    count = max((len(row) for row in rows), default=0)
    widths = [max((len(row[place]) for row in rows if place < len(row)), default=0) for place in range(count)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield _COLUMN_GAP.join([*cells[:-1], row[-1]])


_STATUS_COLOURS = {"alive": "green", "failed": "red", "left": "dim", "leaving": "yellow"}


def _print_rich(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for heading in rows[0]:
        table.add_column(heading, no_wrap=len(rows[0]) < 2, overflow="fold")
    for row in rows[1:]:
        table.add_row(*(Text(cell, style=_STATUS_COLOURS.get(cell, "")) for cell in row))
    Console(soft_wrap=False).print(table)
