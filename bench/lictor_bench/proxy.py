"""A request through two sidecars, beside Consul's built-in proxy in the same run.

An application (redis-server) behind a sidecar, a second sidecar with it as upstream, and redis-benchmark in front: both
far faster than what is measured. One pair is Lictor's proxies, the other Consul's; both ask the same agent. The pairs
are loaded in turn, `_ROUNDS` times, and each pair's best counts. Beside rates stands the processor time of both proxies
together, which a busy neighbour disturbs less. `main` prints the table; what is missing is named.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import Agent, consul_agent, consul_program, end, lictor_agent
from lictor_bench.report import Row, table

__all__ = ["main", "measure"]

_ROUNDS: Final = 6
_CONNECTIONS: Final = 32
_BULK_BYTES: Final = 1_000_000
_READY_S_MAX: Final = 30.0
_LOAD_S_MAX: Final = 60.0
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PING: Final = ("PING",)
_GET: Final = ("GET", "bulk")


@dataclass(frozen=True, slots=True)
class _Case:
    """One load: what redis-benchmark is told, and what is read from its answer."""

    name: str
    requests: int
    arguments: tuple[str, ...]
    command: tuple[str, ...]


_LATENCY: Final = _Case("one connection", 4_000, ("-c", "1"), _PING)
_THROUGHPUT: Final = _Case("32 connections", 25_000, ("-c", str(_CONNECTIONS)), _PING)
_DIALS: Final = _Case("a connection for each request", 700, ("-c", "8", "-k", "0"), _PING)
_STREAM: Final = _Case("one stream", 250, ("-c", "1"), _GET)
_STREAMS: Final = _Case("8 streams", 400, ("-c", "8"), _GET)
_CASES: Final = (_LATENCY, _THROUGHPUT, _DIALS, _STREAM, _STREAMS)


@dataclass(slots=True)
class _Pair:
    """Two proxies of one product; `port` leads through both. `best` holds the best figure of each name."""

    product: str
    port: int
    pids: tuple[int, int]
    best: dict[str, float] = field(default_factory=dict[str, float])

    def note(self, name: str, value: float, *, smaller: bool) -> None:
        before = self.best.get(name)
        if before is None or (value < before if smaller else value > before):
            self.best[name] = value

    def cpu_s(self) -> float:
        """Processor time that both proxies have used."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _TICKS_PER_S

    def resident_mb(self) -> float:
        """Resident memory of the larger proxy."""
        sizes = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids]
        return max(sizes) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Measure and print."""
    missing = [program for program in ("redis-server", "redis-benchmark") if shutil.which(program) is None]
    if missing:
        print(f"proxy: {' and '.join(missing)} missing, so nothing was measured (Debian: redis-server, redis-tools)")
        return
    program = consul_program()
    if program is None:
        print("proxy: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table("A request through two sidecars", measure(program)))


def measure(consul: str | None) -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    with contextlib.ExitStack() as running:
        agent = running.enter_context(consul_agent(consul) if consul is not None else lictor_agent())
        redis = running.enter_context(_redis())
        pairs = [running.enter_context(_pair("Lictor", str(Path(sys.executable).parent / "lictor"), agent, redis))]
        if consul is not None:
            pairs.append(running.enter_context(_pair("Consul", consul, agent, redis)))
        for _ in range(_ROUNDS):
            for case in _CASES:
                for pair in pairs:
                    _load(case, pair)
        for pair in pairs:
            pair.note("resident", pair.resident_mb(), smaller=True)
        return [
            _row(pairs, "requests/s", f"requests over {_CONNECTIONS} connections", "/s", goal=0.9),
            _row(pairs, "cpu_us", "processor time of a request, both proxies", "us", smaller=True),
            _row(pairs, "p50_ms", "p50 of a request, one connection", "ms", smaller=True),
            _row(pairs, "p99_ms", "p99 of a request, one connection", "ms", smaller=True),
            _row(pairs, "p50_busy_ms", f"p50 of a request, {_CONNECTIONS} connections", "ms", smaller=True),
            _row(pairs, "p99_busy_ms", f"p99 of a request, {_CONNECTIONS} connections", "ms", smaller=True),
            _row(pairs, "dials/s", "new connections", "/s"),
            _row(pairs, "dial_cpu_ms", "processor time of a new connection, both proxies", "ms", smaller=True),
            _row(pairs, "stream", "bytes in one stream", "MB/s"),
            _row(pairs, "streams", "bytes in 8 streams", "MB/s"),
            _row(pairs, "resident", "resident memory of the larger proxy", "MB", smaller=True),
        ]


def _row(
    pairs: Sequence[_Pair], key: str, name: str, unit: str, *, goal: float | None = None, smaller: bool = False
) -> Row:
    peer = pairs[1].best[key] if len(pairs) > 1 else None
    return Row(name, pairs[0].best[key], peer, unit, goal, smaller)


def _load(case: _Case, pair: _Pair) -> None:
    before = pair.cpu_s()
    figures = _benchmark(pair.port, case)
    cpu_s = (pair.cpu_s() - before) / case.requests
    rate = figures["rps"]
    if case is _LATENCY:
        pair.note("p50_ms", figures["p50_latency_ms"], smaller=True)
        pair.note("p99_ms", figures["p99_latency_ms"], smaller=True)
    elif case is _THROUGHPUT:
        pair.note("requests/s", rate, smaller=False)
        pair.note("cpu_us", cpu_s * 1e6, smaller=True)
        pair.note("p50_busy_ms", figures["p50_latency_ms"], smaller=True)
        pair.note("p99_busy_ms", figures["p99_latency_ms"], smaller=True)
    elif case is _DIALS:
        pair.note("dials/s", rate, smaller=False)
        pair.note("dial_cpu_ms", cpu_s * 1e3, smaller=True)
    else:
        pair.note("stream" if case is _STREAM else "streams", rate * _BULK_BYTES / 1e6, smaller=False)


def _benchmark(port: int, case: _Case) -> dict[str, float]:
    """The figures that redis-benchmark prints, by its own names."""
    argv = ["redis-benchmark", "-p", str(port), "--csv", "-n", str(case.requests), *case.arguments, *case.command]
    output = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=_LOAD_S_MAX).stdout
    rows = list(csv.DictReader(line for line in output.splitlines() if line.startswith('"')))
    if not rows:
        raise RuntimeError(f"redis-benchmark gave no figures for {case.name}: {output[-300:]}")
    return {name: float(value) for name, value in rows[-1].items() if name != "test"}


@contextlib.contextmanager
def _redis() -> Generator[int]:
    """A Redis server that keeps nothing; gives its port. One large value waits under the key `bulk`."""
    port = _free_port()
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _program([*argv, "--daemonize", "no"]):
        _wait_for_pong(port)
        # In Redis' own form of a request, since a line would be too long.
        _exchange(port, b"*3\r\n$3\r\nSET\r\n$4\r\nbulk\r\n$%d\r\n%b\r\n" % (_BULK_BYTES, b"x" * _BULK_BYTES), b"+OK")
        yield port


@contextlib.contextmanager
def _pair(product: str, program: str, agent: Agent, redis: int) -> Generator[_Pair]:
    """Two proxies of a product with the application behind the first and a local port of the second."""
    service, client, port = f"{product.lower()}-redis", f"{product.lower()}-client", _free_port()
    _register(agent, service, redis, {})
    _register(agent, client, _free_port(), {"Upstreams": [{"DestinationName": service, "LocalBindPort": port}]})
    arguments = [program, "connect", "proxy", "-http-addr", agent.url, "-log-level", "warn", "-sidecar-for"]
    with _program([*arguments, service]) as one, _program([*arguments, client]) as two:
        _wait_for_pong(port)
        yield _Pair(product, port, (one, two))


def _register(agent: Agent, service: str, port: int, proxy: dict[str, object]) -> None:
    healthy = [{"Name": "up", "TTL": "1h", "Status": "passing"}]
    sidecar = {"Port": _free_port(), "Proxy": proxy, "Checks": healthy}
    body = {"Name": service, "Port": port, "Connect": {"SidecarService": sidecar}}
    agent.put("/v1/agent/service/register", json.dumps(body).encode())


@contextlib.contextmanager
def _program(argv: Sequence[str]) -> Generator[int]:
    """A program while the block runs; gives its process id."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        end(process)


def _wait_for_pong(port: int) -> None:
    deadline = time.monotonic() + _READY_S_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, RuntimeError):
            _exchange(port, b"PING\r\n", b"+PONG")
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port} after {_READY_S_MAX} s")


def _exchange(port: int, request: bytes, expected: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = connection.recv(100)
    if not answer.startswith(expected):
        raise RuntimeError(f"port {port} answered {answer!r}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
