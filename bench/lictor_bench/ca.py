"""Leaf certificates: how many one server signs in a second of processor time, and how soon agents have them.

First a server in this process, without a disk, that is asked over its door with signing requests made beforehand, for
each kind of root: what it costs is the processor time of this process. The longest hold of the event loop meanwhile is
told besides. Then a development agent beside Consul's, over HTTP: leaves of services that nobody asked for before,
which takes a key, a request, a signature and the log each; no bound on either side (`csr_max_per_second` 0).
"""

from __future__ import annotations

import asyncio
import dataclasses
import http.client
import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import structlog
import uvloop

from lictor_agent.signing import new_request
from lictor_bench.dev_agents import Agent, consul_agent, consul_program, cpu_s, lictor_agent
from lictor_bench.report import Row, table
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.queries import CARootsQuery
from lictor_core.registry import LeafRequest, ReadOptions
from lictor_server import Server, ServerSettings

__all__ = ["AT_ONCE", "main", "measure", "signed_by_server"]

LEAVES: Final = 2_000
AT_ONCE: Final = 32
AGENT_LEAVES: Final = 600
AGENT_AT_ONCE: Final = 8
GOAL: Final = 500
_KINDS: Final = (("ec", 256), ("ec", 384), ("rsa", 2048), ("rsa", 4096))
_TICK_S: Final = 0.001
_ANSWER_S_MAX: Final = 30.0
_POLL_S: Final = 0.1


def main() -> None:
    """Measure and print."""
    print(table("Leaf certificates", measure()))


def measure() -> list[Row]:
    """All rows; without the real Consul those of Lictor alone."""
    rows: list[Row] = []
    for kind, bits in _KINDS:
        per_s, held_ms = uvloop.run(signed_by_server(kind, bits, LEAVES))
        goal = GOAL if kind == "ec" else None  # RSA of 4096 bits takes 2 ms for the signature alone
        rows.append(Row(f"signed by {kind} {bits}, a second of one core", per_s, None, "/s", goal))
        rows.append(Row(f"longest hold of the loop, {kind} {bits}", held_ms, None, "ms", smaller_is_better=True))
    with tempfile.TemporaryDirectory() as directory:
        settings = Path(directory) / "ca.json"
        settings.write_text(json.dumps({"connect": {"ca_config": {"csr_max_per_second": 0}}}))
        with lictor_agent("-config-file", str(settings)) as agent:
            ours = _first_leaves(agent)
        program = consul_program()
        peer: tuple[float, float] | None = None
        if program is not None:
            with consul_agent(program, "-config-file", str(settings)) as agent:
                peer = _first_leaves(agent)
    name = f"first leaves at an agent, {AGENT_AT_ONCE} at once"
    rows.append(Row(name, ours[0], None if peer is None else peer[0], "/s"))
    name = "processor time of a first leaf at an agent"
    rows.append(Row(name, ours[1], None if peer is None else peer[1], "ms", smaller_is_better=True))
    return rows


async def signed_by_server(kind: str, bits: int, leaves: int) -> tuple[float, float]:
    """Leaves signed per second of processor time, and the longest hold of the loop in milliseconds."""
    settings = ServerSettings(
        node_name="bench",
        node_id="5c1e2f30-0000-4000-8000-0000000000ca",
        server_port=0,
        ca_config={"PrivateKeyType": kind, "PrivateKeyBits": bits, "CSRMaxPerSecond": 0},
    )
    log = structlog.wrap_logger(structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(50))
    server = Server(settings, clock=SystemClock(), rng=SystemRng(), log=log)
    await server.start()
    try:
        roots = (await server.read(CARootsQuery(), ReadOptions())).value
        wanted = [new_request("web", roots.trust_domain, "dc1").csr for _ in range(AT_ONCE)]
        watch = asyncio.ensure_future(_longest_hold())
        began = time.process_time()
        await asyncio.gather(*(_sign(server, csr, leaves // AT_ONCE) for csr in wanted))
        spent_s = time.process_time() - began
        watch.cancel()
        held_s = (await asyncio.gather(watch, return_exceptions=True))[0]
    finally:
        await server.stop()
    return leaves // AT_ONCE * AT_ONCE / spent_s, held_s * 1000 if isinstance(held_s, float) else 0.0


async def _sign(server: Server, csr: str, count: int) -> None:
    for _ in range(count):
        await server.sign_leaf(LeafRequest(csr=csr, service="web"))


async def _longest_hold() -> float:
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.perf_counter()
            longest, last = max(longest, now - last - _TICK_S), now
    except asyncio.CancelledError:
        return longest


@dataclasses.dataclass(frozen=True)
class _Client:
    """One connection after the other to an agent."""

    agent: Agent

    def fetch(self, services: Sequence[str]) -> None:
        """The leaf of each, over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.ports["http"], timeout=_ANSWER_S_MAX)
        try:
            for service in services:
                connection.request("GET", f"/v1/agent/connect/ca/leaf/{service}")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{self.agent.name} answered {answer.status}: {body[:200]!r}")
        finally:
            connection.close()


def _first_leaves(agent: Agent) -> tuple[float, float]:
    """How many a second, and the processor time of each in milliseconds."""
    client = _Client(agent)
    deadline = time.monotonic() + _ANSWER_S_MAX
    while True:
        try:
            client.fetch(["warm"])
            break
        except RuntimeError:  # the agent leads, and has no root yet
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
    names = [[f"s{number}" for number in range(first, AGENT_LEAVES, AGENT_AT_ONCE)] for first in range(AGENT_AT_ONCE)]
    began, spent_s = time.perf_counter(), cpu_s(agent.pid)
    with ThreadPoolExecutor(AGENT_AT_ONCE) as threads:
        list(threads.map(client.fetch, names))
    took_s, spent_s = time.perf_counter() - began, cpu_s(agent.pid) - spent_s
    return AGENT_LEAVES / took_s, spent_s / AGENT_LEAVES * 1000
