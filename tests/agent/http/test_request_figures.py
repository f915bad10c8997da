"""What is told in figures of requests."""

from __future__ import annotations

import pytest

from lictor_core.errors import NoLeaderError
from lictor_core.metrics import Meter
from tests.agent.http.live import NODE, Live


def counted(meter: Meter) -> dict[str, float]:
    """The counts of the catalog's endpoints, by name; each has the agent's name for a label."""
    found = {one: told.sum for one, told in meter.counters.items() if one.name.startswith("client.")}
    assert all(one.labels == (("node", NODE),) for one in found)
    return {one.name: total for one, total in found.items()}


async def test_requests_of_the_catalog_are_counted_with_those_that_were_answered(live: Live) -> None:
    assert (await live.get("/v1/catalog/node/nobody")).status == 200
    body = {"Node": "other", "Address": "10.0.0.9"}
    assert (await live.put("/v1/catalog/register", body)).status == 200
    assert (await live.put("/v1/catalog/register", {"Nod": 7, "Address": 1})).status >= 400
    assert (await live.get("/v1/agent/self")).status == 200
    assert counted(live.http.meter) == {
        "client.api.catalog_node_services": 1,
        "client.api.success.catalog_node_services": 1,
        "client.api.catalog_register": 2,
        "client.api.success.catalog_register": 1,
    }


async def test_what_the_servers_refuse_is_counted_as_their_error(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_args: object, **_named: object) -> None:
        raise NoLeaderError

    monkeypatch.setattr(live.registry, "read", nobody)
    assert (await live.get("/v1/catalog/datacenters")).status == 500
    assert counted(live.http.meter) == {
        "client.api.catalog_datacenters": 1,
        "client.rpc.error.catalog_datacenters": 1,
    }


async def test_a_routes_time_is_told_in_milliseconds_by_consuls_name(live: Live) -> None:
    await live.get("/v1/kv/deep/down?once")
    await live.get("/v1/status/leader")
    found = {one.name: told for one, told in live.http.meter.samples.items() if one.name.startswith("http.")}
    assert found["http.GET.v1.kv._"].count == 1
    assert found["http.GET.v1.status.leader"].count == 1
    assert 0 < found["http.GET.v1.kv._"].sum < 60_000
