"""How long DNS goes on naming a service whose process was killed, beside `consul agent -dev` with the same TCP check.

The process is killed at several moments of the check's interval, the same for both agents, since when a check is due
next decides most of the time. Between the kill and an answer without the instance stand the check that fails, the
catalog that is told, and DNS that follows it. `main` prints the medians.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from typing import IO, Final

from dnslib import DNSRecord

from lictor_bench.dev_agents import Agent, consul_agent, consul_program, free_ports, lictor_agent
from lictor_bench.report import Row, table

__all__ = ["INTERVALS_S", "main", "measure"]

INTERVALS_S: Final = (1.0, 5.0)
PHASES: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
"""When the process is killed, in parts of the interval after the last run of the check."""
_POLL_S: Final = 0.002
_WAIT_S_MAX: Final = 30.0
_VICTIM: Final = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listening.accept()[0].close()
    print("asked", flush=True)
"""


def main() -> None:
    """Measure and print."""
    program = consul_program()
    if program is None:
        print("check_latency: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    rows: list[Row] = []
    with contextlib.ExitStack() as running:
        agents = [running.enter_context(lictor_agent())]
        if program is not None:
            agents.append(running.enter_context(consul_agent(program)))
        for interval_s in INTERVALS_S:
            rows += measure(agents, interval_s)
    print(table("From kill -9 to absence from DNS, TCP check", rows))


def measure(agents: list[Agent], interval_s: float) -> list[Row]:
    """The rows of one interval, with the agents taking turns."""
    waits_s = [[_sample(agent, interval_s, phase) for agent in agents] for phase in PHASES]
    rows: list[Row] = []
    for name, of in (("median", statistics.median), ("longest", max)):
        figures = [float(of(one)) for one in zip(*waits_s, strict=True)]
        peer = figures[1] if len(figures) > 1 else None
        rows.append(Row(f"every {interval_s:g} s: {name}", figures[0], peer, "s", 1.0, smaller_is_better=True))
    return rows


def _sample(agent: Agent, interval_s: float, phase: float) -> float:
    """Seconds from the kill to an answer without the instance."""
    port = free_ports(1)[0]
    name = f"victim-{port}"
    with _victim(port) as victim:
        assert victim.stdout is not None
        check = {"TCP": f"127.0.0.1:{port}", "Interval": f"{interval_s:g}s", "Timeout": "500ms"}
        agent.put("/v1/agent/service/register", json.dumps({"Name": name, "Port": port, "Check": check}).encode())
        _until_answers(agent, name, 1)
        _drain(victim.stdout)
        _next_line(victim.stdout)
        time.sleep(phase * interval_s)
        killed = time.monotonic()
        victim.kill()
        _until_answers(agent, name, 0)
        waited_s = time.monotonic() - killed
    agent.put(f"/v1/agent/service/deregister/{name}", b"")
    return waited_s


@contextlib.contextmanager
def _victim(port: int) -> Generator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _VICTIM, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield process
        finally:
            process.kill()


def _drain(lines: IO[bytes]) -> None:
    while select.select([lines], [], [], 0)[0]:
        lines.read(65_536)


def _next_line(lines: IO[bytes]) -> None:
    if not select.select([lines], [], [], _WAIT_S_MAX)[0]:
        raise TimeoutError(f"the check did not run within {_WAIT_S_MAX} s")
    lines.read(65_536)


def _until_answers(agent: Agent, name: str, count: int) -> None:
    """Ask DNS until it names so many instances."""
    question = DNSRecord.question(f"{name}.service.consul").pack()
    deadline = time.monotonic() + _WAIT_S_MAX
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1.0)
        asking.connect(("127.0.0.1", agent.ports["dns"]))
        while time.monotonic() < deadline:
            asking.send(question)
            answer = asking.recv(4096)
            if int.from_bytes(answer[6:8]) == count:  # ANCOUNT, RFC 1035 section 4.1.1
                return
            time.sleep(_POLL_S)
    raise TimeoutError(f"{agent.name} did not answer {count} instances of {name} within {_WAIT_S_MAX} s")


if __name__ == "__main__":
    main()
