"""`-format`: the same answer for people and for programs."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from typing import TypeVar

import click

from lictor.cli.flags import option

__all__ = ["Format", "format_option", "print_json", "read_format"]

F = TypeVar("F", bound=Callable[..., object])


class Format(enum.Enum):
    """How an answer is printed."""

    PRETTY = "pretty"
    JSON = "json"


def read_format(_: click.Context, parameter: click.Parameter, text: str) -> Format:
    """The format of that name."""
    try:
        return Format(text)
    except ValueError:
        raise click.BadParameter(f'must be pretty or json, not "{text}"', param=parameter) from None


def format_option(function: F) -> F:
    """Gives a command `-format`, as its argument `format`."""
    return option(
        "-format",
        "pretty for people, which is the default, or json for programs.",
        metavar="format",
        default=Format.PRETTY.value,
        callback=read_format,
    )(function)


def print_json(value: object) -> None:
    """A record, or lists and mappings of records, with the keys of the HTTP API: a record's in its own order, which
    never changes, a mapping's sorted.
    """
    import msgspec

    encoded = msgspec.json.encode(value, order="deterministic")
    sys.stdout.write(msgspec.json.format(encoded, indent=4).decode() + "\n")
