"""`/v1/status/*`."""

from __future__ import annotations

from tests.agent.http.live import Live


async def test_the_leader_is_named_by_its_address(live: Live) -> None:
    answer = await live.get("/v1/status/leader")
    assert answer.status == 200
    assert answer.json == f"127.0.0.1:{live.registry.server_port}"


async def test_the_only_voter_is_this_server(live: Live) -> None:
    assert (await live.get("/v1/status/peers")).json == [f"127.0.0.1:{live.registry.server_port}"]


async def test_another_datacenter_has_no_leader_here(live: Live) -> None:
    answer = await live.get("/v1/status/leader?dc=elsewhere")
    assert (answer.status, answer.text) == (500, "No path to datacenter")
