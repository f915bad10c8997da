"""`/v1/agent/connect/proxies`."""

from __future__ import annotations

import pytest

from lictor_core.records import JsonObject
from tests.agent.http.live import Live
from tests.support.recorder.json_types import as_list, at

PATH = "/v1/agent/connect/proxies"
SIDECAR: JsonObject = {"Name": "db", "Port": 5432, "Connect": {"SidecarService": {}}}


async def test_a_proxy_tells_of_itself_and_is_shown(live: Live) -> None:
    await live.ask("PUT", "/v1/agent/service/register", SIDECAR)
    refused = {"Type": "listener", "Name": "public", "Reason": "address in use"}
    report = {"DataPlane": "envoy", "Version": "1.40.0", "PolicyIndex": 12, "ConfigAgeMs": 3, "Rejected": [refused]}
    assert (await live.ask("PUT", f"{PATH}/db-sidecar-proxy", report)).json is True
    (shown,) = as_list((await live.get(PATH)).json)
    assert shown == {
        **report,
        "ReportedMs": at(shown, "ReportedMs"),
        "LeafValidBefore": "",
        "ProxyID": "db-sidecar-proxy",
        "Node": live.agent.identity.node_name,
        "Service": "db",
    }


@pytest.mark.parametrize(
    ("proxy", "body", "status", "words"),
    [
        ("nobody", {"DataPlane": "envoy"}, 404, "no proxy 'nobody' is registered"),
        ("db-sidecar-proxy", {}, 400, "DataPlane"),
        ("db-sidecar-proxy", {"DataPlane": ""}, 400, "DataPlane is missing"),
        ("db-sidecar-proxy", {"DataPlane": "envoy", "PolicyIndex": "many"}, 400, "PolicyIndex"),
        ("db-sidecar-proxy", b"", 400, "EOF"),
    ],
)
async def test_what_cannot_be_a_report_is_refused(
    live: Live, proxy: str, body: object, status: int, words: str
) -> None:
    await live.ask("PUT", "/v1/agent/service/register", SIDECAR)
    answer = await live.ask("PUT", f"{PATH}/{proxy}", body)
    assert answer.status == status
    assert words in answer.text
    assert (await live.get(PATH)).json == []


async def test_a_proxy_is_told_the_paths_that_it_opens_for_checks(live: Live) -> None:
    check = {"CheckID": "h", "HTTP": "http://127.0.0.1:5432/health", "Interval": "1h"}
    sidecar = {"Proxy": {"Expose": {"Checks": True}}}
    body = {"Name": "db", "Port": 5432, "Checks": [check], "Connect": {"SidecarService": sidecar}}
    await live.ask("PUT", "/v1/agent/service/register", body)
    (path,) = as_list(at((await live.get("/v1/agent/connect/exposed/db-sidecar-proxy")).json, "Paths"))
    assert (at(path, "Path"), at(path, "LocalPathPort"), at(path, "ListenerPort")) == ("/health", 5432, 21500)
    assert (await live.get("/v1/agent/connect/exposed/nobody")).status == 404
