"""HTTP reads and KV writes a second, beside `consul agent -dev` on the same machine in the same run.

The load comes from wrk: one thread, 32 connections, `MEASURE_S` seconds for each figure, both agents one after the
other. `main` prints the table; without wrk or Consul it says what is missing.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import Agent, consul_agent, consul_program, lictor_agent
from lictor_bench.report import Row, table
from lictor_bench.wrk import program, puts, rate
from lictor_core.transactions import OPERATIONS_MAX

__all__ = ["MEASURE_S", "main", "measure"]

MEASURE_S: Final = 4
_CONNECTIONS: Final = 32
_INSTANCES: Final = 10
_MANY_INSTANCES: Final = 1000
_SERVICES: Final = 5000
_READS: Final = (
    ("health/service, 10 instances, default", "/v1/health/service/web", 5.0),
    ("health/service, 10 instances, ?cached", "/v1/health/service/web?cached", 5.0),
    ("health/service, 10 instances, ?stale", "/v1/health/service/web?stale", 5.0),
    ("health/service, 10 instances, ?consistent", "/v1/health/service/web?consistent", 5.0),
    ("catalog/service, 10 instances", "/v1/catalog/service/web", 5.0),
    ("health/service, 1,000 instances, default", "/v1/health/service/many", 5.0),
    ("health/service, 1,000 instances, ?cached", "/v1/health/service/many?cached", 5.0),
    ("health/service, 1,000 instances, ?stale", "/v1/health/service/many?stale", 5.0),
    ("health/service, 1,000 instances, ?consistent", "/v1/health/service/many?consistent", 5.0),
    ("catalog/services, 5,000 services", "/v1/catalog/services", 5.0),
    ("catalog/services, 5,000 services, ?cached", "/v1/catalog/services?cached", 5.0),
    ("KV get", "/v1/kv/greeting", 5.0),
    ("KV get, ?consistent", "/v1/kv/greeting?consistent", 5.0),
    ("blocking query behind its index", "/v1/health/service/web?index=1", None),
)
_KEYS: Final = 1000
_VALUE_BYTES: Final = 64


def main() -> None:
    """Measure and print."""
    wrk = program()
    if wrk is None:
        print("http: wrk is missing, so nothing was measured: install it (Debian: wrk) and run again")
        return
    consul = consul_program()
    if consul is None:
        print("http: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table(f"HTTP requests/s, wrk -t1 -c{_CONNECTIONS}", measure(wrk, consul)))


def measure(wrk: str, consul: str | None) -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    with contextlib.ExitStack() as running:
        agents = [running.enter_context(lictor_agent())]
        if consul is not None:
            agents.append(running.enter_context(consul_agent(consul)))
        for agent in agents:
            _register(agent)
        place = Path(running.enter_context(tempfile.TemporaryDirectory()))
        script = puts(place, keys=_KEYS, value_bytes=_VALUE_BYTES)
        rows = [_row(name, [_rate(wrk, agent.url + path) for agent in agents], goal) for name, path, goal in _READS]
        rows.append(_row("KV put, 64 bytes", [_rate(wrk, agent.url, script) for agent in agents], 1.0))
    return rows


def _row(name: str, rates: list[float], goal: float | None) -> Row:
    return Row(name, rates[0], rates[1] if len(rates) > 1 else None, "/s", goal)


def _register(agent: Agent) -> None:
    for name, count in (("web", _INSTANCES), ("many", _MANY_INSTANCES)):
        for number in range(count):
            instance = f"{name}-{number}"
            registration = {
                "Node": f"node-{number % 100}",
                "Address": f"192.0.2.{number % 100 + 1}",
                "Service": {"ID": instance, "Service": name, "Tags": ["primary"], "Port": 8000 + number},
                "Checks": [{"CheckID": instance, "Name": "alive", "Status": "passing", "ServiceID": instance}],
            }
            agent.put("/v1/catalog/register", json.dumps(registration).encode())
    for start in range(0, _SERVICES, OPERATIONS_MAX):
        operations = [
            {"Service": {"Verb": "set", "Node": f"node-{number % 100}", "Service": {"Service": f"service-{number}"}}}
            for number in range(start, min(start + OPERATIONS_MAX, _SERVICES))
        ]
        agent.put("/v1/txn", json.dumps(operations).encode())
    agent.put("/v1/kv/greeting", b"v" * 64)


def _rate(wrk: str, url: str, script: Path | None = None) -> float:
    return rate(wrk, url, connections=_CONNECTIONS, seconds=MEASURE_S, script=script)


if __name__ == "__main__":
    main()
