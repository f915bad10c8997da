"""py-consul's usual calls."""

from collections.abc import Generator
from typing import cast

import consul
import pytest

from tests.support.agents import DevAgent
from tests.support.api import WAIT_S_MAX
from tests.support.conditions import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def client(agent: DevAgent) -> Generator[consul.Consul]:
    """A client of a fresh agent."""
    connection = consul.Consul(host="127.0.0.1", port=agent.ports["http"])
    yield connection
    connection.http.close()


def test_keys_and_values(client: consul.Consul) -> None:
    assert client.kv.get("nothing")[1] is None
    assert client.kv.put("app/a", "1", flags=7) is True
    index, entry = _entry(client, "app/a")
    assert (entry["Key"], entry["Value"], entry["Flags"]) == ("app/a", b"1", 7)
    assert client.kv.put("app/a", "2", cas=0) is False
    assert client.kv.put("app/a", "2", cas=cast(int, entry["ModifyIndex"])) is True
    later, entry = _entry(client, "app/a", index)
    assert int(later) > int(index)
    assert entry["Value"] == b"2"
    client.kv.put("app/b/c", b"\x00\xff")
    below = cast("list[dict[str, object]]", client.kv.get("app/", recurse=True)[1])
    assert [one["Value"] for one in below] == [b"2", b"\x00\xff"]
    assert client.kv.get("app/", keys=True, separator="/")[1] == ["app/a", "app/b/"]
    assert client.kv.delete("app/", recurse=True) is True
    assert client.kv.get("app/", recurse=True)[1] is None


def test_an_agents_services_and_checks(client: consul.Consul) -> None:
    check = consul.Check.ttl("30s")
    assert client.agent.service.register("web", service_id="web-1", port=80, tags=["a"], check=check)
    assert client.agent.services()["web-1"]["Port"] == 80
    assert client.agent.checks()["service:web-1"]["Status"] == "critical"
    assert client.agent.check.ttl_pass("service:web-1", notes="well")
    assert client.agent.checks()["service:web-1"]["Output"] == "well"
    assert client.agent.check.ttl_warn("service:web-1")
    assert client.agent.check.ttl_fail("service:web-1")
    assert client.agent.check.register("mine", check=consul.Check.tcp("127.0.0.1", 1, "10s"))
    assert client.agent.check.deregister("mine")
    assert client.agent.service.maintenance("web-1", "true", "paused")
    assert "_service_maintenance:web-1" in client.agent.checks()
    assert client.agent.service.maintenance("web-1", "false")
    assert client.agent.maintenance("true", "paused")
    assert client.agent.maintenance("false")
    assert client.agent.self()["Member"]["Name"] == "judge"
    assert [member["Name"] for member in client.agent.members()] == ["judge"]
    assert client.agent.service.deregister("web-1")
    assert client.agent.services() == {}


def test_the_catalog(client: consul.Consul) -> None:
    service: dict[str, object] = {"Service": "web", "Port": 80, "Tags": ["a"]}
    assert client.catalog.register("n1", "192.0.2.1", service=service)
    assert client.catalog.datacenters() == ["dc1"]
    assert [node["Node"] for node in client.catalog.nodes()[1]] == ["judge", "n1"]
    assert client.catalog.services()[1] == {"consul": [], "web": ["a"]}
    assert [one["ServicePort"] for one in client.catalog.service("web")[1]] == [80]
    assert client.catalog.service("web", tag="b")[1] == []
    node = client.catalog.node("n1")[1]
    assert node is not None
    assert node["Services"]["web"]["Port"] == 80
    assert client.catalog.deregister("n1")
    assert client.catalog.node("n1")[1] is None


def test_health(client: consul.Consul) -> None:
    client.agent.service.register("web", service_id="web-1", port=80, check=consul.Check.ttl("30s"))
    assert client.health.service("web", passing=True)[1] == []
    client.agent.check.ttl_pass("service:web-1")
    wait_until(
        lambda: len(client.health.service("web", passing=True)[1]) == 1, within_s=WAIT_S_MAX, what="the instance passes"
    )
    assert {check["CheckID"] for check in client.health.node("judge")[1]} == {"serfHealth", "service:web-1"}
    assert [check["Status"] for check in client.health.checks("web")[1]] == ["passing"]
    assert {check["CheckID"] for check in client.health.state("passing")[1]} == {"serfHealth", "service:web-1"}


def test_status(client: consul.Consul, agent: DevAgent) -> None:
    assert client.status.leader() == f"127.0.0.1:{agent.ports['server']}"
    assert client.status.peers() == [f"127.0.0.1:{agent.ports['server']}"]


def test_connect(client: consul.Consul) -> None:
    assert client.connect.ca.roots()["Roots"]
    assert client.agent.connect.ca.leaf("web")["Service"] == "web"


def _entry(client: consul.Consul, key: str, index: str | None = None) -> tuple[str, dict[str, object]]:
    found, entry = client.kv.get(key, index=index)
    return found, cast("dict[str, object]", entry)
