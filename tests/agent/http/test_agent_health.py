"""`/v1/agent/health/service/*`: health by status code."""

from __future__ import annotations

import pytest

from tests.agent.http.live import Live


async def register(live: Live, service_id: str, status: str) -> None:
    body = {"ID": service_id, "Name": "web", "Check": {"TTL": "90s", "Status": status}}
    await live.put("/v1/agent/service/register", body)


@pytest.mark.parametrize(("status", "code"), [("passing", 200), ("warning", 429), ("critical", 503)])
async def test_the_code_tells_the_health_of_an_instance(live: Live, status: str, code: int) -> None:
    await register(live, "web-1", status)
    answer = await live.get("/v1/agent/health/service/id/web-1")
    assert (answer.status, answer.at("AggregatedStatus"), answer.headers["X-Consul-Reason"]) == (code, status, status)
    text = await live.get("/v1/agent/health/service/id/web-1?format=text")
    assert (text.status, text.text, text.headers["Content-Type"]) == (code, status, "text/plain")


async def test_the_worst_instance_tells_the_health_of_a_service(live: Live) -> None:
    await register(live, "web-1", "passing")
    await register(live, "web-2", "warning")
    answer = await live.get("/v1/agent/health/service/name/web")
    assert answer.status == 429
    assert answer.column("Service.ID") == ["web-1", "web-2"]


async def test_maintenance_of_the_node_is_that_of_its_instances(live: Live) -> None:
    await register(live, "web-1", "passing")
    await live.put("/v1/agent/maintenance?enable=true")
    answer = await live.ask("GET", "/v1/agent/health/service/id/web-1", headers={"Accept": "text/plain"})
    assert (answer.status, answer.text) == (503, "maintenance")


async def test_nobody_is_404_with_the_reason(live: Live) -> None:
    by_id = await live.get("/v1/agent/health/service/id/nobody")
    assert (by_id.status, by_id.headers["X-Consul-Reason"]) == (404, "ServiceId nobody not found")
    assert by_id.json == {"AggregatedStatus": "critical", "Service": None, "Checks": None}
    by_name = await live.get("/v1/agent/health/service/name/nobody?format=text")
    assert (by_name.status, by_name.text) == (404, "ServiceName nobody Not Found")
    assert (await live.get("/v1/agent/health/service/name/nobody")).json == []


async def test_a_missing_name_is_500_as_in_consul(live: Live) -> None:
    assert (await live.get("/v1/agent/health/service/id/")).text == "Bad request: Missing serviceID"
    assert (await live.get("/v1/agent/health/service/name/")).status == 500
