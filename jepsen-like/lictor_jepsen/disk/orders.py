"""What a disk can be told, as lines of JSON: how it shall behave, that its power goes, that a bit of it turns over.

Pure: records, their lines, and the choice of the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, TypeAlias

import msgspec

from lictor_jepsen.disk.image import File, Image, Loss

__all__ = [
    "ALL",
    "Answer",
    "Behave",
    "Flip",
    "Flipped",
    "KeepCopy",
    "Lose",
    "Order",
    "Wipe",
    "choose_bit",
    "flip",
    "from_line",
    "merged",
    "to_line",
]

ALL: Final = -1
"""Of `Behave.failing_syncs`: every one until told otherwise."""


class Behave(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Behave so from now on; without arguments: well."""

    off: bool = False
    """No power: everything fails, also what is under way."""
    full: bool = False
    """No file can grow (ENOSPC)."""
    read_only: bool = False
    """Nothing can be changed (EROFS)."""
    failing_reads: bool = False
    """Reads fail (EIO)."""
    failing_syncs: int = 0
    """So many syncs fail (EIO); `ALL`."""
    write_ms: float = 0.0
    """How long a write takes."""
    sync_ms: float = 0.0
    """How long a sync takes, beside its usual time."""
    seed: int = 0
    """Of what a failing sync does to the kernel's cache."""


def merged(wanted: Iterable[Behave]) -> Behave:
    """What several want at once: all that is wrong with any of them."""
    together = Behave()
    for one in wanted:
        counts = (together.failing_syncs, one.failing_syncs)
        together = Behave(
            off=together.off or one.off,
            full=together.full or one.full,
            read_only=together.read_only or one.read_only,
            failing_reads=together.failing_reads or one.failing_reads,
            failing_syncs=ALL if ALL in counts else sum(counts),
            write_ms=max(together.write_ms, one.write_ms),
            sync_ms=max(together.sync_ms, one.sync_ms),
            seed=together.seed ^ one.seed,
        )
    return together


class Lose(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The power goes and comes back: what was not synced is lost."""

    seed: int
    loss: Loss


class Flip(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Turn one bit over, in a file below a path."""

    seed: int
    under: str


class Wipe(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Remove everything below a path."""

    under: str


class KeepCopy(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Copy everything into a folder of the machine."""

    into: str


Order: TypeAlias = Behave | Lose | Flip | Wipe | KeepCopy


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    said: str
    """What was done, in words for the history."""
    refused: int = 0
    """How many calls failed by order since the last answer."""
    error: str = ""
    """Why it was not done."""


class Flipped(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bit was turned over."""

    path: str
    offset: int
    bit: int


def choose_bit(files: Sequence[tuple[str, int]], rng: Random) -> Flipped | None:
    """A bit of a file, each file as likely as any other, whatever their sizes; None when all are empty.

    `files` are paths and sizes. Small files matter as much as large ones: the vote has a few bytes, the log megabytes.
    """
    filled = [(path, size) for path, size in sorted(files) if size]
    if not filled:
        return None
    path, size = rng.choice(filled)
    return Flipped(path=path, offset=rng.randrange(size), bit=rng.randrange(8))


def flip(image: Image, where: Flipped) -> None:
    """Turn a bit over, for good. Nobody has the file open."""
    file = image.find(where.path)
    assert isinstance(file, File), "bits are those of files"
    for data in (file.now, file.kept):
        if where.offset < len(data):
            data[where.offset] ^= 1 << where.bit


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Order)


def to_line(record: Order | Answer) -> bytes:
    """A line, with its end."""
    return _ENCODER.encode(record) + b"\n"


def from_line(line: bytes) -> Order:
    """An order. Raises `msgspec.ValidationError` for anything else."""
    order: Order = _DECODER.decode(line)
    return order
