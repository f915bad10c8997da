"""A group of commands that is one of them when none is named."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["ALIASES", "DEFAULT", "DefaultGroup"]

DEFAULT: Final = "all"
"""What is done without a word."""
_FLAG: Final = "--cluster"
"""A flag that stands for the command of the same name, wherever it is given."""
ALIASES: Final = {"torture": DEFAULT}
"""Other names of commands, which the help leaves out."""


class DefaultGroup(click.Group):
    """Flags before a command are those of `DEFAULT`, but for the help of the group."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default in, where no command is named."""
        args = _spelled_out(args)
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [DEFAULT, *args])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name or an alias of it."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))


def _spelled_out(args: list[str]) -> list[str]:
    """`--cluster FILE` without a command is `cluster FILE`."""
    if args and not args[0].startswith("-"):
        return args
    for place, word in enumerate(args):
        flag, separator, file = word.partition("=")
        if flag == _FLAG:
            rest = [*args[:place], *args[place + (1 if separator else 2) :]]
            return [_FLAG.removeprefix("--"), *([file] if separator else args[place + 1 : place + 2]), *rest]
    return args
