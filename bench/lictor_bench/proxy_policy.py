"""From an intention that is written until 100 proxies of an agent carry it out.

Beside each of 100 services runs a proxy, some to a process. A client of the mesh holds a connection to each; then
`* -> *`'s exception for the client is turned from allow to deny by one request, and the time from before that request
until each connection is cut is what counts. No peer: Consul's proxies leave such connections alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Final

import uvloop

from lictor_bench.dev_agents import Agent, cpu_s, end, lictor_agent
from lictor_bench.proxy_policy_mesh import client_context, greet, intend, registered

__all__ = ["main"]

_PROXIES: Final = 100
_PROCESSES: Final = 4
_ROUNDS: Final = 10
_READY_S_MAX: Final = 120.0
_ENFORCED_S_MAX: Final = 10.0
_GOAL_MS: Final = 100.0


def main() -> None:
    """Measure and print."""
    # One host's proxies hold some hundred questions open, more than an agent allows a client unless it is told to.
    limits = "limits { http_max_conns_per_client = 4096 }"
    with lictor_agent("-hcl", limits) as agent, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(agent))


async def _measure(agent: Agent) -> None:
    application = await asyncio.start_server(greet, "127.0.0.1", 0)
    ports = await registered(agent, application.sockets[0].getsockname()[1], _PROXIES)
    await intend(agent, "allow")
    context = client_context(agent)
    with _proxies(agent, list(ports)) as pids:
        times_ms: list[float] = []
        cpu_ms: list[float] = []
        for _ in range(_ROUNDS):
            held = await asyncio.gather(*(_held(public, context) for public in ports.values()))
            before = cpu_s(agent.pid) + sum(cpu_s(pid) for pid in pids)
            began = time.perf_counter()
            cut = [asyncio.ensure_future(_cut(reader)) for reader, _ in held]
            await intend(agent, "deny")
            written_ms = 1000 * (time.perf_counter() - began)
            ends = await asyncio.wait_for(asyncio.gather(*cut), _ENFORCED_S_MAX)
            found = sorted(1000 * (at - began) for at in ends)
            times_ms += found
            cpu_ms.append(1000 * (cpu_s(agent.pid) + sum(cpu_s(pid) for pid in pids) - before))
            for _, writer in held:
                writer.transport.abort()
            print(f"round: answered after {written_ms:.1f}, first {found[0]:.1f}, last {found[-1]:.1f} ms", flush=True)
            await intend(agent, "allow")
        _print(sorted(times_ms), cpu_ms)
    application.close()


def _print(times_ms: list[float], cpu_ms: list[float]) -> None:
    p99 = times_ms[int(len(times_ms) * 0.99)]
    print(
        "\n".join(
            [
                f"### An intention written until {_PROXIES} proxies carry it out",
                "",
                "| figure | Lictor | goal |",
                "| --- | ---: | ---: |",
                f"| p50 | {statistics.median(times_ms):.1f} ms | - |",
                f"| p99 | {p99:.1f} ms | {_GOAL_MS:g} ms |",
                f"| last of all in {_ROUNDS} rounds | {times_ms[-1]:.1f} ms | - |",
                f"| processor time of a round, agent and proxies | {statistics.median(cpu_ms):.0f} ms | - |",
                "",
            ]
        )
    )


@contextlib.contextmanager
def _proxies(agent: Agent, services: list[str]) -> Generator[list[int]]:
    with contextlib.ExitStack() as running:
        processes: list[subprocess.Popen[bytes]] = []
        for number in range(_PROCESSES):
            argv = [sys.executable, "-m", "lictor_bench.proxy_policy_load", agent.url, *services[number::_PROCESSES]]
            process = subprocess.Popen(argv)
            running.callback(end, process)
            processes.append(process)
        yield [process.pid for process in processes]


async def _held(port: int, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that the application has answered on."""
    deadline = time.monotonic() + _READY_S_MAX
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="bench")
            if await reader.read(1):
                return reader, writer
            writer.transport.abort()
        except OSError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


async def _cut(reader: asyncio.StreamReader) -> float:
    with contextlib.suppress(OSError):
        await reader.read(1)
    return time.perf_counter()


if __name__ == "__main__":
    main()
