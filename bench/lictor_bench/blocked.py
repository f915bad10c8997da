"""Blocked queries at rest: what each costs the server in memory, and whom a change wakes, beside `consul agent -dev`.

`WAITERS` connections, fewer where the system allows a process fewer files, each wait for one of `SERVICES` services.
Told are the growth of the server's resident memory for each, its processor time while nothing happens, and after a
change to one service how many were answered (those who watch it, nobody else) and when. `main` prints the table.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, cast

from lictor_bench.blocked_load import PER_ADDRESS
from lictor_bench.dev_agents import Agent, consul_agent, consul_program, cpu_s, end, lictor_agent
from lictor_bench.report import Row, table

__all__ = ["Figures", "main", "measure", "waiters_max"]

WAITERS: Final = 50_000
SERVICES: Final = 100
MEMORY_KIB_MAX: Final = 6.0
_SPARE_FILES: Final = 500
_REST_S: Final = 10.0
_SETTLE_S: Final = 3.0
_WOKEN_S_MAX: Final = 5.0
_OPEN_S_MAX: Final = 240.0
_WAIT: Final = "600s"


class Figures(NamedTuple):
    """What was seen at one agent. `woken_s` are times from the write to each answer, in order."""

    waiters: int
    memory_kib: float
    processor: float
    woken_s: list[float]


def waiters_max() -> int:
    """How many one process can hold here, where each takes a file."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return WAITERS if hard == resource.RLIM_INFINITY else min(WAITERS, hard - _SPARE_FILES)


def main() -> None:
    """Measure and print."""
    _allow_files()
    consul = consul_program()
    if consul is None:
        print("blocked: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    count = int(os.environ.get("LICTOR_BENCH_WAITERS", waiters_max()))
    # Consul refuses to start with a larger bound than it may have files.
    bounds = ("-hcl", f"limits {{ http_max_conns_per_client = {min(count, PER_ADDRESS) + 100} }}")
    with lictor_agent(*bounds) as agent:
        ours = measure(agent, count)
    peer = None
    if consul is not None:
        with consul_agent(consul, *bounds) as agent:
            peer = measure(agent, count)
    print(table(f"{ours.waiters:,} blocked queries on one server, {SERVICES} services", _rows(ours, peer)))


def measure(agent: Agent, count: int, *, rest_s: float = _REST_S, woken_s_max: float = _WOKEN_S_MAX) -> Figures:
    """The figures of one agent with `count` waiters, at rest for `rest_s` and then watched for `woken_s_max`.

    Raises `RuntimeError` when the wrong ones were woken."""
    for number in range(SERVICES):
        _register(agent, number, port=80)
    index = _index(agent)
    before_kib = _rss_kib(agent.pid)
    with _waiting(agent, count, index) as load:
        time.sleep(_SETTLE_S)
        memory_kib = (_rss_kib(agent.pid) - before_kib) / count
        spent_s = cpu_s(agent.pid)
        time.sleep(rest_s)
        processor = (cpu_s(agent.pid) - spent_s) / rest_s
        quiet = _answers(load)
        written_s = time.monotonic()
        _register(agent, 0, port=81)
        time.sleep(woken_s_max)
        came_s = sorted(one - written_s for one in _answers(load))
    expected = len(range(0, count, SERVICES))
    if quiet or len(came_s) != expected:
        raise RuntimeError(
            f"{agent.name} answered {len(quiet)} queries before the change and {len(came_s)} after it; "
            f"{expected} watch what changed"
        )
    return Figures(count, memory_kib, processor, came_s)


def _rows(ours: Figures, peer: Figures | None) -> list[Row]:
    return [
        Row(
            f"resident memory for each (at most {MEMORY_KIB_MAX:g} KiB)",
            ours.memory_kib,
            peer and peer.memory_kib,
            "KiB",
            1.0,
            smaller_is_better=True,
        ),
        Row("processor at rest", ours.processor, peer and peer.processor, "cores", None, smaller_is_better=True),
        Row("woken by a change to one service", len(ours.woken_s), peer and len(peer.woken_s), "", None),
        *(
            Row(
                f"from the write to the answer, {name}",
                _share(ours.woken_s, share) * 1000,
                peer and _share(peer.woken_s, share) * 1000,
                "ms",
                None,
                smaller_is_better=True,
            )
            for name, share in (("p50", 0.5), ("p99", 0.99))
        ),
    ]


def _share(values: Sequence[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


def _allow_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def _waiting(agent: Agent, count: int, index: int) -> Generator[list[subprocess.Popen[str]]]:
    """Processes that hold `count` blocked queries together, none with more than it may have files."""
    each_max = max(waiters_max() // SERVICES * SERVICES, 1)
    running: list[subprocess.Popen[str]] = []
    try:
        for start in range(0, count, each_max):
            part = min(each_max, count - start)
            command = [sys.executable, "-m", "lictor_bench.blocked_load", "127.0.0.1", str(agent.ports["http"])]
            command += [str(part), str(SERVICES), str(index), _WAIT]
            running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            _line(running[-1], "waiting")
        yield running
    finally:
        for process in running:
            end(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _line(process: subprocess.Popen[str], wanted: str = "") -> str:
    assert process.stdout is not None, "it was asked for"
    deadline = time.monotonic() + _OPEN_S_MAX
    line = process.stdout.readline().strip()
    if not line or (wanted and line != wanted) or time.monotonic() > deadline:
        raise RuntimeError(f"the load generator said {line!r} and ended with {process.poll()}")
    return line


def _answers(load: Sequence[subprocess.Popen[str]]) -> list[float]:
    """When answers came since the last call. Raises `RuntimeError` when connections were lost."""
    came: list[float] = []
    for process in load:
        assert process.stdin is not None, "it was asked for"
        process.stdin.write("\n")
        process.stdin.flush()
        report = cast("dict[str, object]", json.loads(_line(process)))
        if report["lost"]:
            raise RuntimeError(f"{report['lost']} connections were lost")
        came += cast("list[float]", report["came_s"])
    return came


def _register(agent: Agent, number: int, *, port: int) -> None:
    name = f"web-{number}"
    registration = {"Node": f"node-{number}", "Address": "192.0.2.1", "Service": {"Service": name, "Port": port}}
    agent.put("/v1/catalog/register", json.dumps(registration).encode())


def _index(agent: Agent) -> int:
    with urllib.request.urlopen(f"{agent.url}/v1/health/service/web-{SERVICES - 1}", timeout=10) as answer:
        return int(answer.headers["X-Consul-Index"])


def _rss_kib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


if __name__ == "__main__":
    main()
