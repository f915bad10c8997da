"""Where commands take data from: an argument, a file (`@name`) or stdin (`-`)."""

from __future__ import annotations

import sys
from pathlib import Path

from lictor.cli.errors import CommandError

__all__ = ["argument_data", "check_count", "file_data"]


def argument_data(text: str) -> bytes:
    """The bytes that `text` stands for: those of a file for `@name`, stdin for `-`, its own otherwise."""
    if text.startswith("@"):
        return file_data(text[1:])
    return sys.stdin.buffer.read() if text == "-" else text.encode(errors="surrogateescape")


def file_data(name: str) -> bytes:
    """The bytes of a file. Raises `CommandError`."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {name}: {(error.strerror or str(error)).lower()}") from error


def refuse_arguments(args: tuple[str, ...]) -> None:
    """Refuse what stands behind the flags of a command that takes nothing else: a flag there would be overlooked."""
    if args:
        raise CommandError(f"unexpected arguments: {' '.join(args)}; flags begin with a dash and come first")


def check_count(args: tuple[str, ...], low: int, high: int, missing: str, *, exit_code: int = 1) -> None:
    """Refuse too few arguments with `missing` and too many with their number."""
    if len(args) < low:
        raise CommandError(missing, exit_code)
    if len(args) > high:
        expected = str(high) if low == high else f"{low} to {high}"
        behind = any(arg.startswith("-") for arg in args[1:])
        hint = "; flags come before all else" if behind else ""
        raise CommandError(f"too many arguments: expected {expected}, got {len(args)}{hint}", exit_code)
