"""Inputs on disk: those that are kept for each target, and those that broke a promise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.fuzz.targets import load

__all__ = ["CORPUS", "FINDS", "MENDED", "inputs", "name_of", "put", "write_seeds"]

CORPUS: Final = Path(__file__).parent / "corpus"
"""One directory for each target, kept in the repository."""
FINDS: Final = Path(__file__).parent / "finds"
"""What broke a promise, by target: not kept. A find that was mended moves to the corpus."""
MENDED: Final = "mended-"
"""How the names of former finds begin: they stay, whatever they reach."""
_NAME_CHARS: Final = 16


def name_of(data: bytes) -> str:
    """The file name of an input: the same bytes are kept once."""
    return hashlib.sha256(data).hexdigest()[:_NAME_CHARS]


def inputs(target: str) -> Iterator[Path]:
    """The files kept for a target, in a fixed order."""
    yield from sorted(path for path in (CORPUS / target).glob("*") if path.is_file())


def put(directory: Path, data: Iterable[bytes]) -> int:
    """Write inputs that are not there yet; how many."""
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for one in data:
        path = directory / name_of(one)
        if not path.exists():
            path.write_bytes(one)
            count += 1
    return count


def write_seeds(target: str, directory: Path) -> int:
    """Write the target's own good inputs."""
    return put(directory, load(target).seeds())
