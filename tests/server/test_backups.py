"""Saving the state to an archive and restoring it, with a log that applies at once."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

import pytest
import structlog

from lictor_core.archive import new_meta, read_archive, write_archive
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import Command, KVSet, Outcome, RestoreAbandon, RestoreFinish, RestorePiece
from lictor_core.errors import DataDamagedError, NoLeaderError, OverloadedError, RequestError, StorageError, error_from
from lictor_server import backups as module
from lictor_server.backups import JOBS_MAX, Backups, check_archive, make_archive
from lictor_server.state import Store, apply
from lictor_server.state.snapshot import state_hash, take
from lictor_server.state.stream import stream
from tests.server.state.questions import ALL
from tests.server.state.restores import saved
from tests.server.state.test_snapshot import filled
from tests.support.conditions import eventually

GOLDEN = Path(__file__).parent / "golden"


class Log:
    """Applies at once; `before` may fail or wait."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.commands: list[Command] = []
        self.before: Callable[[Command], Awaitable[None]] | None = None

    async def propose(self, command: Command) -> Outcome:
        if self.before is not None:
            await self.before(command)
        self.commands.append(command)
        outcome, _ = apply(self.store, self.store.index + 1, command)
        if outcome.rejection is not None:
            raise error_from(outcome.rejection.code, outcome.rejection.message)
        return outcome


@pytest.fixture
def log() -> Log:
    return Log(filled(2500))


@pytest.fixture
async def backups(log: Log, tmp_path: Path) -> AsyncIterator[Backups]:
    made = Backups(
        log.store,
        log.propose,
        directory=str(tmp_path),
        clock=SystemClock(),
        rng=SeededRng(1),
        log=structlog.get_logger(),
    )
    yield made
    await made.stop()


def answers(store: Store) -> list[object]:
    return [[question.ask(store) for question in ALL], list(store.kv.under(""))]


async def saved_bytes(backups: Backups) -> bytes:
    state = await backups.save(term=3)
    with state.archive:
        data = state.archive.read()
    assert len(data) == state.size_bytes
    return data


async def test_what_was_saved_is_there_again_after_a_restore(log: Log, backups: Backups) -> None:
    before, data = answers(log.store), await saved_bytes(backups)
    apply(log.store, log.store.index + 1, KVSet(key="k0", value=b"changed"))
    apply(log.store, log.store.index + 1, KVSet(key="other", value=b"1"))
    archive = io.BytesIO(data)
    await backups.restore(archive)
    assert archive.closed
    assert answers(log.store) == before
    assert any(isinstance(command, RestorePiece) for command in log.commands)


async def test_an_archive_says_what_it_is(log: Log, backups: Backups) -> None:
    meta = read_archive(io.BytesIO(await saved_bytes(backups)), len)
    assert (meta.product, meta.format, meta.datacenter, meta.term) == ("Lictor", 1, "dc1", 3)
    assert meta.index == log.store.index
    assert meta.id.startswith(f"3-{meta.index}-")


async def test_the_index_of_an_archive_is_the_one_that_readers_see(log: Log, backups: Backups) -> None:
    log.store.index_shift = 1000
    meta = read_archive(io.BytesIO(await saved_bytes(backups)), len)
    assert meta.index == log.store.index + 1000


async def test_nothing_stays_in_the_directory(backups: Backups, tmp_path: Path) -> None:
    await backups.restore(io.BytesIO(await saved_bytes(backups)))
    assert os.listdir(tmp_path) == []


def packed(state: bytes, *, index: int, datacenter: str = "dc1") -> BinaryIO:
    target = io.BytesIO()
    meta = new_meta(id="x", index=index, term=1, datacenter=datacenter).of_size(len(state))
    write_archive(target, meta, io.BytesIO(state))
    target.seek(0)
    return target


async def refused(backups: Backups, log: Log, archive: BinaryIO) -> str:
    before = state_hash(log.store)
    with pytest.raises(RequestError) as error:
        await backups.restore(archive)
    assert archive.closed
    assert log.commands == [], "what is wrong by itself must not reach the log"
    assert state_hash(log.store) == before
    return str(error.value)


async def test_an_archive_that_is_wrong_by_itself_never_reaches_the_log(log: Log, backups: Backups) -> None:
    data = await saved_bytes(backups)
    good = saved(filled())
    index = filled().index
    assert "no gzip" in await refused(backups, log, io.BytesIO(b"nonsense"))
    assert "cut off" in await refused(backups, log, io.BytesIO(data[:-20]))
    assert "Consul" in await refused(backups, log, io.BytesIO((GOLDEN / "consul-1.8.7.snap").read_bytes()))
    assert "too soon" in await refused(backups, log, packed(good[:-5], index=index))
    assert "index 9" in await refused(backups, log, packed(good, index=9))
    first, *rest = take(filled())
    later = stream([first.replace(b"format\x02", b"format\x4d"), *rest])
    assert "format 77" in await refused(backups, log, packed(b"".join(later), index=index))


