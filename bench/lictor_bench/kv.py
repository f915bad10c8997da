"""KV writes a second over HTTP at three servers that sync their disks, beside three of the real Consul in the same run.

The load comes from wrk: 200-byte values, each request another key of `KEYS`, with 1, 32 and 128 connections at the
leader and 32 at a follower. Both clusters run all the time; the figures are taken in turns, `ROUNDS` times, and the
median of each is told. The last rows are processor time for each write, of all three servers together: others who use
the machine change that less.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from lictor_bench.report import Row, table
from lictor_bench.servers import Cluster, ServerProcess, consul, lictor, running
from lictor_bench.wrk import program, puts, rate

__all__ = ["KEYS", "MEASURE_S", "ROUNDS", "main", "measure"]

MEASURE_S: Final = 3
ROUNDS: Final = 3
KEYS: Final = 10_000
_VALUE_BYTES: Final = 200
_CASES: Final = (
    ("at the leader, 1 connection", True, 1, None),
    ("at the leader, 32 connections", True, 32, 1.0),
    ("at the leader, 128 connections", True, 128, 1.0),
    ("at a follower, 32 connections", False, 32, None),
)


class _Found(NamedTuple):
    rate: float
    cpu_us: float


def main() -> None:
    """Measure and print."""
    wrk = program()
    if wrk is None:
        print("kv: wrk is missing, so nothing was measured: install it (Debian: wrk) and run again")
        return
    if consul() is None:
        print("kv: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table(f"KV writes, 3 servers, {_VALUE_BYTES}-byte values, synced, wrk -t1", measure(wrk)))


def measure(wrk: str) -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    with contextlib.ExitStack() as open_:
        place = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        script = puts(place, keys=KEYS, value_bytes=_VALUE_BYTES)
        programs = [one for one in (lictor(), consul()) if one is not None]
        clusters = [open_.enter_context(running(one)) for one in programs]
        found: dict[str, list[list[_Found]]] = {name: [[] for _ in clusters] for name, *_ in _CASES}
        for _ in range(ROUNDS):
            for name, at_leader, connections, _goal in _CASES:
                for cluster, runs in zip(clusters, found[name], strict=True):
                    runs.append(_run(wrk, cluster, script, connections, at_leader=at_leader))
    rates = [
        _row(name, [statistics.median(run.rate for run in runs) for runs in found[name]], "/s", goal)
        for name, _, _, goal in _CASES
    ]
    costs = [
        _row(f"{name}: processor time", [min(run.cpu_us for run in runs) for runs in found[name]], "us", None)
        for name, *_ in _CASES
    ]
    return rates + costs


def _row(name: str, values: list[float], unit: str, goal: float | None) -> Row:
    peer = values[1] if len(values) > 1 else None
    return Row(name, values[0], peer, unit, goal, smaller_is_better=unit == "us")


def _run(wrk: str, cluster: Cluster, script: Path, connections: int, *, at_leader: bool) -> _Found:
    leader = cluster.leader()
    target = leader if at_leader else _follower(cluster, leader)
    before = cluster.cpu_s()
    found = rate(wrk, target.url, connections=connections, seconds=MEASURE_S, script=script)
    return _Found(found, (cluster.cpu_s() - before) / (found * MEASURE_S) * 1e6)


def _follower(cluster: Cluster, leader: ServerProcess) -> ServerProcess:
    return next(one for one in cluster.servers if one is not leader)


if __name__ == "__main__":
    main()
