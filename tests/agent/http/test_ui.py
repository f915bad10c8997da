"""`/v1/internal/ui/*`. What it answers is held to Consul by `tests/compat/scenarios/http/ui.py`."""

from __future__ import annotations

from tests.agent.http.live import NODE, Live


async def test_a_node_is_shown_with_what_is_on_it(live: Live) -> None:
    await live.put("/v1/agent/service/register", {"Name": "web", "Check": {"TTL": "1h", "Status": "passing"}})
    answer = await live.get(f"/v1/internal/ui/node/{NODE}")
    services, checks = answer.at("Services"), answer.at("Checks")
    assert isinstance(services, list)
    assert isinstance(checks, list)
    assert len(checks) == 2, "serfHealth and the TTL"
    whole = await live.get("/v1/internal/ui/nodes")
    assert whole.json == [answer.json]


async def test_a_node_that_is_not_there_is_an_empty_404(live: Live) -> None:
    answer = await live.get("/v1/internal/ui/node/nobody")
    assert (answer.status, answer.text) == (404, "")


async def test_tags_that_nobody_gave_are_null(live: Live) -> None:
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": {"Service": "web"}})
    answer = await live.get("/v1/internal/ui/node/n")
    assert (answer.at("Services.0.Tags"), answer.at("Checks")) == (None, [])
