"""DNS answers a second over UDP, beside `consul agent -dev` with the same registrations in the same run.

A service of 10 instances on 10 nodes, each with a node check, a service check and metadata. The load comes from
`dns_load` in a process of its own, on the agents in turn, a few rounds of which each agent's best counts; agent and
load share the machine. Beside the rate stands the processor time that an agent took for an answer, which a busy
neighbour disturbs less. `main` prints the table.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from lictor_bench.dev_agents import Agent, consul_agent, consul_program, lictor_agent
from lictor_bench.dns_load import OUTSTANDING, Load
from lictor_bench.report import Row, table

__all__ = ["MEASURE_S", "main", "measure"]

MEASURE_S: Final = 1.5
_ROUNDS: Final = 3
_WARM_UP_S: Final = 0.3
_INSTANCES: Final = 10
_NAME: Final = "web.service.consul"
_EDNS: Final = 1232
_GOAL: Final = 10.0
_CASES: Final = (
    ("A and SRV, half each", ("A", "SRV"), 0, _GOAL),
    ("A", ("A",), 0, None),
    ("SRV", ("SRV",), 0, None),
    ("A and SRV, half each, EDNS", ("A", "SRV"), _EDNS, _GOAL),
    ("A, EDNS", ("A",), _EDNS, None),
    ("SRV, EDNS", ("SRV",), _EDNS, None),
)


def main() -> None:
    """Measure and print."""
    program = consul_program()
    if program is None:
        print("dns: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table(f"DNS answers, {_INSTANCES} instances, {OUTSTANDING} outstanding", measure(program)))


def measure(consul: str | None) -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    rates: list[Row] = []
    costs: list[Row] = []
    with contextlib.ExitStack() as running:
        agents = [running.enter_context(lictor_agent())]
        if consul is not None:
            agents.append(running.enter_context(consul_agent(consul)))
        for agent in agents:
            _register(agent)
        for name, kinds, payload, goal in _CASES:
            rounds = [[_figures(agent, kinds, payload) for agent in agents] for _ in range(_ROUNDS)]
            best = [
                (max(rate for rate, _ in runs), min(cost for _, cost in runs)) for runs in zip(*rounds, strict=True)
            ]
            peer = best[1] if len(best) > 1 else (None, None)
            rates.append(Row(name, best[0][0], peer[0], "/s", goal))
            costs.append(Row(f"{name}: processor time", best[0][1], peer[1], "us", None, smaller_is_better=True))
    return rates + costs


def _figures(agent: Agent, kinds: tuple[str, ...], payload: int) -> tuple[float, float]:
    """Answers a second, and processor microseconds of the agent for each."""
    _load(agent, kinds, payload, _WARM_UP_S)
    before_s = _processor_s(agent.pid)
    load = _load(agent, kinds, payload, MEASURE_S)
    used_s = _processor_s(agent.pid) - before_s
    if load.wrong or not load.answers:
        raise RuntimeError(
            f"{agent.name} gave {load.wrong} wrong answers of {load.answers}; a rate of those says nothing"
        )
    if load.lost:
        print(f"dns: {agent.name} lost {load.lost} questions beside {load.answers} answers", file=sys.stderr)
    return load.answers / load.seconds, used_s / load.answers * 1e6


def _load(agent: Agent, kinds: tuple[str, ...], payload: int, seconds: float) -> Load:
    command = [sys.executable, "-m", "lictor_bench.dns_load", "127.0.0.1", str(agent.ports["dns"]), str(seconds)]
    command += [str(payload), *(f"{_NAME}/{kind}" for kind in kinds)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    return Load(**json.loads(output))


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user_ticks, system_ticks = int(fields[11]), int(fields[12])
    return (user_ticks + system_ticks) / os.sysconf("SC_CLK_TCK")


def _register(agent: Agent) -> None:
    for number in range(_INSTANCES):
        node, instance = f"node-{number}", f"web-{number}"
        registration = {
            "Node": node,
            "Address": f"192.0.2.{number + 1}",
            "NodeMeta": {"rack": f"r{number}"},
            "Service": {"ID": instance, "Service": "web", "Tags": ["primary"], "Port": 8000 + number},
            "Checks": [
                {"CheckID": "reachable", "Name": "reachable", "Status": "passing"},
                {"CheckID": f"service:{instance}", "Name": "alive", "Status": "passing", "ServiceID": instance},
            ],
        }
        agent.put("/v1/catalog/register", json.dumps(registration).encode())


if __name__ == "__main__":
    main()
