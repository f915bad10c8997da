"""`/v1/agent/local`: where registrations came from."""

from __future__ import annotations

from tests.agent.http.live import Live

SIDECAR: dict[str, object] = {"SidecarService": {}}
WEB = {"Name": "web", "Port": 80, "Check": {"TTL": "90s"}, "Connect": SIDECAR}


async def test_a_registration_over_http_says_who_asked_and_when(live: Live) -> None:
    await live.put("/v1/agent/service/register", WEB)
    answer = await live.get("/v1/agent/local")
    web = [answer.at(f"Services.web.{key}") for key in ("Origin", "Place", "Restored", "HasToken", "Sidecars")]
    assert web == ["api", "127.0.0.1", False, False, ["web-sidecar-proxy"]]
    assert answer.text_at("Services.web.Time").startswith("20")
    sidecar = [answer.at(f"Services.web-sidecar-proxy.{key}") for key in ("Origin", "SidecarOf")]
    assert sidecar == ["sidecar", "web"]
    assert answer.at("Checks.service:web.ServiceID") == "web"


async def test_one_instance_is_shown_with_its_checks_and_no_token(live: Live) -> None:
    await live.put("/v1/agent/service/register?token=very-secret", WEB)
    answer = await live.get("/v1/agent/local/service/web")
    assert answer.at("Checks.service:web.Status") == "critical"
    assert answer.at("HasToken")
    assert "very-secret" not in answer.text


async def test_an_instance_that_is_not_here_is_not_found(live: Live) -> None:
    answer = await live.get("/v1/agent/local/service/nobody")
    assert (answer.status, "nobody" in answer.text) == (404, True)


async def test_who_registers_on_the_node_of_an_agent_through_the_catalog_is_warned(live: Live) -> None:
    own = (await live.get("/v1/agent/self")).text_at("Config.NodeName")
    body = {"Node": own, "Address": "127.0.0.1", "SkipNodeUpdate": True, "Service": {"Service": "lost"}}
    assert own in (await live.put("/v1/catalog/register", body)).headers["X-Lictor-Warning"]
    for harmless in (
        {"Node": "other", "Address": "192.0.2.1", "Service": {"Service": "kept"}},
        {**body, "Service": None},
    ):
        assert "X-Lictor-Warning" not in (await live.put("/v1/catalog/register", harmless)).headers
