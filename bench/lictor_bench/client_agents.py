"""Reads at a client agent in front of one server, beside Consul's pair on the same machine in the same run.

HTTP by wrk with 32 connections, DNS by `dns_load`; a service of 10 instances. Programs take turns, a few rounds of
which each one's best counts. Below stands how much memory each client agent holds then. `main` prints the table.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import consul_program
from lictor_bench.dns_load import Load
from lictor_bench.pairs import Pair, every_pair, put, until_answers
from lictor_bench.report import Row, table
from lictor_bench.wrk import program, puts, rate

__all__ = ["main", "measure"]

_ROUNDS: Final = 3
_MEASURE_S: Final = 3
_CONNECTIONS: Final = 32
_INSTANCES: Final = 10
_MANY_INSTANCES: Final = 1000
_READS: Final = (
    ("health/service, default", "/v1/health/service/web", 5.0),
    ("health/service, ?cached", "/v1/health/service/web?cached", 2.0),
    ("health/service, ?stale", "/v1/health/service/web?stale", 5.0),
    ("health/service, ?consistent", "/v1/health/service/web?consistent", 5.0),
    ("health/service of 1,000 instances, default", "/v1/health/service/many", 5.0),
    ("health/service of 1,000 instances, ?cached", "/v1/health/service/many?cached", 5.0),
    ("health/service of 1,000 instances, ?stale", "/v1/health/service/many?stale", 5.0),
    ("health/service of 1,000 instances, ?consistent", "/v1/health/service/many?consistent", 5.0),
    ("KV get", "/v1/kv/greeting", 5.0),
)
_PUTS_GOAL: Final = 1.0
_KEYS: Final = 1000
_VALUE_BYTES: Final = 64
_DNS_GOAL: Final = 20.0


def main() -> None:
    """Measure and print."""
    wrk = program()
    if wrk is None:
        print("client_agents: wrk is missing, so nothing was measured: install it (Debian: wrk) and run again")
        return
    if consul_program() is None:
        print("client_agents: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table("At a client agent, one server behind it", measure(wrk)))


def measure(wrk: str) -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    with contextlib.ExitStack() as running:
        pairs = running.enter_context(every_pair())
        for pair in pairs:
            _fill(pair)
        rows: list[Row] = []
        for name, path, goal in _READS:
            rounds = [[_http_rate(wrk, pair, path) for pair in pairs] for _ in range(_ROUNDS)]
            rows.append(_row(name, [max(rates) for rates in zip(*rounds, strict=True)], "/s", goal))
        place = Path(running.enter_context(tempfile.TemporaryDirectory()))
        script = puts(place, keys=_KEYS, value_bytes=_VALUE_BYTES)
        rounds = [[_http_rate(wrk, pair, "", script) for pair in pairs] for _ in range(_ROUNDS)]
        rows.append(_row("KV put, 64 bytes", [max(each) for each in zip(*rounds, strict=True)], "/s", _PUTS_GOAL))
        rounds = [[_dns_rate(pair) for pair in pairs] for _ in range(_ROUNDS)]
        rows.append(_row("DNS, A and SRV", [max(rates) for rates in zip(*rounds, strict=True)], "/s", _DNS_GOAL))
        rows.append(_row("memory", [_rss_mib(pair.pid) for pair in pairs], "MiB", 1.0, smaller_is_better=True))
        return rows


def _row(name: str, figures: list[float], unit: str, goal: float, *, smaller_is_better: bool = False) -> Row:
    peer = figures[1] if len(figures) > 1 else None
    return Row(name, figures[0], peer, unit, goal, smaller_is_better=smaller_is_better)


def _fill(pair: Pair) -> None:
    for service, count in (("web", _INSTANCES), ("many", _MANY_INSTANCES)):
        for number in range(count):
            put(f"http://{pair.server}:8500/v1/catalog/register", _registration(service, number))
    put(f"http://{pair.server}:8500/v1/kv/greeting", b"v" * _VALUE_BYTES)
    until_answers(f"http://{pair.host}:8500/v1/health/service/web?cached", b"web-9")


def _registration(service: str, number: int) -> bytes:
    instance, node = f"{service}-{number}", number % 100
    registration = {
        "Node": f"node-{node}",
        "Address": f"192.0.2.{node + 1}",
        "NodeMeta": {"rack": f"r{node}"},
        "Service": {"ID": instance, "Service": service, "Tags": ["primary"], "Port": 8000 + number},
        "Checks": [{"CheckID": instance, "Name": "alive", "Status": "passing", "ServiceID": instance}],
    }
    return json.dumps(registration).encode()


def _http_rate(wrk: str, pair: Pair, path: str, script: Path | None = None) -> float:
    url = f"http://{pair.host}:8500{path}"
    return rate(wrk, url, connections=_CONNECTIONS, seconds=_MEASURE_S, script=script)


def _dns_rate(pair: Pair) -> float:
    command = [sys.executable, "-m", "lictor_bench.dns_load", pair.host, "8600", str(_MEASURE_S), "0"]
    command += ["web.service.consul/A", "web.service.consul/SRV"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_MEASURE_S + 30).stdout
    load = Load(**json.loads(output))
    if load.wrong or not load.answers:
        raise RuntimeError(f"{pair.name} gave {load.wrong} wrong answers of {load.answers}: no rate")
    return load.answers / load.seconds


def _rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


if __name__ == "__main__":
    main()
