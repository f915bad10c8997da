"""A small file that holds one record behind its checksum, written whole each time: what must be right or be refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from lictor_core.codec import pack, unpack
from lictor_core.errors import DataDamagedError, RequestError
from lictor_server.raft.files import DAMAGE_REMEDY, storage_errors, write_atomically

__all__ = ["load_checked", "save_checked"]

T = TypeVar("T")

_CRC_BYTES: Final = 4


def save_checked(path: Path, record: object) -> None:
    """Keep `record`, durably. Raises `StorageError`."""
    body = pack(record)
    write_atomically(path, [_checksum(body), body])


def load_checked(path: Path, kind: type[T], check: Callable[[T], None] | None = None) -> T | None:
    """What was kept; None when there is no such file. `check` may refuse it by a `RequestError`.

    Raises `DataDamagedError` for what is refused or is not as it was written, `StorageError` when it cannot be read.
    """
    if not path.exists():
        return None
    with storage_errors("read", path):
        data = path.read_bytes()
    body = data[_CRC_BYTES:]
    try:
        if _checksum(body) != data[:_CRC_BYTES]:
            raise RequestError("its checksum is wrong")
        record = unpack(body, kind)
        if check is not None:
            check(record)
    except RequestError as error:
        raise DataDamagedError(f"{path} cannot be used at offset 0: {error}; {DAMAGE_REMEDY}") from error
    return record


def _checksum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CRC_BYTES, "big")
