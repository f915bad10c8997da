"""The clients speak to the real Consul's agent as they do to Lictor's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import agent, ca, catalog, health, intentions, kv, operator, status
from lictor.api.settings import Settings, parse_address
from lictor_config.bodies import service_body
from lictor_config.load import load_services
from lictor_core.records import ServiceKind
from tests.support.agents import dev_agent, put_consul_on_path

put_consul_on_path()
pytestmark = [pytest.mark.needs("consul"), pytest.mark.slow]

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with (
        dev_agent("consul", tmp_path_factory.mktemp("consul"), {}) as consul,
        Client(Settings(endpoint=parse_address(consul.http_address))) as made,
    ):
        yield made


def test_every_answer_of_consul_is_read(client: Client) -> None:
    assert client.send(status.leader()) in client.send(status.peers())
    (member,) = client.send(agent.members())
    (node,) = client.send(catalog.nodes())
    assert node.node == member.name
    assert client.send(kv.put("a", b"\x00", flags=2))
    entry = client.send(kv.get("a"))
    assert entry is not None
    assert (entry.value, entry.flags) == (b"\x00", 2)
    created = client.send(intentions.create({"SourceName": "x", "DestinationName": "y", "Action": "deny"}))
    assert [one.id for one in client.send(intentions.match("y"))] == [created]
    assert client.send(intentions.check("x", "y")) is False
    roots = client.send(ca.roots())
    assert roots.active_root_id == roots.roots[0].id
    configuration = client.send(ca.configuration())
    client.send(ca.configure(configuration))
    (peer,) = client.send(operator.raft_configuration()).servers
    assert (peer.node, peer.leader, peer.voter) == (member.name, True, True)
    settings = client.send(operator.autopilot_configuration())
    assert client.send(operator.set_autopilot_configuration(settings, cas=settings.modify_index))
    assert [one.id for one in client.send(operator.autopilot_health()).servers or ()] in ([], [peer.id])


@pytest.mark.parametrize("name", ["service.json", "proxy.json", "dev.hcl"])
def test_consul_takes_the_services_of_the_examples(client: Client, name: str) -> None:
    (service,) = load_services([str(EXAMPLES / name)])
    client.send(agent.register_service(service_body(service)))
    try:
        (row,) = client.send(health.service(service.name))
        assert (row.service.service, row.service.port, row.service.tags) == (
            service.name,
            service.port,
            list(service.tags),
        )
        assert row.service.weights == service.weights
        proxies = [one.proxy for one in client.send(agent.services()).values() if one.kind is ServiceKind.CONNECT_PROXY]
        expected = [] if service.sidecar is None else [one.destination_name for one in service.sidecar.proxy.upstreams]
        assert [one.destination_name for proxy in proxies if proxy is not None for one in proxy.upstreams] == expected
    finally:
        client.send(agent.deregister_service(service.id or service.name))
