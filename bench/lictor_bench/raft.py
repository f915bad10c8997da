"""Commits a second and their times: three servers in three processes, mTLS between them, every log synced.

Closed loop at the leader with 1, 16 and 128 writers of 200-byte values, `MEASURE_S` seconds each, `ROUNDS` times; told
are the median and, for a machine that others use too, the best, and what the best cost all three in processor time.
First the log alone, then the same writes through a server's door, which carries them out on the real state. The
time of one fdatasync is told besides: a commit waits for at least one, so few writers mean little without it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from lictor_bench.certificates import server_tls
from lictor_bench.dev_agents import cpu_s, end, free_ports
from lictor_bench.raft_node import WARM_UP_S, Figures, Order, Setup, percentile
from lictor_bench.report import Row, table
from lictor_core.clock import SystemClock
from lictor_server.tls import TlsSettings

__all__ = ["MEASURE_S", "ROUNDS", "Nodes", "main", "measure", "nodes", "sync_ms"]

MEASURE_S: Final = 2.5
ROUNDS: Final = 3
_SERVERS: Final = 3
_LEVELS: Final = (("log alone", False, _SERVERS), ("through the door", True, _SERVERS))
_GOALS: Final = {1: 600, 16: 8_000, 128: 28_000}
_LEADER_S_MAX: Final = 20.0
_SYNCS: Final = 300
_SYNC_BYTES: Final = 4096


def main() -> None:
    """Measure and print."""
    print(table(f"Commits, {_SERVERS} servers, mTLS, synced, 200-byte values", measure()))


def measure() -> list[Row]:
    """All rows; there is no peer beside them."""
    rows: list[Row] = []
    for name, is_whole, count in _LEVELS:
        with nodes(count=count, is_whole=is_whole) as running:
            found = {writers: [_run(running, writers) for _ in range(ROUNDS)] for writers in _GOALS}
        for writers, runs in found.items():
            rows += _rows(f"{name}, {writers} writers", runs, None if is_whole else _GOALS[writers])
    with tempfile.TemporaryDirectory() as directory:
        syncs = sync_ms(Path(directory))
    rows.append(Row("one fdatasync of 4 KiB, p50", percentile(syncs, 0.5), None, "ms", smaller_is_better=True))
    rows.append(Row("one fdatasync of 4 KiB, p99", percentile(syncs, 0.99), None, "ms", smaller_is_better=True))
    return rows


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    figures: Figures
    cpu_us: float
    """Processor time for each write, of all servers together."""

    @property
    def rate(self) -> float:
        return self.figures.rate


def _run(running: Nodes, writers: int) -> _Run:
    before = running.cpu_s()
    figures = running.write(writers, MEASURE_S)
    share = MEASURE_S / (MEASURE_S + WARM_UP_S)  # what is written to warm up is not counted
    return _Run(figures, (running.cpu_s() - before) * share / max(figures.writes, 1) * 1e6)


def _rows(name: str, runs: Sequence[_Run], goal: float | None) -> list[Row]:
    best = max(runs, key=lambda run: run.rate)
    return [
        Row(f"{name}: median", statistics.median(run.rate for run in runs), None, "/s", goal),
        Row(f"{name}: best", best.rate, None, "/s", goal),
        Row(f"{name}: p50 of the best", best.figures.p50_ms, None, "ms", smaller_is_better=True),
        Row(f"{name}: p99 of the best", best.figures.p99_ms, None, "ms", smaller_is_better=True),
        Row(f"{name}: processor time of the best", best.cpu_us, None, "us", smaller_is_better=True),
    ]


@dataclasses.dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, order: Order) -> Figures:
        """Give an order and wait for its figures. Raises `RuntimeError` when the node has ended."""
        assert self.process.stdin is not None, "it takes orders from a pipe"
        assert self.process.stdout is not None, "and answers into one"
        try:
            self.process.stdin.write(msgspec.json.encode(order) + b"\n")
            self.process.stdin.flush()
            return msgspec.json.decode(self.process.stdout.readline(), type=Figures)
        except (OSError, msgspec.MsgspecError) as error:
            raise RuntimeError(f"a node has ended: {self.log.read_text()[-1000:]}") from error

    def end(self) -> None:
        """End the node."""
        end(self.process)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Nodes:
    """Running nodes."""

    def __init__(self, children: Sequence[_Child]) -> None:
        self._children = children

    def cpu_s(self) -> float:
        """Processor time that all of them have used."""
        return sum(cpu_s(child.process.pid) for child in self._children)

    def write(self, writers: int, seconds: float) -> Figures:
        """Write at the leader. Raises `RuntimeError` when there is none."""
        deadline = time.monotonic() + _LEADER_S_MAX
        while time.monotonic() < deadline:
            for child in self._children:
                if child.ask(Order()).leads:
                    return child.ask(Order(writers=writers, seconds=seconds))
            time.sleep(0.05)
        raise RuntimeError(f"no leader after {_LEADER_S_MAX:g} s: {self._children[0].log.read_text()[-1000:]}")


@contextlib.contextmanager
def nodes(*, count: int, is_whole: bool, tls: bool = True) -> Generator[Nodes]:
    """`count` nodes while the block runs, their data on the disk of the system's temporary files."""
    with tempfile.TemporaryDirectory(prefix="lictor-bench-") as directory:
        secured = server_tls(Path(directory), SystemClock()) if tls else None
        ids = [f"5c1e2f30-0000-4000-8000-{number:012d}" for number in range(count)]
        addresses = {id: f"127.0.0.1:{port}" for id, port in zip(ids, free_ports(count), strict=True)}
        children: list[_Child] = []
        try:
            for id in ids:
                children.append(_child(Path(directory) / id, id, addresses, secured, is_whole=is_whole))
            yield Nodes(children)
        finally:
            for child in children:
                child.end()


def _child(place: Path, id: str, addresses: dict[str, str], tls: TlsSettings | None, *, is_whole: bool) -> _Child:
    place.mkdir()
    setup = Setup(id=id, addresses=addresses, directory=str(place), tls=tls, is_whole=is_whole)
    command = [sys.executable, "-m", "lictor_bench.raft_node", msgspec.json.encode(setup).decode()]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    return _Child(process, place / "log")


def sync_ms(directory: Path) -> list[float]:
    """How long single fdatasyncs take here, milliseconds, in order of length."""
    took: list[float] = []
    descriptor = os.open(directory / "synced", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(_SYNCS):
            os.write(descriptor, bytes(_SYNC_BYTES))
            began = time.perf_counter()
            os.fdatasync(descriptor)
            took.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(descriptor)
    return sorted(took)


if __name__ == "__main__":
    main()
