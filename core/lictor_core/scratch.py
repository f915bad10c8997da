"""Files for use on the way, which nobody wants in the end."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import BinaryIO

__all__ = ["discard", "discarding"]


def discard(file: BinaryIO) -> None:
    """Close `file`, whose content nobody wants: what a full disk did not take is tried again at the close, in vain."""
    with contextlib.suppress(OSError):
        file.close()


@contextlib.contextmanager
def discarding(file: BinaryIO) -> Generator[BinaryIO]:
    """Discard `file` at the end of the block."""
    try:
        yield file
    finally:
        discard(file)
