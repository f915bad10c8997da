"""Standard streams that are closed, full or read by nobody: what cannot be printed must not become a traceback."""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from typing import Final, TextIO, cast

__all__ = ["OUTPUT_ERRORS", "open_closed", "pass_bytes_on", "settle"]

OUTPUT_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a device or file system that takes no more."""


def open_closed() -> None:
    """Put the null device where whoever started the process had closed a stream, as `>&-` does.

    In the order of their numbers, so that each gets its own: no socket may come to stand where programs look for a
    standard stream.
    """
    # typeshed holds them for always there; the documentation of `sys.__stdout__` says otherwise
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdin = _null("r")
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout = _null("w")
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = _null("w")


def pass_bytes_on() -> None:
    """Print UTF-8 whatever the locale says, as Consul does, and bytes of an argument that are none as they came."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def settle() -> None:
    """Write out what the streams still hold; drop it where that cannot be, or the interpreter fails at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _null(mode: str) -> TextIO:
    return cast(TextIO, open(os.devnull, mode, encoding="utf-8"))
