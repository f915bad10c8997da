"""`/v1/agent/service*`."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from tests.agent.http.live import Live

WEB = {"ID": "web-1", "Name": "web", "Tags": ["a"], "Port": 80, "Check": {"TTL": "90s", "Status": "passing"}}


async def test_a_registration_is_in_the_catalog_when_it_is_answered(live: Live) -> None:
    answer = await live.put("/v1/agent/service/register", WEB)
    assert (answer.status, answer.body) == (200, b"")
    assert "Content-Type" not in answer.headers
    assert '"web-1"' in (await live.get("/v1/health/service/web?passing")).text


async def test_one_instance_is_shown_with_its_hash(live: Live) -> None:
    await live.put("/v1/agent/service/register", WEB)
    answer = await live.get("/v1/agent/service/web-1")
    assert answer.headers["X-Consul-Contenthash"] == answer.at("ContentHash")
    assert (answer.at("Service"), answer.at("Meta"), answer.at("Weights")) == ("web", {}, {"Passing": 1, "Warning": 1})
    assert "ContentHash" not in (await live.get("/v1/agent/services")).text


async def test_a_changed_hash_wakes_who_waits_for_it(live: Live) -> None:
    await live.put("/v1/agent/service/register", WEB)
    seen = (await live.get("/v1/agent/service/web-1")).headers["X-Consul-Contenthash"]
    waiting = asyncio.ensure_future(live.get(f"/v1/agent/service/web-1?hash={seen}&wait=30s"))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    await live.put("/v1/agent/service/register", {**WEB, "Port": 81})
    async with asyncio.timeout(30):
        assert (await waiting).headers["X-Consul-Contenthash"] != seen


async def test_a_removed_instance_ends_the_wait_with_404(live: Live) -> None:
    await live.put("/v1/agent/service/register", WEB)
    seen = (await live.get("/v1/agent/service/web-1")).headers["X-Consul-Contenthash"]
    waiting = asyncio.ensure_future(live.get(f"/v1/agent/service/web-1?hash={seen}&wait=30s"))
    await asyncio.wait([waiting], timeout=0.1)
    await live.put("/v1/agent/service/deregister/web-1")
    async with asyncio.timeout(30):
        assert (await waiting).status == 404


async def test_the_wait_for_a_hash_ends(live: Live) -> None:
    await live.put("/v1/agent/service/register", WEB)
    seen = (await live.get("/v1/agent/service/web-1")).headers["X-Consul-Contenthash"]
    async with asyncio.timeout(30):
        assert (await live.get(f"/v1/agent/service/web-1?hash={seen}&wait=50ms")).status == 200


async def test_a_sidecar_comes_and_goes_with_its_service(live: Live) -> None:
    await live.put("/v1/agent/service/register", {"Name": "api", "Port": 1, "Connect": {"SidecarService": {}}})
    proxy = await live.get("/v1/agent/service/api-sidecar-proxy")
    assert proxy.at("Kind") == "connect-proxy"
    assert proxy.at("Proxy.DestinationServiceID") == "api"
    await live.put("/v1/agent/service/deregister/api")
    assert (await live.get("/v1/agent/service/api-sidecar-proxy")).status == 404


async def test_maintenance_makes_an_instance_critical(live: Live) -> None:
    await live.put("/v1/agent/service/register", WEB)
    path = "/v1/agent/service/maintenance/web-1"
    assert (await live.put(f"{path}?enable=true&reason=new%20disks")).status == 200
    assert (await live.get("/v1/health/service/web?passing")).json == []
    assert "new disks" in (await live.get("/v1/health/checks/web")).text
    await live.put(f"{path}?enable=false")
    assert (await live.get("/v1/health/service/web?passing")).json != []


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("register", {"ID": "x"}, 400, "Missing service name"),
        ("register", b"", 400, "Request decode failed: EOF"),
        ("register", {"Name": "x", "Colour": 1}, 400, 'Request decode failed: json: unknown field "Colour"'),
        ("register", {"Name": "x", "Check": {"TTL": "x"}}, 400, None),
        ("register", {"Name": "x", "Check": {"Args": ["true"], "Interval": "1s"}}, 500, None),
        ("deregister/", None, 500, "ServiceID missing"),
        ("deregister/nobody", None, 200, ""),
        ("maintenance/", None, 400, "Missing service ID"),
        ("maintenance/x", None, 400, "Missing value for enable"),
        ("maintenance/x?enable=perhaps", None, 400, 'Invalid value for enable: "perhaps"'),
        ("maintenance/x?enable=true", None, 404, 'No service registered with ID "x"'),
    ],
)
async def test_a_wrong_request_changes_nothing(
    live: Live, path: str, body: object, status: int, text: str | None
) -> None:
    answer = await live.put(f"/v1/agent/service/{path}", body)
    assert answer.status == status, answer.text
    assert text is None or answer.text == text
    assert (await live.get("/v1/agent/services")).json == {}


async def test_an_unknown_instance_is_404(live: Live) -> None:
    answer = await live.get("/v1/agent/service/nobody")
    assert (answer.status, answer.text) == (404, "unknown service ID: nobody")


@pytest.mark.parametrize(
    "members",
    [
        f'"Port": 1{"0" * 400}',
        f'"Port": 1{"0" * 5000}',
        f'"Proxy": {{"Config": {{"a": 1{"0" * 400}}}}}',
        f'"Check": {{"TTL": 1{"0" * 400}}}',
        '"Check": {"TTL": 1e999}',
    ],
    ids=["port", "digits", "config", "whole duration", "duration"],
)
async def test_what_could_not_be_shown_is_not_registered(live: Live, members: str) -> None:
    answer = await live.put("/v1/agent/service/register", f'{{"Name": "odd", {members}}}'.encode())
    assert answer.status in (400, 500)
    assert "internal error" not in answer.text
    shown = await live.get("/v1/agent/services")
    assert (shown.status, shown.json) == (200, {})


async def test_half_a_character_is_replaced(live: Live) -> None:
    assert (await live.put("/v1/agent/service/register", b'{"Name": "a\\ud800", "Tags": ["\\udfff"]}')).status == 200
    assert (await live.get("/v1/agent/services")).text_at("a\ufffd.Service") == "a\ufffd"
    assert (await live.put("/v1/agent/service/deregister/a%EF%BF%BD")).status == 200
    assert (await live.get("/v1/agent/services")).json == {}


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("Proxy.Upstreams is empty", ["web-1", "web-1-sidecar-proxy"]),
        ("Proxy.DestinationServiceName == web", ["web-1-sidecar-proxy"]),
        ("Connect.Native != true", ["web-1", "web-1-sidecar-proxy"]),
        ("Kind == `connect-proxy` and Port != 0", ["web-1-sidecar-proxy"]),
        ("Port == 1", []),
    ],
)
async def test_instances_without_a_proxy_are_filtered_as_any_other(live: Live, filter: str, found: list[str]) -> None:
    await live.put("/v1/agent/service/register", {**WEB, "Connect": {"SidecarService": {}}})
    answer = await live.get(f"/v1/agent/services?filter={quote(filter)}")
    assert answer.status == 200
    assert isinstance(answer.json, dict)
    assert sorted(answer.json) == found
