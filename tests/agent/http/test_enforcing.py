"""`?wait-enforced`: a written intention is waited for."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core.records import JsonObject
from tests.agent.http.live import Live, Reply
from tests.support.recorder.json_types import as_object

ROOT = "/v1/connect/intentions"
PROXIES = "/v1/agent/connect/proxies"
DENY: JsonObject = {"SourceName": "web", "DestinationName": "db", "Action": "deny"}


async def register(live: Live, name: str) -> None:
    sidecar: JsonObject = {"SidecarService": {}}
    body: JsonObject = {"Name": name, "Port": 5432, "Connect": sidecar}
    assert (await live.ask("PUT", "/v1/agent/service/register", body)).status == 200


async def run_policy(live: Live, name: str, index: int) -> None:
    report: JsonObject = {"DataPlane": "built-in", "PolicyIndex": index}
    assert (await live.ask("PUT", f"{PROXIES}/{name}-sidecar-proxy", report)).status == 200


async def obey(live: Live, name: str) -> None:
    """A proxy, as far as policies go: it follows the intentions of its service, and tells."""
    index = 1
    while True:
        found = await live.get(f"{ROOT}/match?by=destination&name={name}&index={index}&wait=10s")
        index = found.index
        await run_policy(live, name, index)


def proxies(answer: Reply, side: str) -> list[object]:
    rows = as_object(answer.json)[side]
    assert isinstance(rows, list)
    return [as_object(row)["ProxyID"] for row in rows]


async def test_an_intention_is_answered_once_its_proxies_run_it(live: Live) -> None:
    await register(live, "db")
    await register(live, "web")
    async with asyncio.TaskGroup() as group:
        proxy = group.create_task(obey(live, "db"))
        answer = await live.ask("POST", f"{ROOT}?wait-enforced=30s", DENY)
        proxy.cancel()
    assert answer.at("Complete") is True
    assert proxies(answer, "Enforced") == ["db-sidecar-proxy"]
    match = await live.get(f"{ROOT}/match?by=destination&name=db")
    assert answer.at("Index") == match.index
    assert (await live.get(f"{ROOT}/{answer.text_at('ID')}")).at("SourceName") == "web"


async def test_a_proxy_that_lags_is_named(live: Live) -> None:
    await register(live, "db")
    await run_policy(live, "db", 3)
    answer = await live.ask("POST", f"{ROOT}?wait-enforced=50ms", DENY)
    assert (answer.status, answer.at("Complete")) == (200, False)
    assert proxies(answer, "Pending") == ["db-sidecar-proxy"]


async def test_a_proxy_that_never_told_is_named(live: Live) -> None:
    await register(live, "db")
    for method, path, body in (
        ("PUT", f"{ROOT}/exact?source=web&destination=db&wait-enforced=0s", {"Action": "deny"}),
        ("DELETE", f"{ROOT}/exact?source=web&destination=db&wait-enforced=0s", None),
    ):
        answer = await live.ask(method, path, body)
        assert proxies(answer, "Pending") == ["db-sidecar-proxy"], path
        assert answer.at("Pending.0.AgeMs") == -1


async def test_a_change_of_another_service_is_not_waited_for(live: Live) -> None:
    await register(live, "db")
    answer = await live.ask("POST", f"{ROOT}?wait-enforced=30s", {**DENY, "DestinationName": "api"})
    assert (answer.at("Complete"), answer.at("Pending")) == (True, [])


async def test_a_proxy_whose_agent_is_lost_is_named_and_not_waited_for(live: Live) -> None:
    proxy: JsonObject = {"DestinationServiceName": "db"}
    service: JsonObject = {
        "Kind": "connect-proxy",
        "ID": "far-proxy",
        "Service": "far-proxy",
        "Port": 1,
        "Proxy": proxy,
    }
    for status, waits in (("critical", False), ("passing", True)):
        check: JsonObject = {"CheckID": "serfHealth", "Name": "Serf Health Status", "Status": status}
        node: JsonObject = {"Node": "far", "Address": "192.0.2.9", "Service": service, "Check": check}
        assert (await live.put("/v1/catalog/register", node)).status == 200
        path = f"{ROOT}/exact?source=web&destination=db&wait-enforced={'100ms' if waits else '30s'}"
        async with asyncio.timeout(20):
            answer = await live.put(path, {"Action": "deny"})
        assert (proxies(answer, "Pending"), answer.at("Complete")) == (["far-proxy"], False)
        assert answer.at("Pending.0.Lost") is not waits


async def test_an_intention_for_all_waits_for_all(live: Live) -> None:
    await register(live, "db")
    await register(live, "api")
    answer = await live.ask("POST", f"{ROOT}?wait-enforced=0s", {**DENY, "DestinationName": "*"})
    assert proxies(answer, "Pending") == ["api-sidecar-proxy", "db-sidecar-proxy"]


async def test_every_way_to_write_can_be_waited_for(live: Live) -> None:
    await register(live, "db")
    entry: JsonObject = {"Kind": "service-intentions", "Name": "db", "Sources": [{"Name": "web", "Action": "deny"}]}
    written = await live.ask("PUT", "/v1/config?wait-enforced=0s", entry)
    assert proxies(written, "Pending") == ["db-sidecar-proxy"]
    rule = (await live.get(f"{ROOT}/exact?source=web&destination=db")).text_at("ID")
    assert (await live.ask("PUT", "/v1/config?wait-enforced=0s&cas=1", entry)).json is False
    moved = await live.ask("PUT", f"{ROOT}/{rule}?wait-enforced=0s", {**DENY, "DestinationName": "other"})
    assert (moved.at("ID"), proxies(moved, "Pending")) == (rule, ["db-sidecar-proxy"])
    assert (await live.ask("DELETE", f"{ROOT}/{rule}?wait-enforced=1s")).at("Complete") is True
    again = await live.ask("PUT", "/v1/config?wait-enforced=0s", entry)
    assert again.at("Complete") is False
    gone = await live.ask("DELETE", "/v1/config/service-intentions/db?wait-enforced=0s")
    assert proxies(gone, "Pending") == ["db-sidecar-proxy"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{ROOT}?wait-enforced=soon", "Invalid wait-enforced"),
        ("/v1/config?wait-enforced=5s", "for entries of kind service-intentions"),
    ],
)
async def test_what_cannot_be_waited_for_is_not_written(live: Live, path: str, words: str) -> None:
    is_entry = path.startswith("/v1/config")
    body: JsonObject = {"Kind": "service-defaults", "Name": "db"} if is_entry else DENY
    answer = await live.ask("PUT" if is_entry else "POST", path, body)
    assert answer.status == 400
    assert words in answer.text
    assert (await live.get("/v1/config/service-defaults" if is_entry else ROOT)).json == []


async def test_without_the_parameter_answers_are_as_ever(live: Live) -> None:
    await register(live, "db")
    answer = await live.ask("POST", ROOT, DENY)
    assert answer.json == {"ID": answer.at("ID")}
