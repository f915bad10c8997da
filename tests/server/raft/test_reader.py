"""Reading a snapshot ahead in a thread while it is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lictor_core.errors import StorageError
from lictor_server.raft.reader import AHEAD_MAX, FileReader
from lictor_server.raft.snapshot_file import SnapshotHead
from tests.support.conditions import eventually

DATA = bytes(range(256)) * 10
HEAD = SnapshotHead(40, 2)


class Bench:
    def __init__(self, path: Path) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.ready = 0
        self.errors: list[BaseException] = []
        self.path = path
        path.write_bytes(DATA)
        self.reader = self.open()

    def open(self) -> FileReader:
        return FileReader(self.path, HEAD, self.thread, ready=self.note, failed=self.errors.append)

    def note(self) -> None:
        self.ready += 1

    async def piece(self, offset: int, size: int) -> bytes:
        found: list[bytes] = []

        def there() -> bool:
            data = self.reader.read(offset, size)
            if data is not None:
                found.append(data)
            return bool(found)

        await eventually(there, what=f"the piece at {offset}")
        return found[0]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "file")
    yield bench
    bench.thread.shutdown()


async def test_the_file_is_read_piece_by_piece_to_its_short_end(bench: Bench) -> None:
    came = b""
    assert bench.reader.size == len(DATA)
    while len(came) < len(DATA):
        came += await bench.piece(len(came), min(100, len(DATA) - len(came)))
    assert came == DATA
    assert bench.ready >= len(DATA) // 100 // AHEAD_MAX
    bench.reader.close()


async def test_going_back_reads_again(bench: Bench) -> None:
    await bench.piece(0, 100)
    await bench.piece(1500, 100)
    assert await bench.piece(100, 100) == DATA[100:200]
    bench.reader.close()


async def test_a_file_that_loses_its_name_is_still_read_whole(bench: Bench) -> None:
    bench.path.unlink()
    assert await bench.piece(2000, 100) == DATA[2000:2100]
    bench.reader.close()


async def test_closing_lets_go_of_the_file_also_while_it_is_being_read(bench: Bench) -> None:
    before = len(os.listdir("/proc/self/fd"))
    reader = bench.open()
    assert reader.read(0, 100) is None
    reader.close()
    await eventually(lambda: len(os.listdir("/proc/self/fd")) == before, what="the descriptor's end")
    assert reader.read(0, 100) is None
    bench.reader.close()


async def test_a_file_that_cannot_be_read_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    assert bench.reader.read(0, 100) is None
    await eventually(lambda: bool(bench.errors), what="the error")
    bench.reader.close()


async def test_a_file_that_is_not_there_is_an_error(bench: Bench) -> None:
    bench.reader.close()
    bench.path.unlink()
    with pytest.raises(StorageError, match="file"):
        bench.open()
