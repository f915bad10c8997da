"""Commands whose flags follow Go's `flag` package, on top of click.

One dash or two; `-name value` or `-name=value`; a boolean stands alone or takes `=true`; flags end at the first other
argument or at `--`. Source: the Go documentation of package `flag`, section "Command line flag syntax".
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import click

from lictor.cli.errors import CommandError
from lictor.cli.help import command_help, group_help
from lictor.cli.streams import settle

__all__ = ["GIVEN_FLAGS", "HELP_FLAGS", "GoCommand", "GoGroup", "GoOption", "ValueKind", "flag", "key_value", "option"]

F = TypeVar("F", bound=Callable[..., object])
# click hands a text, or a tuple of texts where a flag may be repeated; it does not say which
ValueCallback = Callable[[click.Context, click.Parameter, Any], object]

_TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
_FALSE: Final = ("0", "f", "F", "false", "FALSE", "False")

HELP_FLAGS: Final = ("-h", "-help", "--h", "--help")
GIVEN_FLAGS: Final = "lictor.cli.given_flags"
"""Where a command's context keeps its flags with their values as they were given, in that order."""
_SHORT_HELP_CHARS: Final = 240
"""What a list of commands shows of each: its first sentence, whole."""
PIPE_BROKEN_EXIT: Final = 141
"""128 + SIGPIPE: what the shell shows of a program that such a signal ended."""


class ValueKind(enum.Enum):
    """What a flag takes: any text, nothing or a truth value, a whole number from 0."""

    TEXT = "text"
    BOOLEAN = "boolean"
    WHOLE = "whole"


def _boolean(_: click.Context, parameter: click.Parameter, text: str) -> bool:
    """Go's `strconv.ParseBool`."""
    if text not in _TRUE + _FALSE:
        raise click.BadParameter(f'must be true or false, not "{text}"', param=parameter)
    return text in _TRUE


def _whole(_: click.Context, parameter: click.Parameter, text: str) -> int:
    """Go's flags of type uint: a number from 0, decimal or with the prefix of another base."""
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if number < 0:
        raise click.BadParameter(f'must be a whole number from 0, not "{text}"', param=parameter)
    return number


_VALUES: Final[dict[ValueKind, tuple[str, ValueCallback | None]]] = {
    ValueKind.TEXT: ("", None),
    ValueKind.BOOLEAN: ("false", _boolean),
    ValueKind.WHOLE: ("0", _whole),
}
"""What a flag of each kind is when it is not given, as text, and how its text is read."""


class GoOption(click.Option):
    """A flag. `heading` is the section of the help that it stands in; the name has one dash.

    `stands_alone` makes a flag of text that means `true` when it has no value.
    """

    def __init__(
        self,
        name: str,
        help: str,
        *,
        heading: str = "Options",
        kind: ValueKind = ValueKind.TEXT,
        metavar: str = "value",
        default: str | None = None,
        multiple: bool = False,
        callback: ValueCallback | None = None,
        stands_alone: bool = False,
    ) -> None:
        empty, reading = _VALUES[kind]
        super().__init__(
            [name],
            help=help,
            type=click.STRING,
            metavar=metavar,
            default=() if multiple else empty if default is None else default,
            multiple=multiple,
            callback=callback or reading,
            is_flag=False,
        )
        self.heading = heading
        self.is_boolean = stands_alone or kind is ValueKind.BOOLEAN
        self.flag_name = name.removeprefix("-")


def option(
    name: str,
    help: str,
    *,
    metavar: str = "value",
    kind: ValueKind = ValueKind.TEXT,
    default: str | None = None,
    multiple: bool = False,
    callback: ValueCallback | None = None,
) -> Callable[[F], F]:
    """A flag that takes a value, as a decorator of the function that carries the command out."""
    made = GoOption(name, help, kind=kind, metavar=metavar, default=default, multiple=multiple, callback=callback)
    return _adding(made)


def flag(name: str, help: str) -> Callable[[F], F]:
    """A flag that is there or not, as a decorator of the function that carries the command out."""
    return _adding(GoOption(name, help, kind=ValueKind.BOOLEAN))


def _adding(made: GoOption) -> Callable[[F], F]:
    def add(function: F) -> F:
        # where click itself keeps the parameters until the command is made
        parameters: list[click.Parameter] = function.__dict__.setdefault("__click_params__", [])
        parameters.append(made)
        return function

    return add


