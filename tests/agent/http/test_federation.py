"""`/v1/internal/federation-state*`; the answers are held to Consul by `tests/compat/scenarios/http/federation.py`."""

from __future__ import annotations

from tests.agent.http.live import Live


async def test_who_waits_is_told_of_a_gateway(live: Live) -> None:
    before = await live.get("/v1/internal/federation-states")
    assert before.column("Datacenter") == ["dc1"]
    body = {"Node": "g", "Address": "192.0.2.1", "Service": {"Service": "gw", "Kind": "mesh-gateway", "Port": 443}}
    assert (await live.put("/v1/catalog/register", body)).status == 200
    after = await live.get(f"/v1/internal/federation-state/dc1?index={before.index}&wait=5s")
    assert after.index > before.index
    assert after.at("State.MeshGateways.0.Service.Service") == "gw"
    assert after.at("State.MeshGateways.0.Checks") is None
    assert after.at("Index") == after.index


async def test_instances_that_are_no_gateways_are_none_of_the_state(live: Live) -> None:
    body = {"Node": "g", "Address": "192.0.2.1", "Service": {"Service": "web"}}
    assert (await live.put("/v1/catalog/register", body)).status == 200
    assert (await live.get("/v1/internal/federation-states/mesh-gateways")).json == {}
