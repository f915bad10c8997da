"""`/v1/operator/*`: a server of one, over HTTP."""

from __future__ import annotations

import pytest

from tests.agent.http.live import NODE, Live
from tests.support.recorder.json_types import as_object

RAFT = "/v1/operator/raft"
SETTINGS = "/v1/operator/autopilot/configuration"


async def test_the_peers_are_shown(live: Live) -> None:
    shown = await live.get(f"{RAFT}/configuration")
    row = as_object(shown.at("Servers.0"))
    assert {key: row[key] for key in ("Node", "Leader", "ProtocolVersion", "Voter")} == {
        "Node": NODE,
        "Leader": True,
        "ProtocolVersion": "3",
        "Voter": True,
    }
    assert row["Address"] == f"127.0.0.1:{live.registry.server_port}"
    assert (await live.get(f"{RAFT}/configuration?stale")).json == shown.json


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?id=a&address=b", 400), ("?id=nobody", 500), ("?address=192.0.2.1:8300", 500), ("?id=a&dc=x", 500)],
)
async def test_a_peer_that_cannot_be_removed_is_refused(live: Live, query: str, status: int) -> None:
    assert (await live.ask("DELETE", f"{RAFT}/peer{query}")).status == status


async def test_the_only_voter_stays(live: Live) -> None:
    id = (await live.get(f"{RAFT}/configuration")).text_at("Servers.0.ID")
    refused = await live.ask("DELETE", f"{RAFT}/peer?id={id}")
    assert (refused.status, "the only voter" in refused.text) == (500, True)
    handed = await live.put(f"{RAFT}/transfer-leader")
    assert (handed.status, "the only voter" in handed.text) == (400, True)


async def test_settings_are_stored_by_the_first_leader(live: Live) -> None:
    shown = await live.get(SETTINGS)
    assert shown.at("LastContactThreshold") == "200ms"
    assert shown.at("CreateIndex") == shown.at("ModifyIndex") != 0


async def test_settings_are_replaced_whole(live: Live) -> None:
    before = await live.get(SETTINGS)
    assert (await live.put(SETTINGS, {"ServerStabilizationTime": "90s", "MinQuorum": 3})).json is True
    after = as_object((await live.get(SETTINGS)).json)
    assert (after["ServerStabilizationTime"], after["MinQuorum"]) == ("1m30s", 3)
    assert (after["CleanupDeadServers"], after["LastContactThreshold"]) == (False, "0s")
    assert after["CreateIndex"] == before.at("CreateIndex") != after["ModifyIndex"]
    assert (await live.put(f"{SETTINGS}?cas=1", as_object(before.json))).json is False
    assert (await live.put(f"{SETTINGS}?cas={after['ModifyIndex']}", as_object(before.json))).json is True


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", b""),
        ("", b"{"),
        ("", {"LastContactThreshold": "x"}),
        ("", {"Bogus": 1}),
        ("", {"MaxTrailingLogs": "a"}),
        ("", {"MaxTrailingLogs": -1}),
        ("?cas=x", {}),
    ],
)
async def test_settings_that_cannot_be_are_refused(live: Live, query: str, body: object) -> None:
    assert (await live.put(SETTINGS + query, body)).status == 400


async def test_health_has_its_own_status(live: Live) -> None:
    shown = await live.get("/v1/operator/autopilot/health")
    assert (shown.status, shown.at("Healthy"), shown.at("FailureTolerance")) == (200, True, 0)
    assert (shown.at("Servers.0.Name"), shown.at("Servers.0.SerfStatus")) == (NODE, "alive")
    # a server that does not do well
    live.registry._office._members.leave(NODE, 0.0)  # pyright: ignore[reportPrivateUsage]
    poor = await live.get("/v1/operator/autopilot/health")
    assert (poor.status, poor.at("Healthy"), poor.headers["Content-Type"]) == (429, False, "text/plain; charset=utf-8")


async def test_the_state_of_later_versions_names_servers_by_id(live: Live) -> None:
    shown = await live.get("/v1/operator/autopilot/state")
    id = shown.text_at("Leader")
    assert shown.at("Voters") == [id]
    server = as_object(shown.at(f"Servers.{id}"))
    assert (server["Status"], server["NodeType"], server["NodeStatus"], server["Healthy"]) == (
        "leader",
        "voter",
        "alive",
        True,
    )
