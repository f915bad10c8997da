"""Restores for tests: the commands that put a state in place of another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from lictor_core.commands import Command, RestoreBegin, RestoreFinish, RestorePiece
from lictor_server.state import Store
from lictor_server.state.snapshot import take
from lictor_server.state.stream import stream

__all__ = ["restore_commands", "saved"]


def saved(store: Store) -> bytes:
    """The state as a client is given it."""
    return b"".join(stream(take(store, with_restore=False)))


def restore_commands(state: Store | bytes, *, id: str = "r", piece_bytes: int = 200) -> list[Command]:
    """Everything that restores `state`, in order."""
    data = state if isinstance(state, bytes) else saved(state)
    pieces = [data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes)]
    return list(_commands(data, pieces, id))


def _commands(data: bytes, pieces: list[bytes], id: str) -> Iterator[Command]:
    yield RestoreBegin(id=id, size=len(data), pieces=len(pieces), sha256=hashlib.sha256(data).digest())
    for number, piece in enumerate(pieces):
        yield RestorePiece(id=id, number=number, data=piece)
    yield RestoreFinish(id=id)
