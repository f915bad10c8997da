"""`/v1/catalog/*`."""

from __future__ import annotations

import pytest

from tests.agent.http.live import NODE, Live

WEB = {
    "Node": "n1",
    "Address": "192.0.2.1",
    "NodeMeta": {"rack": "r1"},
    "Service": {"ID": "web-1", "Service": "web", "Tags": ["a", "b"], "Port": 80},
    "Check": {"Name": "alive", "Status": "passing", "ServiceID": "web-1"},
}


async def test_what_is_registered_is_found_everywhere(live: Live) -> None:
    assert (await live.put("/v1/catalog/register", WEB)).json is True
    assert (await live.get("/v1/catalog/services")).json == {"consul": [], "web": ["a", "b"]}
    assert (await live.get("/v1/catalog/nodes?node-meta=rack:r1")).column("Node") == ["n1"]
    found = await live.get("/v1/catalog/service/WEB?tag=a&tag=B")
    assert found.column("ServiceID") == ["web-1"]
    assert (found.at("0.ServiceMeta"), found.at("0.NodeMeta")) == ({}, {"rack": "r1"})
    assert (await live.get("/v1/catalog/node/n1")).at("Services.web-1.Service") == "web"


async def test_an_unknown_node_is_null_and_its_list_too(live: Live) -> None:
    assert (await live.get("/v1/catalog/node/nobody")).json is None
    assert (await live.get("/v1/catalog/node-services/nobody")).json == {"Node": None, "Services": None}
    await live.put("/v1/catalog/register", {"Node": "bare", "Address": "192.0.2.9"})
    assert '"Services":null' in (await live.get("/v1/catalog/node-services/bare")).text


async def test_what_is_deregistered_is_gone(live: Live) -> None:
    await live.put("/v1/catalog/register", WEB)
    assert (await live.put("/v1/catalog/deregister", {"Node": "n1", "ServiceID": "web-1"})).json is True
    assert (await live.get("/v1/catalog/service/web")).json == []
    assert (await live.put("/v1/catalog/deregister", {"Node": "n1"})).json is True
    assert (await live.get("/v1/catalog/node/n1")).json is None


async def test_the_mesh_capable_instances_are_the_proxies(live: Live) -> None:
    proxy = {
        "Kind": "connect-proxy",
        "Service": "web-proxy",
        "Port": 21000,
        "Proxy": {"DestinationServiceName": "web"},
    }
    await live.put("/v1/catalog/register", {"Node": "n1", "Address": "192.0.2.1", "Service": proxy})
    assert '"web-proxy"' in (await live.get("/v1/catalog/connect/web?tag=none")).text


async def test_near_the_agent_is_accepted(live: Live) -> None:
    assert NODE in (await live.get("/v1/catalog/nodes?near=_agent")).text


async def test_this_datacenter_is_the_one_known(live: Live) -> None:
    assert (await live.get("/v1/catalog/datacenters")).json == ["dc1"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 500, "Must provide node"),
        ({"Node": "n"}, 500, "Must provide address"),
        ({"Node": "n", "Address": "a", "ID": "abc"}, 500, "Bad node ID: uuid string is wrong length"),
        ({"Node": "n", "Address": "a", "Service": {"ID": "x"}}, 500, "Must provide service name"),
        ({"Node": "n", "Address": "a", "Service": {"Service": "s", "Kind": "connect-proxy"}}, 500, "2 errors occurred"),
        ({"Node": "n", "Address": "a", "Service": {"Service": "s", "Meta": {"a b": ""}}}, 500, "invalid characters"),
        ({"Node": "n", "Address": "a", "Check": {"Node": "m", "Name": "c"}}, 500, "does not match"),
        ({"Node": "n", "Address": "a", "Check": {"Name": "c", "ServiceID": "none"}}, 500, "none"),
        ({"Node": "n", "Address": "a", "Datacenter": "elsewhere"}, 500, "No path to datacenter"),
        ({"Node": "n", "Address": "a", "Colour": 1}, 400, 'json: unknown field "Colour"'),
        ({"Node": "n", "Address": "a", "Namespace": "x"}, 400, "Namespaces are a Consul Enterprise feature"),
        ({"Node": 7, "Address": "a"}, 400, "Node"),
        (
            {"Node": "n", "Address": "a", "Check": {"Name": "c", "Definition": {"Interval": "x"}}},
            400,
            "invalid duration",
        ),
        ([], 400, "cannot unmarshal array"),
    ],
)
async def test_a_wrong_registration_changes_nothing(live: Live, body: object, status: int, words: str) -> None:
    answer = await live.put("/v1/catalog/register", body)
    assert answer.status == status
    assert words in answer.text
    assert (await live.get("/v1/catalog/nodes")).column("Node") == [NODE]


@pytest.mark.parametrize("name", ["service", "connect", "node", "node-services"])
async def test_a_missing_name_is_400(live: Live, name: str) -> None:
    answer = await live.get(f"/v1/catalog/{name}/")
    assert answer.status == 400
    assert answer.text.startswith("Missing ")


@pytest.mark.parametrize(
    ("body", "status"),
    [({"ServiceID": "x"}, 500), ({"Node": "n", "Colour": 1}, 400), (b"", 400), ({"Node": "n", "Datacenter": "x"}, 500)],
)
async def test_a_wrong_deregistration_is_refused(live: Live, body: object, status: int) -> None:
    assert (await live.put("/v1/catalog/deregister", body)).status == status


async def test_kept_datacenters_are_fetched_anew_for_who_wants_no_age(live: Live) -> None:
    path = "/v1/catalog/datacenters?cached"
    told: list[str] = []
    for control in ("", "max-age=60", "must-revalidate", "max-age=0, stale-if-error=60"):
        reply = await live.ask("GET", path, headers={"Cache-Control": control} if control else {})
        assert reply.json == ["dc1"]
        told.append(f"{reply.headers['X-Cache']} {reply.headers.get('Age', '-')}")
    assert told == ["MISS -", "HIT 0", "MISS -", "MISS -"]
