"""What the cluster says of proxies is shown with them, and followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from lictor_agent.central import CentralConfig
from lictor_agent.kept import Kept, KeptByServer, KeptReading
from lictor_agent.local import LocalService, LocalState
from lictor_agent.persisted import recalled
from lictor_agent.persisted.forms import file_name
from lictor_agent.persisted.shelf import Found, Kind, Shelf
from lictor_agent.settings import AgentSettings
from lictor_config.definitions import parse_service
from lictor_config.tree import Configuration
from lictor_core.clock import SeededRng
from lictor_core.commands import ConfigDelete, ConfigSet
from lictor_core.entries.reading import body_of, read_entry
from lictor_core.errors import NoLeaderError, RequestError
from lictor_core.queries import Query
from lictor_core.records import Expose, MeshGateway, Proxy, Service, ServiceKind
from lictor_core.registry import ReadOptions
from lictor_server import Server
from tests.agent.builders import NODE, service
from tests.agent.harness import quiet_log, running_agent, running_server
from tests.support.conditions import eventually

T = TypeVar("T")
_ON = Configuration(node_name=NODE, enable_central_service_config=True)
_SIDECAR = {"Name": "web", "Port": 80, "Connect": {"SidecarService": {"Checks": [{"TTL": "60s"}]}}}
_ID = "web-sidecar-proxy"


def entry(kind: str, name: str, **body: object) -> ConfigSet:
    made = read_entry({"Kind": kind, "Name": name, **body})
    return ConfigSet(kind=kind, name=made.name, body=body_of(made))


def everyone(**config: object) -> ConfigSet:
    return entry("proxy-defaults", "global", Config=config)


def proxy(id: str = "side", of: str = "web") -> LocalService:
    said = Proxy(destination_service_name=of, destination_service_id=of, mesh_gateway=MeshGateway(), expose=Expose())
    return LocalService(service=msgspec.structs.replace(service(id), kind=ServiceKind.CONNECT_PROXY, proxy=said))


@asynccontextmanager
async def following(local: LocalState, kept: Kept) -> AsyncGenerator[CentralConfig]:
    central = CentralConfig(local, kept, SeededRng(1), quiet_log()[0])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(central.run())
        try:
            yield central
        finally:
            task.cancel()


class Failing:
    """Keeps nothing: every read fails."""

    def __init__(self, error: type[NoLeaderError | RequestError]) -> None:
        self.error = error
        self.asked = 0

    async def read(self, query: Query[T], options: ReadOptions) -> KeptReading[T]:
        self.asked += 1
        raise self.error("no")

    def stamp(self, query: Query[T], token: str = "") -> int | None:
        return None


def config_of(local: LocalState, id: str = _ID) -> object:
    found = local.services.get(id)
    return None if found is None else found.service.proxy.config


async def test_a_sidecar_is_shown_and_told_with_what_entries_say_when_registering_returns() -> None:
    async with running_agent(configuration=_ON) as running:
        await running.server.write(everyone(protocol="http"))
        await running.agent.register_service(parse_service(_SIDECAR))
        assert config_of(running.agent.local) == {"protocol": "http"}
        assert running.catalog_services()[_ID].proxy.config == {"protocol": "http"}


async def test_a_sidecar_follows_the_entries_and_so_does_the_catalog() -> None:
    async with running_agent(configuration=_ON) as running:
        await running.agent.register_service(parse_service(_SIDECAR))
        await running.server.write(entry("service-defaults", "web", Protocol="grpc"))

        def told() -> object:
            return running.catalog_services()[_ID].proxy.config

        await eventually(lambda: told() == {"protocol": "grpc"}, what="the catalog has the protocol")
        await running.server.write(ConfigDelete(kind="service-defaults", name="web"))
        await eventually(lambda: told() is None, what="the catalog has no protocol any more")


async def test_an_agent_that_is_not_told_to_look_at_entries_does_not() -> None:
    async with running_agent() as running:
        await running.server.write(everyone(protocol="http"))
        await running.agent.register_service(parse_service(_SIDECAR))
        assert config_of(running.agent.local) is None


async def test_what_the_cluster_says_is_not_kept_as_if_it_had_been_registered(tmp_path: Path) -> None:
    async with running_agent(AgentSettings(data_dir=str(tmp_path)), _ON) as running:
        await running.server.write(everyone(secret="theirs"))
        await running.agent.register_service(parse_service(_SIDECAR))
        assert config_of(running.agent.local) == {"secret": "theirs"}
    kept = {one.item: one.data for one in Shelf(tmp_path).find() if isinstance(one, Found)}
    assert kept
    assert {item.kind for item, data in kept.items() if b"theirs" in data} == {Kind.DEFAULTS}


async def test_a_start_without_servers_knows_what_they_said_last(tmp_path: Path) -> None:
    settings = AgentSettings(data_dir=str(tmp_path))
    async with running_agent(settings, _ON) as running:
        await running.server.write(everyone(protocol="http"))
        await running.agent.register_service(parse_service(_SIDECAR))
    local, failing = LocalState(), Failing(NoLeaderError)
    central = CentralConfig(local, failing, SeededRng(1), quiet_log()[0])
    central.recall({one.service_id: one for one in recalled(Shelf(tmp_path), quiet_log()[0]).values()})
    local.put_service(proxy(_ID))
    assert config_of(local) == {"protocol": "http"}
    local.put_service(proxy(_ID, of="other"))
    assert config_of(local) is None


async def test_what_the_servers_say_now_takes_the_place_of_what_they_said_last(tmp_path: Path) -> None:
    settings = AgentSettings(data_dir=str(tmp_path))
    async with running_agent(settings, _ON) as running:
        await running.server.write(everyone(protocol="http"))
        await running.agent.register_service(parse_service(_SIDECAR))
    async with running_agent(settings, _ON) as running:  # of which the server is another one, without entries
        await eventually(lambda: config_of(running.agent.local) is None, what="the sidecar is as the entries say")
        await eventually(lambda: not _file_of(_ID, tmp_path).exists(), what="the file went")
        assert _ID in running.agent.local.services


async def test_what_was_said_goes_with_the_instance(tmp_path: Path) -> None:
    async with running_agent(AgentSettings(data_dir=str(tmp_path)), _ON) as running:
        await running.server.write(everyone(protocol="http"))
        await running.agent.register_service(parse_service(_SIDECAR))
        await eventually(_file_of(_ID, tmp_path).exists, what="it is kept")
        await running.agent.deregister_service("web")
        await eventually(lambda: not _file_of(_ID, tmp_path).exists(), what="the file went")


def _file_of(service_id: str, data_dir: Path) -> Path:
    return data_dir / Kind.DEFAULTS / file_name(service_id)


async def test_proxies_of_one_service_ask_once_and_the_last_one_ends_it() -> None:
    local, failing = LocalState(), Failing(NoLeaderError)
    async with following(local, failing) as central:
        for id in ("a", "b"):
            local.put_service(proxy(id))
        await eventually(lambda: failing.asked == 1, what="the servers are asked")
        local.remove_service("a")
        assert len(central.questions) == 1
        local.remove_service("b")
        assert len(central.questions) == 0


async def test_a_registration_waits_for_servers_that_are_away_only_so_long() -> None:
    local, failing = LocalState(), Failing(NoLeaderError)
    async with following(local, failing) as central:
        question = parse_service(_SIDECAR)
        assert question.sidecar is not None
        local.put_service(proxy())
        async with asyncio.timeout(30), central.asked(central.questions, 0.05):
            assert failing.asked >= 1


async def test_servers_that_refuse_are_not_waited_for() -> None:
    local, failing = LocalState(), Failing(RequestError)
    async with following(local, failing) as central:
        local.put_service(proxy())
        async with asyncio.timeout(30):
            await central.settled(60.0)


async def test_what_was_known_holds_while_the_servers_are_away() -> None:
    local = LocalState()
    async with running_server() as (server, _, _):
        await server.write(everyone(a=1))
        kept = _Breaking(server)
        async with following(local, kept):
            local.put_service(proxy())
            await eventually(lambda: config_of(local, "side") == {"a": 1}, what="it is known")
            kept.is_broken = True
            await server.write(everyone(a=2))
            await eventually(lambda: kept.failures > 1, what="the servers are lost")
            assert config_of(local, "side") == {"a": 1}
            kept.is_broken = False
            await eventually(lambda: config_of(local, "side") == {"a": 2}, what="it is followed again")


class _Breaking:
    """What a server has, until it is broken."""

    def __init__(self, server: Server) -> None:
        self._kept = KeptByServer(server)
        self.is_broken = False
        self.failures = 0

    async def read(self, query: Query[T], options: ReadOptions) -> KeptReading[T]:
        found = await self._kept.read(query, options) if not self.is_broken else None
        if self.is_broken or found is None:
            self.failures += 1
            raise NoLeaderError("away")
        return found

    def stamp(self, query: Query[T], token: str = "") -> int | None:
        return None


def test_an_instance_that_is_put_again_is_completed_again() -> None:
    local = LocalState()

    def complete(one: Service) -> Service:
        return msgspec.structs.replace(one, tags=[*one.tags, "more"])

    local.put_service(proxy())
    local.complete_with(complete)
    assert local.services["side"].service.tags == []
    assert local.complete_again("side") is not None
    assert local.services["side"].service.tags == ["more"]
    assert local.complete_again("side") is None
    assert local.put_service(proxy()) is None
    assert local.put_service(local.services["side"]) is None
    assert local.services["side"].registered == proxy().service
    assert local.complete_again("nobody") is None
