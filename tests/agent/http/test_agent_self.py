"""`/v1/agent/self`, `members`, `maintenance`, `reload`, `leave`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from lictor_core.records import Member
from lictor_core.registry import LeaderStatus
from tests.agent.http.live import NODE, Live
from tests.support.conditions import eventually
from tests.support.recorder.json_types import as_object


async def test_the_agent_says_who_it_is(live: Live) -> None:
    shown = await live.get("/v1/agent/self")
    assert shown.at("Config.NodeName") == NODE
    assert shown.text_at("Config.Version").startswith("1.8.7")
    assert shown.at("Member.Name") == NODE
    assert shown.at("DebugConfig.ACLDefaultPolicy") == "allow"
    assert shown.at("Stats.raft.state") == "Leader"
    groups = as_object(shown.at("Stats")).values()
    assert all(isinstance(figure, str) for group in groups for figure in as_object(group).values())


async def test_who_is_no_server_tells_of_itself_at_once_while_servers_are_silent(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = live.agent.identity
    monkeypatch.setattr(live.agent, "identity", replace(identity, server=False))

    async def never() -> list[Member]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(live.agent.registry, "members", never)
    async with asyncio.timeout(5):
        shown = await live.get("/v1/agent/self")
    assert shown.at("Member.Name") == identity.node_name
    assert shown.at("Stats.consul.known_servers") == "0"


async def test_only_an_agent_that_proxies_can_reach_tells_of_them(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.agent, "identity", replace(live.agent.identity, grpc_port=8502))
    assert (await live.get("/v1/agent/self")).at("xDS.SupportedProxies") == {}
    monkeypatch.setattr(live.agent, "identity", replace(live.agent.identity, grpc_port=-1))
    assert "xDS" not in as_object((await live.get("/v1/agent/self")).json)


async def test_the_members_are_this_agent(live: Live) -> None:
    members = await live.get("/v1/agent/members")
    assert members.column("Name") == [NODE]
    assert (members.at("0.Status"), members.at("0.Tags.role")) == (1, "consul")
    assert (await live.get("/v1/agent/members?wan=1")).column("Name") == [f"{NODE}.dc1"]
    assert (await live.get("/v1/agent/members?segment=blue")).status == 500
    assert "X-Consul-Knownleader" not in members.headers


async def test_who_is_no_server_knows_nobody_of_the_wide_area(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.agent, "identity", replace(live.agent.identity, server=False))
    assert (await live.get("/v1/agent/members?wan=1")).json is None
    assert (await live.get("/v1/agent/members?wan=")).column("Name") == [NODE]


async def test_members_that_are_remembered_while_nobody_leads_are_marked(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = msgspec.structs.replace(
        await live.registry.leader_status(), address="", is_self=False, snapshot_index=4096
    )

    async def leaderless() -> LeaderStatus:
        return status

    monkeypatch.setattr(live.registry, "leader_status", leaderless)
    members = await live.get("/v1/agent/members")
    assert (members.column("Name"), members.headers["X-Consul-Knownleader"]) == ([NODE], "false")
    figures = as_object((await live.get("/v1/agent/self")).at("Stats.raft"))
    assert (figures["state"], figures["last_snapshot_index"]) == ("Candidate", "4096")


async def test_maintenance_of_the_node_is_a_critical_check(live: Live) -> None:
    await live.put("/v1/agent/maintenance?enable=true&reason=moving")
    assert "moving" in (await live.get("/v1/health/state/critical")).text
    await live.put("/v1/agent/maintenance?enable=false")
    assert (await live.get("/v1/health/state/critical")).json == []
    assert (await live.put("/v1/agent/maintenance")).text == "Missing value for enable"


async def test_an_agent_without_files_cannot_reload(live: Live) -> None:
    answer = await live.put("/v1/agent/reload")
    assert answer.status == 500
    assert "configuration" in answer.text


async def test_who_leaves_gives_up_its_lease(live: Live) -> None:
    await eventually(lambda: bool(live.events("agent.lease.granted")), what="the lease is granted")
    answer = await live.put("/v1/agent/leave")
    assert (answer.status, answer.body) == (200, b"")
    assert len(live.events("member.lease.given_up")) == 1
