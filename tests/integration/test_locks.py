"""Locks through a client agent, while servers and agents are killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from lictor.api.asynchronous import AsyncClient
from lictor.api.calls import event, kv, session
from lictor.api.locks import AsyncLock, LockSettings
from lictor.api.messages import Options
from lictor.api.settings import Settings, parse_address
from lictor_core.clock import SystemClock, SystemRng
from tests.support.agents import environment_for_commands, program_of
from tests.support.processes import Program, running
from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow
CLIENT = 9
WITHIN_S = 60


@contextlib.contextmanager
def client_agent(cluster: ServerCluster, directory: Path) -> Generator[Program]:
    """An agent that is no server, once its node is known to be alive."""
    address = cluster.address(CLIENT)
    argv = [program_of("lictor"), "agent", "-node=c1", f"-bind={address}", f"-client={address}", "-dns-port=-1"]
    argv += [f"-data-dir={directory / 'c1'}", *(f"-retry-join={cluster.address(one)}" for one in cluster.programs)]
    with running("c1", argv, directory, environment=environment_for_commands()) as program:
        cluster.until(lambda: is_passing(cluster), "the node of the client agent")
        yield program


def is_passing(cluster: ServerCluster) -> bool:
    answer = cluster.ask(CLIENT, "/v1/health/node/c1")
    return answer.status == 200 and [one["Status"] for one in json.loads(answer.body)] == ["passing"]


def client_of(cluster: ServerCluster, number: int) -> AsyncClient:
    return AsyncClient(Settings(endpoint=parse_address(f"http://{cluster.address(number)}:8500")))


def lock_of(client: AsyncClient, key: str, settings: LockSettings) -> AsyncLock:
    return AsyncLock(client, key, settings, clock=SystemClock(), rng=SystemRng())


async def until_listed(client: AsyncClient, name: str, wanted: list[str]) -> None:
    """Wait, by blocking queries, until the agent lists these events."""
    index = 0
    async with asyncio.timeout(WITHIN_S):
        while True:
            answer = await client.ask(event.events(name, Options(index=index, wait_s=WITHIN_S)))
            if [one.name for one in answer.value] == wanted:
                return
            index = answer.index


async def test_a_lock_outlives_the_leader_and_ends_with_its_agent(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster, client_agent(cluster, tmp_path) as program:
        async with client_of(cluster, CLIENT) as client:
            lock = lock_of(client, "held", LockSettings(lock_delay_s=1))
            async with asyncio.timeout(WITHIN_S):
                assert await lock.acquire()
            leader = cluster.leader()
            cluster.kill(leader)
            cluster.leader()
            other_number = next(iter(cluster.programs))
            async with client_of(cluster, other_number) as other_client:
                other = lock_of(other_client, "held", LockSettings(lock_delay_s=0))
                assert not await other.acquire(3)
                assert not lock.lost.is_set()
                held = await other_client.send(kv.get("held"))
                assert held is not None
                shown = await other_client.send(session.info(held.session))
                assert shown is not None
                assert shown.node == "c1"
                killed_at = time.monotonic()
                program.kill()
                async with asyncio.timeout(WITHIN_S):
                    await lock.lost.wait()
                    assert await other.acquire()
                took_s = time.monotonic() - killed_at
                assert took_s < 25, "the session ends with its node, long before twice its TTL"
                assert other.fencing_token > lock.fencing_token
                await other.release()
            await lock.release()


async def test_events_reach_the_agents_they_are_for(tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 1).running() as cluster, client_agent(cluster, tmp_path):
        async with client_of(cluster, 1) as server, client_of(cluster, CLIENT) as client:
            for name, node in (("all", ""), ("servers", "^s"), ("clients", "^c")):
                await server.send(event.fire(name, node=node))
            await until_listed(client, "", ["all", "clients"])
            await until_listed(server, "", ["all", "servers"])
            await client.send(event.fire("back", b"1"))
            await until_listed(server, "back", ["back"])
