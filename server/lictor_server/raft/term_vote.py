"""The term and the vote given in it, in a small file: they must survive a restart, or one term could get two leaders.

Raft paper, figure 2: "persistent state on all servers". The file is written whole, each time, before anybody is told.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

import msgspec

from lictor_core.codec import pack, unpack
from lictor_core.errors import DataDamagedError, RequestError
from lictor_server.raft.files import DAMAGE_REMEDY, storage_errors, write_atomically

__all__ = ["TermVote", "load_term_vote", "save_term_vote"]

_FORMAT: Final = 1
_CRC_BYTES: Final = 4


class TermVote(msgspec.Struct, frozen=True, kw_only=True):
    """A term, and the id of the node voted for in it."""

    term: int = 0
    voted_for: str | None = None
    format: int = _FORMAT


def save_term_vote(path: Path, value: TermVote) -> None:
    """Keep `value`, durably. Raises `StorageError`."""
    body = pack(value)
    write_atomically(path, [zlib.crc32(body).to_bytes(_CRC_BYTES, "big"), body])


def load_term_vote(path: Path) -> TermVote | None:
    """What was kept; None when there is no such file. Raises `DataDamagedError` when it is not what was written."""
    if not path.exists():
        return None
    with storage_errors("read", path):
        data = path.read_bytes()
    body = data[_CRC_BYTES:]
    try:
        if zlib.crc32(body).to_bytes(_CRC_BYTES, "big") != data[:_CRC_BYTES]:
            raise RequestError("its checksum is wrong")
        value = unpack(body, TermVote)
        if value.format != _FORMAT:
            raise RequestError(f"it has format {value.format}, this version reads {_FORMAT}")
    except RequestError as error:
        raise DataDamagedError(f"{path} cannot be used at offset 0: {error}; {DAMAGE_REMEDY}") from error
    return value
