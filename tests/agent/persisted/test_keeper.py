"""The keeper: files follow the local state, in batches, and a disk that fails is told and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lictor_agent.local import LocalState, Origin
from lictor_agent.persisted import keeper as keeper_module
from lictor_agent.persisted.forms import file_name, read_saved_status
from lictor_agent.persisted.keeper import BATCH_MAX, Keeper
from lictor_agent.persisted.shelf import Found, Item, Kind, Shelf
from lictor_config.definitions import CheckDefinition
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import DiskFullError, StorageError
from tests.agent.builders import local_check, local_service
from tests.agent.harness import quiet_log
from tests.support.conditions import eventually

TTL = CheckDefinition(ttl_s=30)


class Disk(Shelf):
    """A shelf that fails when told, and counts."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.is_full = False
        self.batches: list[int] = []
        self.written = 0

    def apply(self, changes: Mapping[Item, bytes | None]) -> dict[Item, StorageError]:
        self.batches.append(len(changes))
        if self.is_full:
            return {item: DiskFullError("no room") for item in changes}
        self.written += len(changes)
        return super().apply(changes)

    def names(self) -> set[Item]:
        return {one.item for one in self.find() if isinstance(one, Found)}


class Bench:
    """A keeper over a disk."""

    def __init__(self, directory: Path) -> None:
        self.local = LocalState()
        self.disk = Disk(directory)
        log, self.logged = quiet_log()
        self.clock = SystemClock()
        self.keeper = Keeper(self.local, self.disk, self.clock, SeededRng(1), log)

    def check(self, id: str = "c", service_id: str = "") -> None:
        self.local.put_check(local_check(id, service_id=service_id, definition=TTL), 0.0)

    def events(self) -> list[str]:
        return [str(entry["event"]) for entry in self.logged.entries]


@asynccontextmanager
async def _bench(directory: Path) -> AsyncGenerator[Bench]:
    bench = Bench(directory)
    bench.keeper.begin(bench.disk.names())
    task = asyncio.get_running_loop().create_task(bench.keeper.run())
    try:
        yield bench
    finally:
        task.cancel()
        await asyncio.wait([task])


def _service(id: str) -> Item:
    return Item(Kind.SERVICE, file_name(id))


def _check(id: str) -> Item:
    return Item(Kind.CHECK, file_name(id))


async def test_what_is_kept_follows_what_is_registered(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.local.put_service(local_service("web"))
        bench.check("c", "web")
        await bench.keeper.kept(["web"], ["c"])
        assert bench.disk.names() == {_service("web"), _check("c")}
        bench.local.remove_service("web")
        await bench.keeper.kept(["web"], ["c"])
        assert bench.disk.names() == set()


async def test_what_files_define_is_not_kept(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.local.put_service(replace(local_service("web"), origin=Origin.FILE))
        bench.local.put_check(replace(local_check("c"), origin=Origin.FILE), 0.0)
        await bench.keeper.kept(["web"], ["c"])
        assert (bench.disk.names(), bench.disk.batches) == (set(), [])


async def test_a_state_that_changes_writes_no_file_anew(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.check("c")
        await bench.keeper.kept([], ["c"])
        bench.local.set_status("c", "passing", "well", 1.0)
        await bench.keeper.kept([], ["c"])
        assert bench.disk.written == 1


async def test_files_of_what_is_not_here_any_more_go_at_the_start(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.local.put_service(local_service("gone"))
        bench.local.put_service(local_service("stays"))
        await bench.keeper.kept(["gone", "stays"])
    other = Bench(tmp_path)
    other.local.put_service(local_service("stays"))
    other.keeper.begin(other.disk.names())
    task = asyncio.get_running_loop().create_task(other.keeper.run())
    await eventually(lambda: other.disk.names() == {_service("stays")}, what="the file goes")
    assert other.disk.written == 1, "the file that stays is not written anew"
    task.cancel()


async def test_a_state_is_kept_until_it_expires_and_goes_with_its_check(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.check("c")
        bench.local.set_status("c", "warning", "hm", 1.0)
        bench.keeper.status_told("c")
        state = Item(Kind.STATUS, file_name("c"))
        await eventually(lambda: state in bench.disk.names(), what="the state is kept")
        read = read_saved_status(bench.disk.path(state).read_bytes())
        assert (read.status, read.output) == ("warning", "hm")
        assert 25 < read.expires - bench.clock.now() <= 30
        bench.local.remove_check("c")
        await bench.keeper.kept([], ["c"])
        await eventually(lambda: bench.disk.names() == set(), what="the state goes")


async def test_a_state_that_says_the_same_is_written_only_now_and_then(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.check("c")
        await bench.keeper.kept([], ["c"])
        for _ in range(5):
            bench.keeper.status_told("c")
            await eventually(lambda: bench.disk.written >= 2, what="the state is kept")
        assert bench.disk.written == 2


async def test_what_comes_together_is_written_together(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        names = [f"s{number}" for number in range(BATCH_MAX + 10)]
        for name in names:
            bench.local.put_service(local_service(name))
        await bench.keeper.kept(names)
        assert bench.disk.batches == [BATCH_MAX, 10]


async def test_a_full_disk_is_told_to_those_who_wait(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.disk.is_full = True
        bench.local.put_service(local_service("web"))
        with pytest.raises(DiskFullError, match="no room"):
            await bench.keeper.kept(["web"])
        assert bench.events() == ["agent.shelf.failed"]


async def test_a_directory_that_may_not_even_be_looked_at_is_told_and_ends_nothing(tmp_path: Path) -> None:
    async with _bench(tmp_path / ("x" * 300)) as bench:
        for name in ("one", "two"):
            bench.local.put_service(local_service(name))
            with pytest.raises(StorageError):
                await bench.keeper.kept([name])


async def test_what_could_not_be_kept_is_kept_when_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "_RETRY_S_MIN", 0.05)
    async with _bench(tmp_path) as bench:
        bench.local.put_service(local_service("old"))
        await bench.keeper.kept(["old"])
        bench.disk.is_full = True
        bench.local.put_service(local_service("web"))
        bench.local.remove_service("old")
        with pytest.raises(DiskFullError):
            await bench.keeper.kept(["web", "old"])
        bench.disk.is_full = False
        await eventually(lambda: bench.disk.names() == {_service("web")}, what="the disk has it")
        await eventually(lambda: "agent.shelf.recovered" in bench.events(), what="it is told")


async def test_what_failed_and_is_wanted_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.disk.is_full = True
        for number in range(20):
            bench.local.put_service(local_service(f"s{number}"))
            with pytest.raises(DiskFullError):
                await bench.keeper.kept([f"s{number}"])
            bench.local.remove_service(f"s{number}")
        batches = len(bench.disk.batches)
        await bench.keeper.kept([f"s{number}" for number in range(20)])
        assert len(bench.disk.batches) == batches, "nothing is left to be done"


async def test_what_was_asked_for_before_the_end_is_done(tmp_path: Path) -> None:
    async with _bench(tmp_path) as bench:
        bench.check("c")
        await bench.keeper.kept([], ["c"])
        bench.keeper.status_told("c")
    assert Item(Kind.STATUS, file_name("c")) in bench.disk.names()
