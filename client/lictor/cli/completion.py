"""What may follow what is typed so far: commands, flags, and names that the agent knows.

Shells ask as they ask Consul's program: the line is in COMP_LINE, up to the cursor, and what is printed are the words
that may stand in place of the last one. Nothing here may fail or take long: whoever completes has not asked for
anything yet.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

from lictor.cli.flags import GoCommand, GoGroup, GoOption

if TYPE_CHECKING:
    from lictor.api.blocking import Client

__all__ = ["CANDIDATES_MAX", "Line", "answer", "candidates", "read_line"]

CANDIDATES_MAX: Final = 1_000
"""More are of no help to anybody, and slow shells down."""
_TIMEOUT_S: Final = 0.5
"""How long the agent is waited for."""
_BASH_ARGUMENTS: Final = 3
_UNFINISHED: Final = ("=", "/")
"""More is to be typed behind a word that ends so: a value, or more of a key."""
_VALUE_WORDS: Final = ("true", "false")

Source = Callable[["Client", str], Iterable[str]]


@dataclass(frozen=True)
class Line:
    """What stands before the cursor: whole words, and the one that is being typed."""

    words: tuple[str, ...]
    current: str


@dataclass
class _Place:
    """Where in the command line the current word stands."""

    path: tuple[str, ...]
    command: click.Command
    flags: dict[str, str] = field(default_factory=dict[str, str])
    arguments: list[str] = field(default_factory=list[str])
    expects: GoOption | None = None
    """The flag whose value the current word is."""
    ended: bool = False
    """Whether flags have ended."""


def read_line(line: str) -> Line:
    """The words of a line as a shell splits them, the program's name left out; an open quote is closed."""
    for closing in ("", '"', "'"):
        try:
            words = shlex.split(line + closing)
            break
        except ValueError:
            continue
    else:
        words = line.split()
    if not line or line[-1].isspace():
        words.append("")
    return Line(tuple(words[1:-1]), words[-1] if len(words) > 1 else "")


def candidates(program: click.Group, line: Line, environment: Mapping[str, str]) -> list[str]:
    """The words that may stand in place of the current one, sorted; at most `CANDIDATES_MAX`."""
    place = _place(program, line.words)
    if place is None:
        return []
    found = _any(place, line.current, environment)
    wanted = sorted({one for one in found if one.startswith(line.current)})
    return wanted[:CANDIDATES_MAX]


def answer(program: click.Group, line: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterable[str]:
    """The lines to print for a shell that asks about `line`.

    bash (`complete -C`) names the program, its current word and the one before as arguments. Its words end at `=` and
    `:`, too: what stands before is left out of the answer. It adds no space, so that a value can follow a flag's `=`.
    """
    asked = read_line(line)
    found = candidates(program, asked, environment)
    if len(arguments) != _BASH_ARGUMENTS:
        return found
    word = arguments[1] if asked.current.endswith(arguments[1]) else ""
    left_out = len(asked.current) - len(word)
    return [one[left_out:] + ("" if one.endswith(_UNFINISHED) else " ") for one in found]


def _place(program: click.Group, words: Sequence[str]) -> _Place | None:
    """Follow the whole words; None where they make no sense."""
    context = click.Context(program)
    place = _Place((), program)
    for word in words:
        if isinstance(place.command, click.Group):
            inner = place.command.get_command(context, word)
            if inner is None:
                return None
            place = _Place((*place.path, word), inner)
        else:
            _read(place, word)
    return place


def _read(place: _Place, word: str) -> None:
    if place.expects is not None:
        place.flags[place.expects.flag_name] = word
        place.expects = None
    elif place.ended or not word.startswith("-") or word == "-":
        place.ended = True
        place.arguments.append(word)
    elif word == "--":
        place.ended = True
    else:
        name, separator, value = word.lstrip("-").partition("=")
        known = _flags(place.command).get(name)
        if known is None or known.is_boolean:
            return
        if separator:
            place.flags[name] = value
        else:
            place.expects = known


def _flags(command: click.Command) -> dict[str, GoOption]:
    if not isinstance(command, GoCommand):
        return {}
    return {one.flag_name: one for one in command.params if isinstance(one, GoOption)}


def _any(place: _Place, current: str, environment: Mapping[str, str]) -> Iterable[str]:
    if isinstance(place.command, GoGroup):
        context = click.Context(place.command)
        return place.command.list_commands(context)
    if place.expects is not None:
        return _values(place, place.expects, current, environment)
    if not place.ended and current.startswith("-"):
        name, separator, value = current.lstrip("-").partition("=")
        flags = _flags(place.command)
        dashes = current[: len(current) - len(current.lstrip("-"))]
        if not separator:
            return [f"{dashes}{one.flag_name}{'' if one.is_boolean else '='}" for one in flags.values()]
        if name not in flags:
            return []
        return [f"{dashes}{name}={one}" for one in _values(place, flags[name], value, environment)]
    return _arguments(place, current, environment)


def _values(place: _Place, flag: GoOption, current: str, environment: Mapping[str, str]) -> Iterable[str]:
    from lictor.cli.live_names import FLAG_SOURCES, FLAG_WORDS

    if flag.is_boolean:
        return _VALUE_WORDS
    words = FLAG_WORDS.get((" ".join(place.path), flag.flag_name)) or FLAG_WORDS.get(("", flag.flag_name))
    if words is not None:
        return words
    source = FLAG_SOURCES.get((" ".join(place.path), flag.flag_name)) or FLAG_SOURCES.get(("", flag.flag_name))
    return _asked(source, place, current, environment)


def _arguments(place: _Place, current: str, environment: Mapping[str, str]) -> Iterable[str]:
    from lictor.cli.live_names import ARGUMENT_SOURCES, ARGUMENT_WORDS

    path = " ".join(place.path)
    if not place.arguments and path in ARGUMENT_WORDS:
        return ARGUMENT_WORDS[path]
    sources = ARGUMENT_SOURCES.get(path, ())
    if len(place.arguments) >= len(sources):
        return []
    return _asked(sources[len(place.arguments)], place, current, environment)


def _asked(source: Source | None, place: _Place, current: str, environment: Mapping[str, str]) -> Iterable[str]:
    """What the agent that the flags and the environment name knows; nothing when it does not say so quickly."""
    if source is None:
        return []
    from dataclasses import replace

    from lictor.api.blocking import Client
    from lictor.api.settings import Settings
    from lictor_core.errors import LictorError

    given = {name.replace("-", "_"): value for name, value in place.flags.items()}
    try:
        settings = Settings.from_environment(given, environment)
        with Client(replace(settings, timeout_s=_TIMEOUT_S)) as client:
            return list(source(client, current))
    except LictorError:
        return []
