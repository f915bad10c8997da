"""One Envoy while it is connected, without any transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import LogCapture

from lictor_connect_proxy.snapshot import ProxySnapshot, UpstreamListener
from lictor_connect_proxy.xds import session as session_module
from lictor_connect_proxy.xds.kinds import CLUSTER, LISTENER, Resources
from lictor_connect_proxy.xds.session import Session
from lictor_connect_proxy.xds.stream import DeltaRequest, DeltaResponse
from lictor_core.clock import SystemClock
from lictor_core.errors import ConfigurationError, NotFoundError
from lictor_core.records import ServiceKind
from tests.agent.harness import quiet_log
from tests.connect_proxy.xds.envoys import FULL, Told, build, policy_of
from tests.support.conditions import eventually

INCOMPLETE = msgspec.structs.replace(FULL, upstreams=(UpstreamListener(service="nowhere", bind_port=9),))


class Wire:
    """Both directions of a stream as queues; with `answers` everything is taken at once."""

    def __init__(self, *, answers: bool) -> None:
        self.requests: asyncio.Queue[DeltaRequest | None] = asyncio.Queue()
        self.sent: list[DeltaResponse] = []
        self._answers = answers

    async def receive(self) -> DeltaRequest | None:
        return await self.requests.get()

    async def send(self, response: DeltaResponse) -> None:
        self.sent.append(response)
        if self._answers:
            self.requests.put_nowait(DeltaRequest(kind=response.kind, nonce=response.nonce))

    def names(self) -> list[str]:
        return [name for response in self.sent for name, _ in response.resources]


@asynccontextmanager
async def running(
    knowledge: Told, first: DeltaRequest, *, answers: bool = True, made_by: session_module.Build = build
) -> AsyncGenerator[tuple[Wire, LogCapture, asyncio.Task[None]]]:
    log, logged = quiet_log()
    wire = Wire(answers=answers)
    session = Session("db-sidecar-proxy", "1.40.0", made_by, knowledge, owed={}, clock=SystemClock(), log=log)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(session.run("", first, wire.receive, wire.send))
        wire.requests.put_nowait(DeltaRequest(kind=LISTENER, versions=first.versions))
        try:
            yield wire, logged, task
        finally:
            task.cancel()


NEW = DeltaRequest(kind=CLUSTER)
KNOWN = DeltaRequest(kind=CLUSTER, versions={"local_app": "old"})


async def test_nothing_is_told_before_everything_is_known() -> None:
    knowledge = Told(INCOMPLETE)
    async with running(knowledge, NEW) as (wire, _, _):
        await eventually(lambda: knowledge.asked != [], what="a session that follows")
        assert wire.sent == []
        knowledge.say(FULL)
        await eventually(lambda: wire.names() == ["local_app", "public_listener"], what="the configuration")


async def test_one_part_that_cannot_be_had_keeps_a_new_envoy_waiting_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "FIRST_S_MAX", 0.05)
    async with running(Told(INCOMPLETE), NEW) as (wire, logged, _):
        await eventually(lambda: "public_listener" in wire.names(), what="what there is")
        [event] = [one for one in logged.entries if one["event"] == "xds.configuration.incomplete"]
        assert event["missing"] == ["nowhere"]


async def test_an_envoy_that_has_something_keeps_it_until_everything_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "FIRST_S_MAX", 0.01)
    knowledge = Told(INCOMPLETE)
    async with running(knowledge, KNOWN) as (wire, _, _):
        await asyncio.sleep(0.1)  # ten times what a new one waits
        assert wire.sent == []
        knowledge.say(FULL)
        await eventually(lambda: "local_app" in wire.names(), what="the configuration")


async def test_changes_that_come_together_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "GAP_S", 0.2)
    built: list[ProxySnapshot] = []

    def counting(snapshot: ProxySnapshot) -> Resources:
        built.append(snapshot)
        return build(snapshot)

    knowledge = Told(FULL)
    async with running(knowledge, NEW, made_by=counting):
        await knowledge.reported(7)
        for index in range(8, 30):
            knowledge.say(policy_of(index))
        await knowledge.reported(29)
        assert len(built) == 2


async def test_what_is_none_of_envoys_is_told_with_the_proxy() -> None:
    knowledge = Told(msgspec.structs.replace(FULL, service="broken"))
    async with running(knowledge, NEW) as (wire, logged, _):
        await eventually(lambda: bool(knowledge.reports), what="a report")
        [rejected] = knowledge.reports[0].rejected
        assert (rejected.type, rejected.name) == ("Cluster", "local_app")
        assert '"naem"' in rejected.reason
        assert [one["name"] for one in logged.entries if one["event"] == "xds.resource.unusable"] == ["local_app"]
        assert wire.names() == ["public_listener"]


async def test_what_cannot_be_built_leaves_what_there_was() -> None:
    def failing(snapshot: ProxySnapshot) -> Resources:
        if snapshot.policy is not None and snapshot.policy.index == 8:
            raise ConfigurationError("no such thing")
        return build(snapshot)

    knowledge = Told(FULL)
    async with running(knowledge, NEW, made_by=failing) as (wire, _, _):
        await knowledge.reported(7)
        sent = list(wire.sent)
        knowledge.say(policy_of(8))
        await eventually(lambda: bool(knowledge.reports[-1].rejected), what="a report of the reason")
        assert knowledge.reports[-1].policy_index == 7
        assert wire.sent == sent
        knowledge.say(policy_of(9))
        assert (await knowledge.reported(9)).rejected == ()


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (ServiceKind.CONNECT_PROXY, "db:127.0.0.1:9191", 8),
        (ServiceKind.CONNECT_PROXY, "public_listener:127.0.0.1:21000", 7),
        (ServiceKind.TERMINATING_GATEWAY, "default:127.0.0.1:8443", 7),
    ],
)
async def test_a_listener_that_is_refused_holds_the_policy_back_where_it_may_hold_intentions(
    kind: ServiceKind, name: str, expected: int
) -> None:
    def with_flaw(snapshot: ProxySnapshot) -> Resources:
        flawed = snapshot.policy is not None and snapshot.policy.index == 8
        return {**build(snapshot), LISTENER: {name: {"naem": "x"} if flawed else {"name": name}}}

    knowledge = Told(msgspec.structs.replace(FULL, kind=kind))
    async with running(knowledge, NEW, made_by=with_flaw):
        await knowledge.reported(7)
        knowledge.say(msgspec.structs.replace(policy_of(8), kind=kind))
        await eventually(lambda: bool(knowledge.reports[-1].rejected), what="a report of the flaw")
        await eventually(lambda: knowledge.reports[-1].policy_index == expected, what=f"policy {expected}")


async def test_large_configurations_are_made_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_LARGE", 0)
    knowledge = Told(FULL)
    async with running(knowledge, NEW):
        await knowledge.reported(7)
        knowledge.say(policy_of(8))
        await knowledge.reported(8)


async def test_what_runs_is_told_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "REPORT_EVERY_S", 0.02)
    knowledge = Told(FULL)
    async with running(knowledge, NEW):
        await eventually(lambda: len(knowledge.reports) >= 3, what="three reports")
        assert len(set(knowledge.reports)) <= 2


async def test_it_ends_when_the_client_does() -> None:
    async with running(Told(FULL), NEW) as (wire, _, task):
        wire.requests.put_nowait(None)
        await asyncio.wait_for(asyncio.shield(task), 20)


async def test_it_ends_when_there_is_no_such_proxy_any_more() -> None:
    knowledge = Told(FULL)
    knowledge.is_gone.set()
    log, _ = quiet_log()
    wire = Wire(answers=True)
    session = Session("gone", "", build, knowledge, owed={}, clock=SystemClock(), log=log)
    with pytest.raises(NotFoundError, match="not registered"):
        await asyncio.wait_for(session.run("", NEW, wire.receive, wire.send), 20)
