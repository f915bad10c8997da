"""Five thousand agents at three servers: what they cost at rest, how fast a change reaches all of them, and whether a
healthy one is ever called critical while the servers are restarted one after another.

Servers are real processes; the agents stand together in a few processes (`agents_load`), each with a connection,
a lease, ten services and a view of its own. There is no peer: five thousand of Consul's agents would need gossip among
five thousand processes. `LICTOR_BENCH_AGENTS` sets another number.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from lictor_bench.agents_load import AGENT, MARK, Figures, Order, Setup
from lictor_bench.dev_agents import cpu_s, end
from lictor_bench.raft_node import percentile
from lictor_bench.report import Row, table
from lictor_bench.servers import Cluster, ServerProcess, lictor, running

__all__ = ["AGENTS", "SERVICES", "Vigil", "crowds", "main", "measure", "register"]

AGENTS: Final = 5_000
_PROCESSES: Final = 2
SERVICES: Final = 10
_NAMES: Final = 500
_FOLLOWED: Final = "followed"
_START_S_MAX: Final = 600.0
_SETTLE_S: Final = 20.0
_IDLE_S: Final = 30.0
_CHANGES: Final = 20
_CHANGE_S_MAX: Final = 30.0
_DOWN_S: Final = 5.0
"""How long a server is away in the rolling restart: longer than any election."""
_BACK_S: Final = 15.0
"""How long it is back before the next one goes: longer than a lease."""
_WATCH_S: Final = 0.5


def main() -> None:
    """Measure and print."""
    count = int(os.environ.get("LICTOR_BENCH_AGENTS", AGENTS))
    print(table(f"{count:,} agents with {SERVICES} services each, three servers", measure(count)))


def measure(count: int) -> list[Row]:
    """All figures. Raises `RuntimeError` when the agents do not come to rest."""
    with running(lictor()) as cluster, crowds(cluster, count) as crowd:
        began = time.monotonic()
        figures = crowd.order(Order(ready=True, within_s=_START_S_MAX))
        if not all(one.complete for one in figures):
            raise RuntimeError(f"{sum(one.agents for one in figures)} of {count} agents are ready only")
        rows = [_row("until all are registered", time.monotonic() - began, "s")]
        time.sleep(_SETTLE_S)
        rows += _at_rest(cluster)
        rows += _changes(cluster, crowd)
        with Vigil(cluster).kept() as vigil:
            rows += _rolling_restart(cluster)
            rows += _changes(cluster, crowd, "after the restarts")
        rows.append(_row("healthy nodes called critical", len(vigil.accused), ""))
        rows.append(_row("looks at the nodes", vigil.looks, ""))
    return rows


def _row(name: str, value: float, unit: str, goal: float | None = None) -> Row:
    return Row(name, value, None, unit, goal, smaller_is_better=True)


def _at_rest(cluster: Cluster) -> list[Row]:
    leader = cluster.leader()
    used = _shares(cluster, _IDLE_S)
    rows: list[Row] = []
    for number, one in enumerate(cluster.servers):
        name = "leader" if one is leader else f"follower {number}"
        rows.append(_row(f"at rest, {name}: of a core", 100 * used[number], "%", 25 if one is leader else None))
        rows.append(_row(f"at rest, {name}: memory", _resident_mib(one), "MiB"))
    return rows


def _shares(cluster: Cluster, seconds: float) -> list[float]:
    """How much of a core each server uses in the next `seconds`."""
    before = [_cpu_s(one) for one in cluster.servers]
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return [(_cpu_s(one) - used) / took for one, used in zip(cluster.servers, before, strict=True)]


def _changes(cluster: Cluster, crowd: Crowds, when: str = "") -> list[Row]:
    delays: list[float] = []
    for number in range(_CHANGES):
        mark = f"{when}{number}"
        began = time.monotonic()
        register(cluster.servers[number % len(cluster.servers)], mark)
        figures = crowd.order(Order(mark=mark, within_s=_CHANGE_S_MAX))
        delays += [seen - began for one in figures for seen in one.seen]
        if not all(one.complete for one in figures):
            seen, missing = sum(len(one.seen) for one in figures), [agent for one in figures for agent in one.missing]
            raise RuntimeError(f"{mark!r} reached {seen} views in {_CHANGE_S_MAX:g} s, not those of {missing}")
    delays.sort()
    suffix = f", {when}" if when else ""
    return [
        _row(f"a change in all views{suffix}: p50", percentile(delays, 0.5) * 1000, "ms"),
        _row(f"a change in all views{suffix}: p99", percentile(delays, 0.99) * 1000, "ms"),
    ]


def register(server: ServerProcess, mark: str) -> None:
    """Change the followed service, on a node that no agent has."""
    service = {"ID": _FOLLOWED, "Service": _FOLLOWED, "Port": 1, "Meta": {MARK: mark}}
    body = json.dumps({"Node": "outside", "Address": "127.0.0.9", "Service": service})
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=_CHANGE_S_MAX)
    with contextlib.closing(connection):
        connection.request("PUT", "/v1/catalog/register", body)
        answer = connection.getresponse()
        text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{server.name} answered {answer.status} to a registration: {text[:200]!r}")


def _rolling_restart(cluster: Cluster) -> list[Row]:
    """Every server is ended and started again, the leader among them; the processor time of each meanwhile."""
    began, before = time.monotonic(), [_cpu_s(one) for one in cluster.servers]
    used = [0.0] * len(cluster.servers)
    for number, one in enumerate(cluster.servers):
        used[number] += _cpu_s(one) - before[number]
        assert one.process is not None, "it runs"
        end(one.process)
        one.process = None
        time.sleep(_DOWN_S)
        one.start()
        before[number] = 0.0
        time.sleep(_BACK_S)
        cluster.leader()
    took = time.monotonic() - began
    rows: list[Row] = []
    for number, one in enumerate(cluster.servers):
        used[number] += _cpu_s(one) - before[number]
        rows.append(_row(f"rolling restart, server {number}: of a core", 100 * used[number] / took, "%"))
        rows.append(_row(f"rolling restart, server {number}: memory after it", _resident_mib(one), "MiB"))
    return rows


@dataclass(slots=True)
class Vigil:
    """Looks again and again at which nodes are critical, at whichever server answers."""

    cluster: Cluster
    accused: dict[str, str] = field(default_factory=dict[str, str])
    """Agents that were critical, and why."""
    looks: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def kept(self) -> Generator[Vigil]:
        """Look while the block runs."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            yield self
        finally:
            self.over.set()
            watcher.join(10)

    def _watch(self) -> None:
        while not self.over.wait(_WATCH_S):
            for server in self.cluster.servers:
                self._look(server)

    def _look(self, server: ServerProcess) -> None:
        body = server.get("/v1/health/state/critical?stale", timeout_s=5.0)
        if body is None:
            return
        self.looks += 1
        for check in json.loads(body):
            if check["CheckID"] == "serfHealth" and check["Node"].startswith(AGENT):
                self.accused[check["Node"]] = check["Output"]


