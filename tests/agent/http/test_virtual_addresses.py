"""`/v1/internal/service-virtual-ip`: what is given for `<service>.virtual` in DNS."""

from __future__ import annotations

from tests.agent.http.live import Live
from tests.support.recorder.json_types import as_object

PATH = "/v1/internal/service-virtual-ip"


async def test_services_of_the_mesh_are_listed_with_their_addresses(live: Live) -> None:
    assert (await live.get(PATH)).json == []
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": {"Service": "plain"}})
    native = {"Service": "Db", "Connect": {"Native": True}}
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": native})
    await live.put("/v1/config", {"Kind": "service-resolver", "Name": "api"})
    assert (await live.get(PATH)).json == [
        {"Service": "api", "Address": "240.0.0.2"},
        {"Service": "db", "Address": "240.0.0.1"},
    ]


async def test_who_waits_wakes_when_an_address_is_given(live: Live) -> None:
    index = (await live.get(PATH)).headers["X-Consul-Index"]
    await live.put("/v1/config", {"Kind": "service-resolver", "Name": "api"})
    answer = await live.get(f"{PATH}?index={index}&wait=10s")
    assert answer.json == [{"Service": "api", "Address": "240.0.0.1"}]


async def test_records_of_proxies_stay_as_they_were_registered(live: Live) -> None:
    """Later versions of Consul add the tag `consul-virtual`; 1.8.7 shows what was registered."""
    proxy = {"Service": "web-proxy", "Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "web"}}
    await live.put("/v1/catalog/register", {"Node": "n", "Address": "192.0.2.1", "Service": proxy})
    assert "ServiceTaggedAddresses" not in as_object((await live.get("/v1/catalog/service/web-proxy")).at("0"))
    assert "TaggedAddresses" not in as_object((await live.get("/v1/health/connect/web")).at("0.Service"))
    assert (await live.get(PATH)).json == [{"Service": "web", "Address": "240.0.0.1"}]
