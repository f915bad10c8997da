"""Fifty proxies carry traffic while the root changes, and the provider, and the provider again: nothing fails.

One real agent, fifty real data planes with feeds of their own, real TLS between them, a Vault that speaks Vault's HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lictor_connect_proxy import AgentAddress, ProxyOptions
from lictor_connect_proxy.process import serve
from lictor_core.clock import SeededRng, SystemClock
from tests.agent.harness import quiet_log
from tests.connect_proxy.live import Application
from tests.support.agents import DevAgent, dev_agent
from tests.support.api import call
from tests.support.conditions import eventually
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json, as_list, at
from tests.support.vault import TOKEN, vault_running

PROXIES = 50
WORKERS = 4
KEPT = 10
PAYLOAD = b"x" * 512
_ANSWER_S_MAX = 10.0
_KEY = "/v1/connect/ca/configuration"


def name_of(number: int) -> str:
    return f"s{number % PROXIES}"


@dataclass
class Load:
    """Connections through every proxy in turn, and what became of them."""

    entries: list[int]
    greeting: bytes
    done: int = 0
    failures: Counter[str] = field(default_factory=Counter[str])
    kept: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(
        default_factory=list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    )

    async def one(self, port: int) -> None:
        """A new connection, one exchange, and its end."""
        try:
            async with asyncio.timeout(_ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                await reader.readexactly(len(self.greeting))
                await self._exchange(reader, writer)
                writer.close()
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.failures[type(error).__name__] += 1
        self.done += 1

    async def work(self, first: int) -> None:
        """Connections without end."""
        turn = first
        while True:
            await self.one(self.entries[turn % PROXIES])
            turn += WORKERS
            await asyncio.sleep(0.005)

    async def keep(self) -> None:
        """Connections that stay through it all."""
        for port in self.entries[:KEPT]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.readexactly(len(self.greeting))
            self.kept.append((reader, writer))

    async def check_kept(self) -> None:
        """They still carry what is sent."""
        for reader, writer in self.kept:
            try:
                async with asyncio.timeout(_ANSWER_S_MAX):
                    await self._exchange(reader, writer)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.failures[f"kept: {type(error).__name__}"] += 1

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(PAYLOAD)
        assert await reader.readexactly(len(PAYLOAD)) == PAYLOAD


async def asked(agent: DevAgent, method: str, path: str, body: Json = None) -> Json:
    return await asyncio.to_thread(call, agent.http_address, method, path, body)


@contextlib.asynccontextmanager
async def ring(agent: DevAgent, application: Application) -> AsyncGenerator[list[int]]:
    """Fifty services with proxies, each reaching the next: the ports by which they do."""
    entries = [free_port() for _ in range(PROXIES)]
    for number, entry in enumerate(entries):
        public = free_port()
        upstream: Json = {"DestinationName": name_of(number + 1), "LocalBindPort": entry}
        check: Json = {"TTL": "1h", "Status": "passing"}
        sidecar: Json = {"Port": public, "Proxy": {"Upstreams": [upstream]}, "Checks": [check]}
        body: Json = {"Name": name_of(number), "Port": application.port, "Connect": {"SidecarService": sidecar}}
        await asked(agent, "PUT", "/v1/agent/service/register", body)
    stop, log = asyncio.Event(), quiet_log()[0]
    async with asyncio.TaskGroup() as group:
        for number in range(PROXIES):
            options = ProxyOptions(
                sidecar_for=name_of(number), agent=AgentAddress(http_addr=f"http://{agent.http_address}")
            )
            group.create_task(serve(options, stop, SystemClock(), SeededRng(number), log))
        try:
            yield entries
        finally:
            stop.set()


async def root_of_leaves(agent: DevAgent) -> set[str]:
    """The issuers of what the proxies present now."""
    from tests.support.chains import parsed

    found: set[str] = set()
    for number in range(PROXIES):
        leaf = await asked(agent, "GET", f"/v1/agent/connect/ca/leaf/{name_of(number)}")
        found.add(parsed(str(at(leaf, "CertPEM")))[0].issuer.rfc4514_string())
    return found


async def settled(agent: DevAgent, before: set[str]) -> set[str]:
    """Once all leaves are of another issuer."""
    deadline = asyncio.get_running_loop().time() + 20
    while True:
        now = await root_of_leaves(agent)
        if len(now) == 1 and not now & before:
            return now
        assert asyncio.get_running_loop().time() < deadline, f"leaves of {now} after 20 s"
        await asyncio.sleep(0.2)


@pytest.mark.timeout(120)
async def test_fifty_proxies_carry_on_while_root_and_provider_change(tmp_path: Path) -> None:
    application = Application()
    config = {
        "connect": {"ca_config": {"csr_max_per_second": 0}},
        "limits": {"http_max_conns_per_client": 2000},  # all fifty are one client to it
    }
    async with vault_running(SystemClock()) as vault, application.running():
        at_vault: Json = {
            "Address": vault.address,
            "Token": TOKEN,
            "RootPKIPath": "root",
            "IntermediatePKIPath": "inter",
            "CSRMaxPerSecond": 0,
        }
        changes: list[Json] = [
            {"Provider": "consul", "Config": {"PrivateKeyType": "ec", "PrivateKeyBits": 384, "CSRMaxPerSecond": 0}},
            {"Provider": "vault", "Config": at_vault},
            {"Provider": "consul", "Config": {"CSRMaxPerSecond": 0}},
        ]
        with dev_agent("lictor", tmp_path, config) as agent:
            async with ring(agent, application) as entries:
                load = Load(entries, b"220 ready\n")
                await _all_carry(load)
                issuers = await root_of_leaves(agent)
                await load.keep()
                workers = [asyncio.ensure_future(load.work(first)) for first in range(WORKERS)]
                for change in changes:
                    await asked(agent, "PUT", _KEY, change)
                    issuers = await settled(agent, issuers)
                    await load.check_kept()
                done = load.done
                await eventually(lambda: load.done > done + PROXIES, within_s=20, what="a round with the last root")
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
                for _, writer in load.kept:
                    writer.close()
                assert load.failures == Counter()
                assert load.done > 4 * PROXIES
                assert len(as_list(at(await asked(agent, "GET", "/v1/connect/ca/roots"), "Roots"))) == 4


async def _all_carry(load: Load) -> None:
    """Wait until every proxy reaches the next."""

    async def carries(port: int) -> bool:
        before = load.failures.total()
        await load.one(port)
        return load.failures.total() == before

    async with asyncio.timeout(40):
        for port in load.entries:
            while not await carries(port):  # noqa: ASYNC110 nobody tells when a proxy knows the next one
                await asyncio.sleep(0.1)
    load.failures.clear()
    load.done = 0
