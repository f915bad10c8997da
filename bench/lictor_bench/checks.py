"""Thousands of checks on one agent: whether they keep their interval, and what they cost, beside `consul agent -dev`.

Half of the checks are TCP, half HTTP, each of its own address of `check_targets`, a process beside the agents, which
notes when it was asked. The agents run one after the other. `main` prints the table.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import IO, Final

from lictor_bench.check_targets import Gaps, target_address
from lictor_bench.dev_agents import Agent, consul_agent, consul_program, cpu_s, free_ports, lictor_agent
from lictor_bench.report import Row, table

__all__ = ["Figures", "main", "measure"]

CHECKS: Final = int(os.environ.get("LICTOR_BENCH_CHECKS", "5000"))
INTERVAL_S: Final = 10.0
_SETTLE_S: Final = 2.5 * INTERVAL_S
_MEASURE_S: Final = 4.5 * INTERVAL_S
_OFF_MAX: Final = 0.1
_CHECKS_PER_SERVICE: Final = 50
_READY_S_MAX: Final = 30.0


@dataclass(frozen=True)
class Figures:
    """What one agent came to: cores in use, the percentage of intervals within a tenth of what they should be, the
    longest one, and how many targets were asked less than twice."""

    cores: float
    kept: float
    worst_s: float
    silent: int


def main() -> None:
    """Measure and print."""
    program = consul_program()
    if program is None:
        print("checks: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table(f"{CHECKS:,} checks on one agent, half TCP, half HTTP, every {INTERVAL_S:g} s", _rows(program)))


def _rows(program: str | None) -> list[Row]:
    with lictor_agent() as agent:
        ours = measure(agent)
    peer = None
    if program is not None:
        with consul_agent(program) as agent:
            peer = measure(agent)
    return [
        Row("processor", ours.cores, _of(peer, "cores"), "cores", smaller_is_better=True),
        Row("intervals kept within a tenth", ours.kept, _of(peer, "kept"), "%"),
        Row("longest interval", ours.worst_s, _of(peer, "worst_s"), "s", smaller_is_better=True),
        Row("targets asked less than twice", ours.silent, _of(peer, "silent"), "", smaller_is_better=True),
    ]


def _of(figures: Figures | None, name: str) -> float | None:
    return None if figures is None else float(asdict(figures)[name])


def measure(agent: Agent) -> Figures:
    """Register the checks with an agent and watch it."""
    port = free_ports(1)[0]
    with _targets(port) as targets:
        assert targets.stdin is not None
        assert targets.stdout is not None
        for first in range(0, CHECKS, _CHECKS_PER_SERVICE):
            checks = [_check(number, port) for number in range(first, min(first + _CHECKS_PER_SERVICE, CHECKS))]
            body = {"Name": f"service-{first}", "Checks": checks}
            agent.put("/v1/agent/service/register", json.dumps(body).encode())
        time.sleep(_SETTLE_S)
        _tell(targets.stdin)
        targets.stdout.readline()
        before_s, began = cpu_s(agent.pid), time.monotonic()
        time.sleep(_MEASURE_S)
        cores = (cpu_s(agent.pid) - before_s) / (time.monotonic() - began)
        _tell(targets.stdin)
        gaps = Gaps(**json.loads(targets.stdout.readline()))
    within = sum(1 for gap in gaps.seconds if abs(gap - INTERVAL_S) <= _OFF_MAX * INTERVAL_S)
    return Figures(cores, 100 * within / max(len(gaps.seconds), 1), max(gaps.seconds, default=0.0), gaps.silent)


@contextlib.contextmanager
def _targets(port: int) -> Generator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "lictor_bench.check_targets", str(port), str(CHECKS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the targets did not start; they ended with {process.wait(_READY_S_MAX)}")
        yield process
    finally:
        process.kill()
        process.communicate()


def _tell(stdin: IO[bytes]) -> None:
    stdin.write(b"\n")
    stdin.flush()


def _check(number: int, port: int) -> dict[str, str]:
    target = f"{target_address(number)}:{port}"
    what = {"HTTP": f"http://{target}/health"} if number % 2 else {"TCP": target}
    return {"CheckID": f"check-{number}", "Interval": f"{INTERVAL_S:g}s", "Timeout": "5s", **what}


if __name__ == "__main__":
    main()
