"""The facade, over a real server."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from lictor_agent.agent import Agent
from lictor_agent.local import Subject
from lictor_agent.settings import AgentSettings
from lictor_config.definitions import parse_check, parse_service
from lictor_config.tree import Configuration
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import NotFoundError, RequestError, StorageError
from lictor_core.records import CRITICAL, PASSING, MemberStatus
from tests.agent.builders import NODE, identity
from tests.agent.harness import running_agent, running_server
from tests.support.conditions import eventually

_SIDECAR: dict[str, object] = {"SidecarService": {}}
_WEB_WITH_SIDECAR = {"Name": "web", "Port": 80, "Check": {"TTL": "60s"}, "Connect": _SIDECAR}


async def test_a_service_is_in_the_catalog_when_registering_returns() -> None:
    async with running_agent() as running:
        body = {"Name": "web", "Port": 80, "Check": {"TTL": "60s"}, "Connect": {"SidecarService": {"Port": 21_000}}}
        await running.agent.register_service(parse_service(body))
        assert set(running.catalog_services()) == {"web", "web-sidecar-proxy"}
        await running.agent.update_check("service:web", PASSING, "fine")
        assert running.catalog_checks("web")["service:web"].status == PASSING
        await running.agent.deregister_service("web")
        assert running.catalog_checks("web") == {}
        await running.agent.deregister_service("web")
        assert len(running.events("agent.service.unknown")) == 1


async def test_a_name_that_dns_cannot_carry_is_registered_with_a_warning() -> None:
    async with running_agent() as running:
        await running.agent.register_service(parse_service({"Name": "under_score"}))
        assert set(running.catalog_services()) == {"under_score"}
        assert [one["service"] for one in running.events("agent.service.undiscoverable")] == ["under_score"]


async def test_many_registrations_at_once_are_all_in_the_catalog() -> None:
    async with running_agent() as running:
        names = [f"s{number}" for number in range(100)]
        await asyncio.gather(*(running.agent.register_service(parse_service({"Name": name})) for name in names))
        assert set(running.catalog_services()) == set(names)


async def test_checks_register_and_deregister() -> None:
    async with running_agent() as running:
        await running.agent.register_check(parse_check({"Name": "disk", "TTL": "60s"}))
        await eventually(lambda: "disk" in running.catalog_checks(), what="the node has its check")
        await running.agent.deregister_check("disk")
        await running.agent.deregister_check("disk")
        assert "disk" not in running.catalog_checks()
        with pytest.raises(NotFoundError):
            await running.agent.register_check(parse_check({"Name": "c", "ServiceID": "nobody", "TTL": "60s"}))


async def test_an_empty_id_is_refused() -> None:
    async with running_agent() as running:
        with pytest.raises(RequestError, match="ServiceID missing"):
            await running.agent.deregister_service("")
        with pytest.raises(RequestError, match="CheckID missing"):
            await running.agent.deregister_check("")


async def test_maintenance_reaches_the_catalog_and_ends() -> None:
    async with running_agent() as running:
        await running.agent.register_service(parse_service({"Name": "web"}))
        await running.agent.set_service_maintenance("web", True, "disks")
        await running.agent.set_node_maintenance(True)
        checks = running.catalog_checks("web")
        assert {checks[key].status for key in ("_node_maintenance", "_service_maintenance:web")} == {CRITICAL}
        await running.agent.set_service_maintenance("web", False)
        await running.agent.set_node_maintenance(False)
        assert set(running.catalog_checks("web")) <= {"serfHealth"}


async def test_a_blocked_read_of_a_service_wakes_when_it_changes() -> None:
    async with running_agent() as running, asyncio.TaskGroup() as group:
        await running.agent.register_service(parse_service({"Name": "web"}))
        seen = running.agent.local.changed_at(Subject.SERVICE, "web")
        waiting = group.create_task(running.agent.wait_for_service("web", seen, 60))
        await asyncio.sleep(0)
        await running.agent.register_service(parse_service({"Name": "web", "Port": 1}))
        assert await waiting > seen


async def test_leaf_roots_and_authorisation_fit_together() -> None:
    async with running_agent() as running:
        leaf = await running.agent.leaf("web")
        roots = (await running.agent.roots()).reading
        assert leaf.uri == f"spiffe://{roots.value.trust_domain}/ns/default/dc/dc1/svc/web"
        assert (await running.agent.authorize("db", leaf.uri, leaf.serial_number)).allowed


async def test_configured_services_are_there_from_the_start_and_follow_a_reload() -> None:
    first = Configuration(node_name=NODE, services=(parse_service({"Name": "one"}),))
    second = Configuration(
        node_name=NODE,
        services=(parse_service({"Name": "two"}),),
        checks=(parse_check({"Name": "disk", "TTL": "60s"}),),
    )
    async with running_server() as (server, log, _):
        agent = Agent(
            identity=identity(),
            registry=server,
            configuration=first,
            settings=AgentSettings(),
            clock=SystemClock(),
            rng=SeededRng(1),
            log=log,
            load=lambda: second,
        )
        async with agent.running():
            assert set(agent.local.services) == {"one"}
            await agent.register_service(parse_service({"Name": "api"}))
            await agent.reload()
            assert (set(agent.local.services), set(agent.local.checks)) == ({"two", "api"}, {"disk"})
            assert agent.configuration is second


async def test_an_agent_without_files_refuses_to_reload() -> None:
    async with running_agent() as running:
        with pytest.raises(RequestError, match="no configuration to reload"):
            await running.agent.reload()


async def test_an_agent_is_a_member_and_leaves() -> None:
    async with running_agent() as running:
        await eventually(lambda: bool(running.events("agent.lease.granted")), what="it has its lease")
        await running.agent.leave()
        assert [one.status for one in await running.agent.members()] == [MemberStatus.LEFT]


async def test_an_instance_that_stays_critical_is_reaped() -> None:
    async with running_agent(AgentSettings(reap_every_s=0.05, critical_s_min=0.0)) as running:
        check = {"TTL": "60s", "DeregisterCriticalServiceAfter": "100ms"}
        await running.agent.register_service(parse_service({"Name": "doomed", "Check": check}))
        await running.agent.register_service(parse_service({"Name": "kept", "Check": {**check, "Status": "passing"}}))
        await eventually(lambda: set(running.agent.local.services) == {"kept"}, what="the instance is reaped")
        await eventually(lambda: set(running.catalog_services()) == {"kept"}, what="the catalog forgets it")


async def test_nothing_runs_on_when_the_agent_stops() -> None:
    async with running_server() as (server, log, _):
        before = asyncio.all_tasks()
        agent = Agent(
            identity=identity(),
            registry=server,
            configuration=Configuration(node_name=NODE),
            settings=AgentSettings(),
            clock=SystemClock(),
            rng=SeededRng(1),
            log=log,
        )
        async with agent.running():
            await agent.register_check(parse_check({"Name": "c", "TCP": "127.0.0.1:1", "Interval": "1s"}))
            assert asyncio.all_tasks() > before
        assert asyncio.all_tasks() == before


async def test_what_is_registered_over_http_outlives_the_agent(tmp_path: Path) -> None:
    settings = AgentSettings(data_dir=str(tmp_path))
    async with running_agent(settings) as one:
        await one.agent.register_service(parse_service(_WEB_WITH_SIDECAR), token="secret")
        await one.agent.register_check(parse_check({"Name": "mem", "TTL": "90s"}))
        await one.agent.update_check("mem", "warning", "hm")
        await one.agent.set_node_maintenance(True, "disks")
        before = dict(one.agent.local.services)
    async with running_agent(settings) as two:
        assert dict(two.agent.local.services) == before
        assert set(two.agent.local.checks) == set(one.agent.local.checks)
        mem = two.agent.local.checks["mem"].check
        assert (mem.status, mem.output) == ("warning", "hm")
        assert two.agent.local.services["web"].token == "secret"
        await two.agent.deregister_service("web")
    async with running_agent(settings) as three:
        assert dict(three.agent.local.services) == {}
        assert set(three.agent.local.checks) == {"mem", "_node_maintenance"}


async def test_a_registration_that_cannot_be_kept_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with running_agent(AgentSettings(data_dir=str(tmp_path))) as running:
        (tmp_path / "services").write_text("in the way")
        with pytest.raises(StorageError, match="nothing was registered"):
            await running.agent.register_service(parse_service(_WEB_WITH_SIDECAR))
        assert (dict(running.agent.local.services), dict(running.agent.local.checks)) == ({}, {})
        (tmp_path / "services").unlink()
        await running.agent.register_service(parse_service({"Name": "web", "Port": 80, "Check": {"TTL": "9s"}}))
        shutil.rmtree(tmp_path / "services")
        (tmp_path / "services").write_text("in the way")
        with pytest.raises(StorageError):
            await running.agent.register_service(parse_service({"Name": "web", "Port": 81, "Check": {"TTL": "8s"}}))
        assert running.agent.local.services["web"].service.port == 80
        definition = running.agent.local.checks["service:web"].definition
        assert definition is not None
        assert definition.ttl_s == 9
        assert running.catalog_services()["web"].port == 80
