"""Reading the configuration again while the agent runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import LogCapture

from lictor_agent.agent import Agent
from lictor_agent.settings import AgentSettings
from lictor_config.definitions import parse_check, parse_service
from lictor_config.tree import Configuration
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import ConfigurationError, LictorError, RequestError
from lictor_core.records import CRITICAL, PASSING
from lictor_server import Server
from tests.agent.builders import NODE, identity
from tests.agent.harness import running_server


def configuration(*services: str, **more: object) -> Configuration:
    values: dict[str, object] = {
        "node_name": NODE,
        "services": tuple(
            parse_service({"Name": name, "Check": {"CheckID": f"{name}-ttl", "TTL": "600s"}}) for name in services
        ),
    }
    return Configuration(**(values | more))  # type: ignore[arg-type]  # a test names fields that exist


@dataclass
class Reloading:
    agent: Agent
    server: Server
    logged: LogCapture
    next: list[Configuration | LictorError] = field(default_factory=list[Configuration | LictorError])

    def load(self) -> Configuration:
        found = self.next.pop(0)
        if isinstance(found, LictorError):
            raise found
        return found

    def events(self, name: str) -> list[dict[str, object]]:
        return [dict(entry) for entry in self.logged.entries if entry["event"] == name]


@asynccontextmanager
async def agent_of(first: Configuration) -> AsyncGenerator[Reloading]:
    async with running_server() as (server, log, logged):
        agent = Agent(
            identity=identity(),
            registry=server,
            configuration=first,
            settings=AgentSettings(),
            clock=SystemClock(),
            rng=SeededRng(1),
            log=log,
            load=lambda: running.load(),
        )
        running = Reloading(agent, server, logged)
        async with agent.running():
            yield running


async def test_a_reload_of_the_same_changes_nothing() -> None:
    async with agent_of(configuration("web", "db")) as running:
        running.next = [configuration("web", "db")]
        before = running.agent.local.version
        reloaded = await running.agent.reload()
        assert (running.agent.local.version, reloaded.taken, reloaded.restart) == (before, (), ())


async def test_a_warning_is_told_once() -> None:
    async with agent_of(configuration(warnings=("told at the start",))) as running:
        running.next = [configuration(warnings=("told at the start", "new"))]
        await running.agent.reload()
        assert [entry["warning"] for entry in running.events("agent.configuration.noticed")] == ["new"]


async def test_only_what_differs_is_touched() -> None:
    async with agent_of(configuration(*(f"s{number}" for number in range(1000)))) as running:
        touched: list[str] = []
        running.agent.local.subscribe(lambda change: touched.append(change.id))
        running.next = [configuration(*(f"s{number}" for number in range(1, 1001)))]
        await running.agent.reload()
        assert sorted(touched) == ["s0", "s0-ttl", "s1000", "s1000-ttl"]


async def test_checks_keep_their_state_and_maintenance_stays() -> None:
    async with agent_of(configuration("web")) as running:
        await running.agent.update_check("web-ttl", PASSING, "well")
        await running.agent.set_service_maintenance("web", True, "disks")
        await running.agent.set_node_maintenance(True)
        changed = parse_service({"Name": "web", "Port": 80, "Check": {"CheckID": "web-ttl", "TTL": "600s"}})
        running.next = [configuration(services=(changed,))]
        await running.agent.reload()
        checks = {key: (one.check.status, one.check.output) for key, one in running.agent.local.checks.items()}
        assert running.agent.local.services["web"].service.port == 80
        assert checks["web-ttl"] == (PASSING, "well")
        assert {checks["_service_maintenance:web"][0], checks["_node_maintenance"][0]} == {CRITICAL}


async def test_what_cannot_be_read_leaves_everything_as_it_is() -> None:
    first = configuration("web")
    async with agent_of(first) as running:
        hooked: list[str] = []
        running.agent.on_reload(lambda old, new: hooked.append("called"))
        running.next = [ConfigurationError("a.hcl:3: unknown key")]
        with pytest.raises(ConfigurationError, match=r"a\.hcl:3"):
            await running.agent.reload()
        assert running.agent.configuration is first
        assert hooked == []


async def test_what_cannot_be_registered_leaves_everything_as_it_is() -> None:
    first = configuration("web")
    async with agent_of(first) as running:
        orphan = parse_check({"Name": "orphan", "TTL": "9s", "ServiceID": "nobody"})
        changed = parse_service({"Name": "web", "Port": 80})
        running.next = [configuration(services=(changed, parse_service({"Name": "new"})), checks=(orphan,))]
        with pytest.raises(RequestError, match="nobody"):
            await running.agent.reload()
        assert running.agent.configuration is first
        assert set(running.agent.local.services) == {"web"}
        assert set(running.agent.local.checks) == {"web-ttl"}
        assert running.agent.local.services["web"].service.port == 0


async def test_who_follows_is_called_with_before_and_now_and_one_failure_stops_no_other() -> None:
    first, second = configuration("web"), configuration("db")
    async with agent_of(first) as running:
        called: list[tuple[Configuration, Configuration]] = []

        def fail(old: Configuration, new: Configuration) -> None:
            raise ConfigurationError("watches: no such handler")

        running.agent.on_reload(fail)
        running.agent.on_reload(lambda old, new: called.append((old, new)))
        running.next = [second]
        reloaded = await running.agent.reload()
        assert called == [(first, second)]
        assert reloaded.failures == ("watches: no such handler",)
        assert [entry["reason"] for entry in running.events("agent.reload.failed")] == ["watches: no such handler"]


async def test_keys_that_need_a_restart_are_told() -> None:
    async with agent_of(configuration(given={"ports": {"http": 1}})) as running:
        running.next = [configuration(given={"ports": {"http": 2}, "log_level": "warn"})]
        reloaded = await running.agent.reload()
        assert (reloaded.taken, reloaded.restart) == (("log_level",), ("ports.http",))
        assert [entry["keys"] for entry in running.events("agent.restart.awaited")] == ["ports.http"]


async def test_new_metadata_of_the_node_reaches_the_catalog() -> None:
    async with agent_of(configuration("web")) as running:
        running.next = [configuration("web", node_meta={"rack": "r2"})]
        await running.agent.reload()
        known = running.server.view().node(NODE)
        assert known is not None
        assert known.meta is not None
        assert known.meta["rack"] == "r2"


async def test_output_is_discarded_from_the_reload_on() -> None:
    async with agent_of(configuration("web")) as running:
        running.next = [configuration("web", discard_check_output=True)]
        await running.agent.reload()
        await running.agent.update_check("web-ttl", PASSING, "not kept")
        assert running.agent.local.checks["web-ttl"].check.output == ""


async def test_two_reloads_at_once_follow_one_another() -> None:
    async with agent_of(configuration("web")) as running:
        running.next = [configuration("one"), configuration("two")]
        await asyncio.gather(running.agent.reload(), running.agent.reload())
        assert set(running.agent.local.services) == {"two"}
