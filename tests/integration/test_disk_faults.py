"""Disks that are full, fail or hang under a real agent: no write is called done that is not, and the agent says why."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.altered_agent import alterations, command
from tests.support.conditions import wait_until
from tests.support.lone_server import LoneServer
from tests.support.processes import Program
from tests.support.small_disk import small_disk

WRITERS = 4
VALUE_CHARS = 4_000
END_S_MAX = 5.0
"""From the first write that could not be kept to the end of the process."""

needs_namespaces = pytest.mark.needs("unshare", "nsenter", "mount")
needs_compiler = pytest.mark.needs("cc")


@contextmanager
def writers(server: LoneServer) -> Generator[None]:
    """Several clients that write until the server is gone."""
    threads = [
        threading.Thread(target=server.write_until_dead, args=(number, 0), kwargs={"value_chars": VALUE_CHARS})
        for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def check_end(program: Program, server: LoneServer, *, since: float | None = None) -> None:
    """The agent ends by itself, within a second of the first write that it did not do."""
    assert program.process.wait(20) == 1
    ended = time.monotonic()
    first_refused = min((when for when, _, _ in server.refused), default=ended)
    assert ended - min(first_refused, since or first_refused) <= END_S_MAX
    assert "Traceback" not in program.log()


@needs_namespaces
def test_a_full_disk_ends_the_agent_and_what_it_acknowledged_is_there_once_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.mkdir()
    server = LoneServer(tmp_path, data_dir=path / "data")
    with small_disk(path, tmp_path, kib=2048) as disk:
        with server.agent(kill=True, prefix=disk.prefix) as program:
            with writers(server):
                check_end(program, server)
            assert f"the agent cannot go on: cannot write the log in {path}/data/raft/log: No space" in program.log()
            assert "make room on that disk, then start the server again" in program.log()
        assert all(status >= 500 for _, status, _ in server.refused), server.refused
        assert len(server.acknowledged) > 100
        disk.resize(16 * 1024)
        with server.agent(kill=False, prefix=disk.prefix):
            assert server.missing() == {}
            assert server.request("PUT", "/v1/kv/after", "1")[:2] == (200, "true")


@needs_namespaces
def test_an_agent_that_finds_no_room_for_its_vote_does_not_start_and_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.mkdir()
    server = LoneServer(tmp_path, data_dir=path / "data")
    with small_disk(path, tmp_path, kib=2048) as disk:
        with server.agent(kill=False, prefix=disk.prefix):
            assert server.request("PUT", "/v1/kv/a", "1")[:2] == (200, "true")
        disk.fill()
        with server.agent(kill=True, prefix=disk.prefix, wait=False) as program:
            assert program.process.wait(20) == 1
            assert f"cannot write {path}/data/raft/vote: No space left on device; make room" in program.log()
            assert "Traceback" not in program.log()
        disk.run("rm", path / "filler")
        with server.agent(kill=False, prefix=disk.prefix):
            assert server.everything() == {"a": "1"}


@needs_namespaces
def test_a_snapshot_that_finds_no_room_is_told_and_made_later_and_writes_go_on(tmp_path: Path) -> None:
    path = tmp_path / "data" / "raft" / "snapshots"
    path.mkdir(parents=True)
    server = LoneServer(tmp_path)
    altered = alterations(raft={"snapshot_log_bytes": 400_000, "snapshot_trailing": 10})
    with (
        small_disk(path, tmp_path, kib=64) as disk,
        server.agent(kill=False, prefix=disk.prefix, command=command(), environment=altered) as program,
    ):
        number = 0

        def write_until(event: str) -> None:
            nonlocal number
            deadline = time.monotonic() + 30
            while event not in program.log():
                assert time.monotonic() < deadline, f"no {event}"
                assert server.request("PUT", f"/v1/kv/{number % 100}", str(number).ljust(2000))[0] == 200
                number += 1

        write_until("raft.snapshot.failed")
        assert "are kept for the log; make room" in program.log()
        assert "raft.snapshot.written" not in program.log()
        disk.resize(8 * 1024)
        write_until("raft.snapshot.written")
        assert len(server.everything()) == min(number, 100)


@pytest.fixture(scope="module")
def faulty_sync(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that stands before the C library's `fsync` and `fdatasync`."""
    library = tmp_path_factory.mktemp("shim") / "faulty_sync.so"
    source = Path(__file__).parents[1] / "support" / "faulty_sync.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


@needs_compiler
def test_a_sync_that_fails_ends_the_agent_and_nothing_acknowledged_is_lost(tmp_path: Path, faulty_sync: Path) -> None:
    server = LoneServer(tmp_path)
    fault = tmp_path / "fault"
    environment = {"LD_PRELOAD": str(faulty_sync), "LICTOR_TEST_SYNC_FAULT": str(fault)}
    with server.agent(kill=True, environment=environment) as program:
        with writers(server):
            server.wait_for_writes(100)
            fault.write_text("fail")
            check_end(program, server, since=time.monotonic())
        log = program.log()
        assert f"the agent cannot go on: cannot write the log in {tmp_path}/data/raft/log: Input/output error" in log
        assert "check the disk" in log
    assert all(status >= 500 for _, status, _ in server.refused), server.refused
    with server.agent(kill=False):
        assert server.missing() == {}


@needs_compiler
def test_while_the_disk_hangs_writes_wait_and_reads_are_answered(tmp_path: Path, faulty_sync: Path) -> None:
    server = LoneServer(tmp_path)
    fault = tmp_path / "fault"
    environment = {"LD_PRELOAD": str(faulty_sync), "LICTOR_TEST_SYNC_FAULT": str(fault)}
    with server.agent(kill=False, environment=environment) as program:
        assert server.request("PUT", "/v1/kv/a", "1")[:2] == (200, "true")
        fault.write_text("hang")
        waiting = threading.Thread(target=lambda: answers.append(server.request("PUT", "/v1/kv/b", "2")))
        answers: list[tuple[int, str, int]] = []
        waiting.start()
        until = time.monotonic() + 2.5
        slowest_s = 0.0
        while time.monotonic() < until:
            began = time.monotonic()
            assert server.get("/v1/kv/a?raw")[:2] == (200, "1")
            slowest_s = max(slowest_s, time.monotonic() - began)
            assert server.get("/v1/kv/b")[0] == 404, "what is not durable is not there"
        assert answers == []
        assert slowest_s < 1.0
        fault.unlink()
        waiting.join(10)
        assert [answer[:2] for answer in answers] == [(200, "true")]
        wait_until(lambda: server.get("/v1/kv/b?raw")[1] == "2", within_s=30, what="the write")
        assert "raft.leader.lost" not in program.log()
