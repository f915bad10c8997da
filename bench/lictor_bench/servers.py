"""Clusters of three servers to measure: the real Consul's and Lictor's, each server a process with a data directory.

Ports are free ones of 127.0.0.1; the data directories of both programs lie side by side, on the disk of the system's
temporary files (`TMPDIR` chooses). A server can be killed and started again with what it kept.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import consul_program, cpu_s, end, free_ports, lictor_program

__all__ = ["SERVERS", "Cluster", "Program", "ServerProcess", "consul", "lictor", "running"]

SERVERS: Final = 3
_READY_S_MAX: Final = 60.0
_POLL_S: Final = 0.05
_QUIET_POLLS: Final = 5
"""Times in a row that every server names the same leader, before it counts as settled."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that servers are made of. `ports` are the names of its port flags, `meets_at` the one peers dial."""

    name: str
    path: str
    ports: tuple[str, ...]
    meets_at: str
    settings: dict[str, object]


def lictor() -> Program:
    """Lictor, of the environment that measures, as fast to elect as Consul at multiplier 1."""
    return Program("Lictor", lictor_program(), ("http", "server"), "server", _settings())


def consul() -> Program | None:
    """The real Consul, where it is found."""
    path = consul_program()
    if path is None:
        return None
    return Program("Consul", path, ("http", "server", "serf-lan", "serf-wan"), "serf-lan", _settings())


def _settings() -> dict[str, object]:
    """The same for both: nothing but HTTP, and no bound on connections below what is measured."""
    return {
        "performance": {"raft_multiplier": 1},
        "limits": {"http_max_conns_per_client": 1000},
        "log_level": "WARN",
        "ports": {"dns": -1, "grpc": -1},
        "disable_update_check": True,
    }


@dataclass(slots=True)
class ServerProcess:
    """One server, running or not."""

    name: str
    ports: dict[str, int]
    directory: Path
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its HTTP API is."""
        return f"http://127.0.0.1:{self.ports['http']}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.directory / "log"

    def start(self) -> None:
        """Run it, with what it kept."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.directory)

    def kill(self) -> None:
        """End it without a word to it."""
        assert self.process is not None, "only what runs is killed"
        self.process.kill()
        self.process.wait()

    def get(self, path: str, *, timeout_s: float = 1.0) -> bytes | None:
        """The body of a 200; None for anything else."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return body if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def leader(self) -> str:
        """The address of whom it takes for the leader; empty when for nobody."""
        found: object = json.loads(self.get("/v1/status/leader") or b'""')
        return found if isinstance(found, str) else ""


@dataclass(slots=True)
class Cluster:
    """The servers of one program."""

    program: Program
    servers: list[ServerProcess] = field(default_factory=list[ServerProcess])

    def leader(self) -> ServerProcess:
        """The one who leads, once all agree on it. Raises `RuntimeError` when they do not within a minute."""
        seen: list[ServerProcess] = []

        def settled() -> bool:
            found = self._agreed()
            if found is None or (seen and seen[-1] is not found):
                seen.clear()
            if found is not None:
                seen.append(found)
            return len(seen) >= _QUIET_POLLS

        self.wait(settled, "no leader that all name")
        return seen[-1]

    def wait(self, condition: Callable[[], bool], trouble: str) -> None:
        """Return once `condition` holds. Raises `RuntimeError` with the ends of all logs when it does not."""
        deadline = time.monotonic() + _READY_S_MAX
        while not condition():
            dead = [one.name for one in self.servers if one.process is None or one.process.poll() is not None]
            if time.monotonic() >= deadline or dead:
                logs = "\n".join(f"{one.name}: {one.log.read_text()[-600:]}" for one in self.servers)
                raise RuntimeError(f"{self.program.name}: {trouble} after {_READY_S_MAX:g} s, ended: {dead}; {logs}")
            time.sleep(_POLL_S)

    def cpu_s(self) -> float:
        """Processor time that all servers have used."""
        return sum(cpu_s(one.process.pid) for one in self.servers if one.process is not None)

    def _agreed(self) -> ServerProcess | None:
        named = {one.leader() for one in self.servers}
        if len(named) != 1:
            return None
        port = named.pop().rpartition(":")[2]
        return next((one for one in self.servers if str(one.ports["server"]) == port), None)


@contextlib.contextmanager
def running(program: Program, count: int = SERVERS) -> Generator[Cluster]:
    """A cluster with a leader, while the block runs; its data is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="lictor-bench-") as directory:
        cluster = Cluster(program, _servers(program, Path(directory), count))
        try:
            for one in cluster.servers:
                one.start()
            cluster.leader()
            yield cluster
        finally:
            for one in cluster.servers:
                if one.process is not None:
                    end(one.process)


def _servers(program: Program, directory: Path, count: int) -> list[ServerProcess]:
    free = iter(free_ports(count * len(program.ports)))
    ports = [{name: next(free) for name in program.ports} for _ in range(count)]
    servers: list[ServerProcess] = []
    for number, own in enumerate(ports):
        place = directory / f"server-{number}"
        place.mkdir()
        settings = place / "settings.json"
        settings.write_text(json.dumps(program.settings))
        command = [program.path, "agent", "-server", "-bootstrap-expect", str(count), "-bind", "127.0.0.1"]
        command += ["-node", f"server-{number}", "-data-dir", str(place / "data"), "-config-file", str(settings)]
        for name, port in own.items():
            command += [f"-{name}-port", str(port)]
        for other in ports:
            command += ["-retry-join", f"127.0.0.1:{other[program.meets_at]}"]
        servers.append(ServerProcess(f"{program.name} {number}", own, place, command))
    return servers
