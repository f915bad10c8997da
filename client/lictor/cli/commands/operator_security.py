"""`lictor operator security`: what is open, and what closes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

import click

from lictor.api.calls import operator
from lictor.api.calls.operator import SecurityFinding, SecurityReport
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import is_terminal

__all__ = ["command", "report_lines"]

_SEVERE_CODE: Final = 2
_WIDTH: Final = 80
_INDENT: Final = 11
_COLORS: Final = {"severe": "red", "warning": "yellow", "note": "cyan"}


@click.command(
    "security",
    cls=ApiCommand,
    examples=("lictor operator security", "lictor operator security -format=json", "lictor operator security || alarm"),
)
@format_option
@pass_api
def command(api: Api, args: tuple[str, ...], format: Format) -> None:
    """List what is open at the agent that is asked, and in its cluster: plain doors, what anybody may do, certificates
    that end, files that others read. Each with the setting that closes it. The exit code is 2 when any is severe.
    """
    refuse_arguments(args)
    report = api.send(operator.security(api.options()))
    if format is Format.JSON:
        print_json(report)
    else:
        for line in report_lines(report):
            print(line if is_terminal() else click.unstyle(line))
    if report.severe:
        raise SystemExit(_SEVERE_CODE)


def report_lines(report: SecurityReport) -> Iterator[str]:
    """The report for people, in 80 columns."""
    counts = {word: sum(one.severity == word for one in report.findings) for word in _COLORS}
    told = ", ".join(f"{count} {_plural(word, count)}" for word, count in counts.items() if count)
    yield f"{report.node} ({report.datacenter}): {told or 'nothing is open that is looked at'}"
    for one in report.findings:
        yield ""
        yield from _finding_lines(one)


def _finding_lines(one: SecurityFinding) -> Iterator[str]:
    head = f"{one.severity.upper():<{_INDENT}}"
    first, *rest = _wrapped(one.title)
    yield click.style(head, fg=_COLORS.get(one.severity), bold=True) + click.style(first, bold=True)
    yield from (" " * _INDENT + line for line in rest)
    yield from (" " * _INDENT + line for line in _wrapped(f"{one.reason}."))
    yield from (" " * _INDENT + line for line in _wrapped(f"-> {one.setting}", hanging=3))
    yield " " * _INDENT + click.style(f"[{one.id}]", dim=True)


def _wrapped(text: str, *, hanging: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH - _INDENT,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plural(word: str, count: int) -> str:
    return word if word == "severe" or count == 1 else f"{word}s"