async def test_an_archive_of_another_datacenter_is_refused(log: Log, backups: Backups) -> None:
    store = Store("dc2")
    message = await refused(backups, log, packed(saved(store), index=0, datacenter="dc2"))
    assert "'dc2'" in message
    assert "'dc1'" in message


async def test_a_restore_that_fails_half_way_is_abandoned(log: Log, backups: Backups) -> None:
    data = await saved_bytes(backups)
    before = answers(log.store)

    async def fail_at_the_end(command: Command) -> None:
        if isinstance(command, RestoreFinish):
            raise NoLeaderError

    log.before = fail_at_the_end
    with pytest.raises(NoLeaderError):
        await backups.restore(io.BytesIO(data))
    assert isinstance(log.commands[-1], RestoreAbandon)
    assert not log.store.restoring.is_under_way
    assert answers(log.store) == before


async def test_a_restore_whose_caller_left_is_brought_to_its_end(log: Log, backups: Backups) -> None:
    data = await saved_bytes(backups)
    entered, go = asyncio.Event(), asyncio.Event()

    async def wait(command: Command) -> None:
        entered.set()
        await go.wait()

    log.before = wait
    restoring = asyncio.ensure_future(backups.restore(io.BytesIO(data)))
    await entered.wait()
    restoring.cancel()
    await asyncio.wait([restoring])
    go.set()
    await eventually(lambda: any(isinstance(one, RestoreFinish) for one in log.commands), what="the end of the restore")


async def test_only_so_many_jobs_run_at_once(log: Log, backups: Backups) -> None:
    data = await saved_bytes(backups)
    go = asyncio.Event()

    async def wait(_: Command) -> None:
        await go.wait()

    log.before = wait
    jobs = [asyncio.ensure_future(backups.restore(io.BytesIO(data))) for _ in range(JOBS_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await backups.save(term=1)
    turned_away = io.BytesIO(data)
    with pytest.raises(OverloadedError):
        await backups.restore(turned_away)
    assert turned_away.closed
    for job in jobs:
        job.cancel()
    go.set()
    await asyncio.wait(jobs)


async def test_a_save_whose_caller_left_closes_its_file(backups: Backups, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the interpreter would warn of a file that nobody closed, and warnings are errors here."""
    made: list[BinaryIO] = []

    def noting(archive: BinaryIO, *rest: object) -> int:
        made.append(archive)
        return 0

    monkeypatch.setattr(module, "make_archive", noting)
    saving = asyncio.ensure_future(backups.save(term=1))
    await asyncio.sleep(0)
    saving.cancel()
    await asyncio.wait([saving])
    await eventually(lambda: bool(made) and made[0].closed, what="a closed file")


def test_a_snapshot_that_cannot_be_read_back_is_not_handed_out() -> None:
    chunks = list(take(filled()))
    wrong = new_meta(id="x", index=filled().index + 1, term=1, datacenter="dc1")
    with pytest.raises(DataDamagedError, match="read back"):
        make_archive(io.BytesIO(), wrong, chunks, tempfile.TemporaryFile)
    right = new_meta(id="x", index=filled().index, term=1, datacenter="dc1")
    with pytest.raises(DataDamagedError, match="read back"):
        make_archive(io.BytesIO(), right, [chunks[0], *chunks[2:]], tempfile.TemporaryFile)


def test_a_state_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STATE_BYTES_MAX", 100)
    meta = new_meta(id="x", index=filled().index, term=1, datacenter="dc1")
    with pytest.raises(StorageError, match="would restore more than 100"):
        make_archive(io.BytesIO(), meta, take(filled()), tempfile.TemporaryFile)


def test_a_full_disk_under_a_snapshot_is_told_with_the_way_out() -> None:
    meta = new_meta(id="x", index=filled().index, term=1, datacenter="dc1")
    with pytest.raises(StorageError, match="No space left on device; make room on that disk, and retry"):
        make_archive(io.BytesIO(), meta, take(filled()), _full)


def _full() -> BinaryIO:
    return Path("/dev/full").open("w+b")


async def test_a_directory_that_is_gone_is_named(log: Log, tmp_path: Path) -> None:
    backups = Backups(
        log.store,
        log.propose,
        directory=str(tmp_path / "gone"),
        clock=SystemClock(),
        rng=SeededRng(1),
        log=structlog.get_logger(),
    )
    with pytest.raises(StorageError, match="gone"):
        await backups.save(term=1)
    await backups.stop()


def test_the_parts_that_are_checked_are_the_whole_state() -> None:
    parts: list[bytes] = []
    state = saved(filled(100))
    meta = check_archive(packed(state, index=filled(100).index), parts.append)
    assert b"".join(parts) == state == b"".join(stream(take(filled(100))))
    assert meta.size == len(state)