def key_value(_: click.Context, parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Repeated `key=value` flags as a mapping."""
    pairs: dict[str, str] = {}
    for text in values:
        key, separator, value = text.partition("=")
        if not separator:
            raise click.BadParameter(f'"{text}" is not of the form key=value', param=parameter)
        pairs[key] = value
    return pairs


class GoCommand(click.Command):
    """A command: flags by Go's rules, then `args`, whose number the command itself checks.

    `usage` is what follows the command's name in its help, `examples` are lines to try. `failure_code` is the exit code
    of every failure, `flags_code` that of a flag that is none, where Consul has another one for it.
    """

    def __init__(
        self,
        name: str | None,
        *,
        callback: Callable[..., object] | None = None,
        params: list[click.Parameter] | None = None,
        help: str | None = None,
        usage: str = "",
        examples: Sequence[str] = (),
        failure_code: int = 1,
        flags_code: int | None = None,
    ) -> None:
        super().__init__(name, callback=callback, params=params, help=help, add_help_option=False)
        self.usage = usage
        self.examples = tuple(examples)
        self.failure_code = failure_code
        self.flags_code = failure_code if flags_code is None else flags_code
        self.params.append(click.Argument(["args"], nargs=-1, type=click.UNPROCESSED))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring the flags into the one form that click takes, and let it read them."""
        ctx.allow_interspersed_args = False
        return super().parse_args(ctx, self._normal(ctx, args))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that went away ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            settle()
            ctx.exit(PIPE_BROKEN_EXIT)
        except click.exceptions.Exit:
            raise
        return result

    def get_help(self, ctx: click.Context) -> str:
        """The help of this command."""
        return command_help(self, ctx)

    def _normal(self, ctx: click.Context, args: Sequence[str]) -> list[str]:
        known = {one.flag_name: one for one in self.params if isinstance(one, GoOption)}
        normal: list[str] = []
        given: list[tuple[str, str]] = []
        rest = list(args)
        while rest and rest[0].startswith("-") and rest[0] != "-":
            text = rest.pop(0)
            if text == "--":
                break
            if text in HELP_FLAGS:
                click.echo(self.get_help(ctx), color=None)
                ctx.exit(0)
            name, separator, value = text.lstrip("-").partition("=")
            found = known.get(name) if text.startswith(("-" + name, "--" + name)) else None
            if found is None:
                raise click.UsageError(f"there is no flag -{name}{_near(name, known)}", ctx)
            if found.is_boolean:
                value = value if separator else "true"
            elif not separator:
                if not rest:
                    raise click.UsageError(f"flag -{name} needs a value", ctx)
                value = rest.pop(0)
            # click takes what is written behind a flag of one letter for its value, also the sign
            normal += [f"-{name}", value] if len(name) == 1 else [f"-{name}={value}"]
            given.append((name, value))
        ctx.meta[GIVEN_FLAGS] = tuple(given)
        return [*normal, "--", *rest]


class GoGroup(click.Group):
    """A group of commands. Without one, or with one that does not exist, it shows its help on stderr."""

    def __init__(
        self,
        name: str | None,
        *,
        help: str | None = None,
        examples: Sequence[tuple[str, str]] = (),
        unknown_code: int = 1,
    ) -> None:
        super().__init__(name, help=help, add_help_option=False)
        self.examples = tuple(examples)
        self.unknown_code = unknown_code

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the command; flags before it are none of this program's."""
        if args and args[0] in HELP_FLAGS:
            click.echo(self.get_help(ctx))
            ctx.exit(0)
        if not args or self.get_command(ctx, args[0]) is None:
            click.echo(self.get_help(ctx), err=True)
            if args:
                raise CommandError(self._unknown(ctx, args[0]), self.unknown_code)
            ctx.exit(self.unknown_code)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """The help of this group."""
        return group_help(self, ctx)

    def short_helps(self, ctx: click.Context) -> list[tuple[str, str]]:
        """The commands with a line of help each, in the order of the help."""
        found: list[tuple[str, str]] = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            found.append((name, "" if command is None else command.get_short_help_str(_SHORT_HELP_CHARS)))
        return found

    def _unknown(self, ctx: click.Context, name: str) -> str:
        near = _closest(name, self.list_commands(ctx))
        hint = f"did you mean `{ctx.command_path} {near}`?" if near else "the commands are listed above"
        return f"{ctx.command_path} has no command {name!r}; {hint}"


def _near(name: str, known: Iterable[str]) -> str:
    near = _closest(name, known)
    return f", did you mean -{near}?" if near else ""


def _closest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that was perhaps meant; empty when none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1)), "")