@dataclass(slots=True)
class Crowds:
    """The processes that are the agents."""

    processes: list[subprocess.Popen[bytes]]
    log: Path

    def order(self, order: Order) -> list[Figures]:
        """Give all of them an order, and wait for what each answers. Raises `RuntimeError` when one has ended."""
        line = msgspec.json.encode(order) + b"\n"
        try:
            for process in self.processes:
                assert process.stdin is not None, "it takes orders from a pipe"
                process.stdin.write(line)
                process.stdin.flush()
            answers = [self._answer(process) for process in self.processes]
        except (OSError, msgspec.MsgspecError) as error:
            raise RuntimeError(f"agents have ended: {self.log.read_text()[-2000:]}") from error
        return answers

    def _answer(self, process: subprocess.Popen[bytes]) -> Figures:
        assert process.stdout is not None, "it answers into a pipe"
        return msgspec.json.decode(process.stdout.readline(), type=Figures)


@contextlib.contextmanager
def crowds(cluster: Cluster, count: int) -> Generator[Crowds]:
    """`count` agents while the block runs."""
    each = -(-count // _PROCESSES)
    with tempfile.TemporaryDirectory(prefix="lictor-bench-") as directory:
        found = Crowds([], Path(directory) / "log")
        try:
            for number in range(_PROCESSES):
                setup = Setup(
                    first=number * each,
                    count=min(each, count - number * each),
                    services=SERVICES,
                    names=_NAMES,
                    followed=_FOLLOWED,
                    servers=tuple(f"127.0.0.1:{one.ports['server']}" for one in cluster.servers),
                )
                found.processes.append(_crowd(setup, found.log))
            yield found
        finally:
            for process in found.processes:
                end(process)
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()


def _crowd(setup: Setup, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lictor_bench.agents_load", msgspec.json.encode(setup).decode()]
    with log.open("ab") as errors:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)


def _cpu_s(server: ServerProcess) -> float:
    assert server.process is not None, "it runs"
    return cpu_s(server.process.pid)


def _resident_mib(server: ServerProcess) -> float:
    assert server.process is not None, "it runs"
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
