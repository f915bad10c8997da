"""The looks of `-help`: usage, what it does, examples, flags by heading. Bold on a terminal, plain elsewhere."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from lictor.cli.terminal import bold, columns

if TYPE_CHECKING:
    from lictor.cli.flags import GoCommand, GoGroup, GoOption

__all__ = ["command_help", "group_help", "rows"]

_WIDTH_MAX = 100
_NAMES_MAX = 34


def command_help(command: GoCommand, ctx: click.Context) -> str:
    """The help of a command that does something."""
    from lictor.cli.flags import GoOption

    flags = [one for one in command.params if isinstance(one, GoOption)]
    words = ["[options]"] if flags else []
    usage = " ".join([ctx.command_path, *words, command.usage]).rstrip()
    parts = [f"{bold('Usage:')} {usage}", _prose(command.help or "")]
    if command.examples:
        parts.append(bold("Examples:") + "\n\n" + "\n".join(_example(line) for line in command.examples))
    for heading in dict.fromkeys(one.heading for one in flags):
        wanted = [one for one in flags if one.heading == heading]
        parts.append(bold(f"{heading}:") + "\n\n" + rows(_flag_row(one) for one in wanted))
    return "\n\n".join(part for part in parts if part)


def group_help(group: GoGroup, ctx: click.Context) -> str:
    """The help of a group of commands."""
    parts = [f"{bold('Usage:')} {ctx.command_path} COMMAND [options] [args]", _prose(group.help or "")]
    if group.examples:
        parts.append(bold("Examples:") + "\n\n" + "\n".join(_told_examples(group.examples)))
    parts.append(bold("Commands:") + "\n\n" + rows(group.short_helps(ctx)))
    parts.append(f"  `{ctx.command_path} COMMAND -help` says more about one of them.")
    return "\n\n".join(part for part in parts if part)


def _told_examples(examples: Sequence[tuple[str, str]]) -> Iterable[str]:
    """Commands with what they are for beside them, or above where there is no room."""
    width = max(len(line) for line, _ in examples)
    beside = [f"    $ {line:<{width}}   # {comment}" for line, comment in examples]
    if max(map(len, beside)) <= min(columns(), _WIDTH_MAX):
        return beside
    return [f"    # {comment}\n{_example(line)}" for line, comment in examples]


def _example(line: str) -> str:
    """A command to try, over several lines as a shell takes it where it is too long for one."""
    width = max(min(columns(), _WIDTH_MAX) - 8, 24)
    parts = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    return "    $ " + " \\\n        ".join(parts)


def rows(pairs: Iterable[tuple[str, str]]) -> str:
    """Names on the left, what they mean on the right, wrapped to the terminal."""
    found = list(pairs)
    names = min(max((len(name) for name, _ in found), default=0), _NAMES_MAX)
    width = max(min(columns(), _WIDTH_MAX) - names - 6, 24)
    lines: list[str] = []
    for name, meaning in found:
        wrapped: Sequence[str] = textwrap.wrap(meaning, width) or [""]
        if len(name) > names:
            lines += [f"  {name}", f"  {'':<{names}}    {wrapped[0]}"]
        else:
            lines.append(f"  {name:<{names}}    {wrapped[0]}".rstrip())
        lines += [f"  {'':<{names}}    {line}" for line in wrapped[1:]]
    return "\n".join(lines)


def _flag_row(one: GoOption) -> tuple[str, str]:
    value = "" if one.is_boolean else f"=<{one.metavar or 'value'}>"
    return f"-{one.flag_name}{value}", one.help or ""


def _prose(text: str) -> str:
    paragraphs = inspect.cleandoc(text).split("\n\n")
    width = max(min(columns(), _WIDTH_MAX), 40)
    shown = [
        textwrap.fill(" ".join(paragraph.split()), width, initial_indent="  ", subsequent_indent="  ")
        for paragraph in paragraphs
        if paragraph.strip()
    ]
    return "\n\n".join(shown)
