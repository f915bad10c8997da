"""Files that nobody wants in the end."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest

from lictor_core.scratch import discard, discarding

FULL = Path("/dev/full")


def test_a_file_is_closed_though_its_disk_takes_nothing_more() -> None:
    file = FULL.open("w+b")
    file.write(b"x")
    discard(file)
    assert file.closed


def test_the_error_of_the_block_is_the_one_that_is_told() -> None:
    file = FULL.open("w+b")
    with pytest.raises(KeyError), discarding(file):
        _write_and_fail(file)
    assert file.closed


def _write_and_fail(file: BinaryIO) -> None:
    file.write(b"x")
    raise KeyError
