"""From an intention that is written until 100 Envoys of an agent carry it out.

Envoy keeps the connections that it has, so it is new ones that tell. To try all 100 Envoys every few milliseconds would
cost more than what is measured: in each round some are watched, each round others, by one connection after the other.
Then the same change is made by a request that waits for all proxies (`?wait-enforced`), and after its answer one
connection to each must find what was answered. The Envoys are started as `lictor connect envoy` starts them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from lictor_bench.dev_agents import Agent, cpu_s, free_ports, lictor_agent
from lictor_bench.proxy_envoy import envoy_program
from lictor_bench.proxy_policy_mesh import client_context, greet, intend, registered
from lictor_connect_proxy.xds.bootstrap import AgentDoor, BootstrapOptions, bootstrap
from lictor_connect_proxy.xds.runner import supervise, version_of
from lictor_core.proxy_status import Enforcement

__all__ = ["main"]

_ENVOYS: Final = 100
_STARTING_MAX: Final = 4
_TRYING_MAX: Final = 4
_WATCHED: Final = 5
_ROUNDS: Final = 20
_PAUSE_S: Final = 0.005
_READY_S_MAX: Final = 120.0
_ENFORCED_S_MAX: Final = 20.0
_TRY_S_MAX: Final = 10.0
_GOAL_MS: Final = 100.0
_ACTIONS: Final = ("deny", "allow")


@dataclass(slots=True)
class _Found:
    """In milliseconds: `waited` the answers of requests that waited. `wrong` counts connections that belied them."""

    seen: list[float] = field(default_factory=list[float])
    waited: list[float] = field(default_factory=list[float])
    agent: list[float] = field(default_factory=list[float])
    envoys: list[float] = field(default_factory=list[float])
    wrong: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_ACTIONS, 0))


def main() -> None:
    """Measure and print; without an Envoy on this machine only say so."""
    program = envoy_program()
    if program is None:
        print("there is no Envoy on this machine: nothing is measured (ENVOY_PATH names one)", file=sys.stderr)
        return
    with lictor_agent() as agent, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_asked_to_end(_measure(agent, program)))


async def _until_asked_to_end(measuring: Coroutine[None, None, None]) -> None:
    """The Envoys, each in a session of its own, would go on without this one: they are ended first."""
    task = asyncio.ensure_future(measuring)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


async def _measure(agent: Agent, program: str) -> None:
    application = await asyncio.start_server(greet, "127.0.0.1", 0)
    ports = await registered(agent, application.sockets[0].getsockname()[1], _ENVOYS)
    await intend(agent, "allow")
    context = client_context(agent)
    found = _Found()
    async with _envoys(agent, program, ports, context):
        publics = list(ports.values())
        for number in range(_ROUNDS):
            first = number * _WATCHED % _ENVOYS
            for action in _ACTIONS:
                found.seen += await _watched(agent, action, publics[first : first + _WATCHED], context)
            for action in _ACTIONS:
                await _waited(agent, action, publics, context, found)
            print(f"round {number}: last seen {found.seen[-1]:.1f}, answered {found.waited[-1]:.1f} ms", flush=True)
    _print(found)
    application.close()


def _print(found: _Found) -> None:
    seen, waited = sorted(found.seen), sorted(found.waited)
    connections = _ROUNDS * _ENVOYS
    print(
        "\n".join(
            [
                f"### An intention written until {_ENVOYS} Envoys carry it out",
                "",
                "| figure | Lictor and Envoy | goal |",
                "| --- | ---: | ---: |",
                f"| p50 of {len(seen)} | {statistics.median(seen):.1f} ms | - |",
                f"| p99 | {seen[int(len(seen) * 0.99)]:.1f} ms | {_GOAL_MS:g} ms |",
                f"| answer to `wait-enforced`, p50 of {len(waited)} | {statistics.median(waited):.1f} ms | - |",
                f"| the longest | {waited[-1]:.1f} ms | - |",
                f"| connections let in after the answer to deny, of {connections} | {found.wrong['deny']} | 0 |",
                f"| connections cut after the answer to allow, of {connections} | {found.wrong['allow']} | 0 |",
                f"| processor time of a change, agent | {statistics.median(found.agent):.0f} ms | - |",
                f"| processor time of a change, {_ENVOYS} Envoys | {statistics.median(found.envoys):.0f} ms | - |",
                "",
            ]
        )
    )


@asynccontextmanager
async def _envoys(agent: Agent, program: str, ports: dict[str, int], context: ssl.SSLContext) -> AsyncGenerator[None]:
    """Run an Envoy beside each service, while the block runs; it begins when each lets the client in."""
    version = ".".join(map(str, version_of(program)))
    stop, few = asyncio.Event(), asyncio.Semaphore(_STARTING_MAX)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:

        async def start(service: str, public: int, admin: int) -> None:
            options = BootstrapOptions(
                proxy_id=f"{service}-sidecar-proxy",
                cluster=service,
                door=AgentDoor(port=agent.ports["grpc"]),
                envoy_version=version,
                admin_host="127.0.0.1",
                admin_port=admin,
            )
            async with few:
                configuration = bootstrap(options, os.environ)
                address = f"127.0.0.1:{admin}"
                quiet = ("-l", "critical")
                group.create_task(supervise(program, configuration, quiet, admin=address, drain_s=0, stop=stop))
                await asyncio.wait_for(_until(True, public, context, _PAUSE_S * 10), _READY_S_MAX)

        try:
            admins = set(free_ports(2 * len(ports))) - set(ports.values())
            async with asyncio.TaskGroup() as starting:
                for (service, public), admin in zip(ports.items(), admins, strict=False):
                    starting.create_task(start(service, public, admin))
            print(f"{len(ports)} Envoys after {time.perf_counter() - began:.1f} s", flush=True)
            yield
        finally:
            stop.set()


async def _watched(agent: Agent, action: str, publics: list[int], context: ssl.SSLContext) -> list[float]:
    """Milliseconds from before the request until each of these Envoys judged a connection by it."""
    expected = action == "allow"
    tasks = [asyncio.ensure_future(_until(expected, public, context, _PAUSE_S)) for public in publics]
    await asyncio.sleep(2 * _PAUSE_S)
    began = time.perf_counter()
    await intend(agent, action)
    ends = await asyncio.wait_for(asyncio.gather(*tasks), _ENFORCED_S_MAX)
    return [1000 * (at - began) for at in ends]


async def _waited(agent: Agent, action: str, publics: list[int], context: ssl.SSLContext, found: _Found) -> None:
    envoys = _children()
    before, before_all = cpu_s(agent.pid), sum(map(cpu_s, envoys))
    began = time.perf_counter()
    answer = await intend(agent, action, f"&wait-enforced={_ENFORCED_S_MAX:g}s")
    found.waited.append(1000 * (time.perf_counter() - began))
    found.agent.append(1000 * (cpu_s(agent.pid) - before))
    found.envoys.append(1000 * (sum(map(cpu_s, envoys)) - before_all))
    told = msgspec.json.decode(answer, type=Enforcement)
    if not told.is_complete or len(told.enforced) != len(publics):
        raise RuntimeError(f"of {len(publics)} Envoys {len(told.enforced)} judge by {action} in {_ENFORCED_S_MAX} s")
    few = asyncio.Semaphore(_TRYING_MAX)

    async def is_wrong(public: int) -> bool:
        async with few:
            return await _is_let_in(public, context) is not (action == "allow")

    found.wrong[action] += sum(await asyncio.gather(*map(is_wrong, publics)))


async def _until(expected: bool, public: int, context: ssl.SSLContext, pause_s: float) -> float:
    """When the first new connection was judged as expected."""
    while True:
        if await _is_let_in(public, context) is expected:
            return time.perf_counter()
        await asyncio.sleep(pause_s)


async def _is_let_in(public: int, context: ssl.SSLContext) -> bool:
    """Whether a new connection arrives at the application."""
    try:
        async with asyncio.timeout(_TRY_S_MAX):
            reader, writer = await asyncio.open_connection("127.0.0.1", public, ssl=context, server_hostname="bench")
            try:
                return bool(await reader.read(1))
            finally:
                writer.transport.abort()
    except OSError:
        return False


def _children() -> list[int]:
    own = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{own}/task/{own}/children").read_text().split()]


if __name__ == "__main__":
    main()
