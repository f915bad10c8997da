"""Files of a data directory: segments of the log, a snapshot, the vote. `DataDamagedError`, or what was written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lictor_core.clock import SeededRng
from lictor_core.errors import DataDamagedError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.raft.records import Kind, Start, encode, encode_start, mark, scan
from lictor_server.raft.segments import Segments
from lictor_server.raft.snapshot_file import SnapshotHead, path_of, read_head, read_snapshot, write_snapshot
from lictor_server.raft.term_vote import TermVote, load_term_vote, save_term_vote
from lictor_server.state.snapshot import restore, take
from lictor_server.state.store import Store
from tests.fuzz.shaping import Choices

_KINDS: Final = (*Kind, Kind.ENTRY, Kind.ENTRY, Kind.ENTRY)
_RECORDS_MAX: Final = 12
_MEMORY: Final = Path("/dev/shm")


def run(data: bytes) -> None:
    """One kind of file with these bytes, or one whose records are whole and whose order is made of them."""
    choices = Choices(data)
    kind = choices.below(5)
    with tempfile.TemporaryDirectory(prefix="fuzz-wal-", dir=_MEMORY if _MEMORY.is_dir() else None) as scratch:
        directory = Path(scratch)
        match kind:
            case 0:
                _segments(directory, [choices.rest()])
            case 1:
                body = choices.rest()
                half = len(body) // 2
                _segments(directory, [body[:half], body[half:]])
            case 2:
                _segments(directory, [_made(choices, number) for number in (1, 2)])
            case 3:
                _snapshot(directory, choices.rest())
            case _:
                _vote(directory, choices.rest())


def _segments(directory: Path, bodies: list[bytes]) -> None:
    for number, body in enumerate(bodies, 1):
        scan(body)
        (directory / f"{number:016d}.log").write_bytes(body)
    segments = Segments(directory, SeededRng(1))
    try:
        loaded = segments.load()
    except DataDamagedError:
        return
    finally:
        segments.close()
    again = Segments(directory, SeededRng(1)).read()
    assert again.entries == loaded.entries, "a second start finds other entries"


def _made(choices: Choices, number: int) -> bytes:
    salt = choices.byte()
    body = encode_start(Start(1, number, salt, choices.byte()))
    for _ in range(choices.below(_RECORDS_MAX)):
        kind = choices.among(_KINDS)
        if kind in (Kind.MARK, Kind.END) and choices.byte() < 220:
            body += mark(kind, number, len(body), salt)
        else:
            body += encode(kind, choices.byte(), choices.byte(), choices.some(choices.below(9)), salt)
    return body[: len(body) - choices.below(4)]


def _snapshot(directory: Path, body: bytes) -> None:
    path = path_of(directory, SnapshotHead(1, 1))
    path.write_bytes(body)
    try:
        read_head(path)
        restore(read_snapshot(path))
    except (DataDamagedError, RequestError):
        return


def _vote(directory: Path, body: bytes) -> None:
    path = directory / "vote"
    path.write_bytes(body)
    try:
        load_term_vote(path)
    except DataDamagedError:
        return


def seeds() -> Iterable[bytes]:
    """Whole files of each kind."""
    for number in range(24):
        yield b"\x02" + bytes((number * 37 + step * step * 11) % 256 for step in range(60))
    body = _made(Choices(bytes([7, 0, 8, 5, 0, 1, 5, 6, 1, 3, 97, 98, 99])), 1)
    yield b"\x00" + body
    yield b"\x01" + body + body
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        for peers in (None, PeerSet(index=1)):
            path = write_snapshot(directory, SnapshotHead(1, 1, peers), take(Store("dc1")), lambda chunks: None)
            yield b"\x03" + path.read_bytes()
        save_term_vote(directory / "vote", TermVote(term=3, voted_for="n1"))
        yield b"\x04" + (directory / "vote").read_bytes()
