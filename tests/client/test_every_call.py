"""Every call of the API, to the real Consul and to Lictor: each answer is read into its type."""

from collections.abc import Iterator

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import (
    agent,
    catalog,
    config,
    coordinate,
    discovery_chain,
    event,
    health,
    intentions,
    kv,
    operator,
    query,
    session,
    snapshot,
    txn,
)
from lictor.api.errors import AgentError
from lictor.api.messages import Options
from lictor.api.settings import Settings, parse_address
from lictor_core.records import JsonObject
from tests.support.agents import NODE, Product, dev_agent, put_consul_on_path
from tests.support.api import WAIT_S_MAX
from tests.support.conditions import wait_until

put_consul_on_path()
pytestmark = pytest.mark.slow

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(
    scope="module",
    params=["lictor", pytest.param("consul", marks=pytest.mark.needs("consul"))],
    ids=["lictor", "consul"],
)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a fresh agent that has an instance of `web` which passes, with a proxy."""
    product: Product = request.param
    with (
        dev_agent(product, tmp_path_factory.mktemp("agent"), {"enable_debug": True}) as running,
        Client(Settings(endpoint=parse_address(running.http_address))) as made,
    ):
        check: JsonObject = {"CheckID": "ttl", "TTL": "60s", "Status": "passing"}
        sidecar: JsonObject = {"SidecarService": JsonObject()}
        web: JsonObject = {"Name": "web", "Port": 80, "Tags": ["a"], "Check": check, "Connect": sidecar}
        made.send(agent.register_service(web))
        wait_until(
            lambda: len(made.send(health.service("web", passing=True))) == 1,
            within_s=WAIT_S_MAX,
            what="the instance is in the catalog and passes",
        )
        yield made


def test_the_agent(client: Client) -> None:
    assert "CPU" in client.send(agent.host())
    assert "Gauges" in client.send(agent.metrics())
    services = client.send(agent.services(filter='Service == "web"'))
    assert list(services) == ["web"]
    assert client.send(agent.service("nothing")) is None
    assert [one.aggregated_status for one in client.send(agent.health_by_name("web"))] == ["passing"]
    assert client.send(agent.health_by_name("nothing")) == []
    assert client.send(agent.health_by_id("nothing")).service is None
    client.send(agent.warn_check("ttl", "so so"))
    assert client.send(agent.health_by_id("web")).aggregated_status == "warning"
    client.send(agent.fail_check("ttl", "bad"))
    assert client.send(agent.checks(filter='CheckID == "ttl"'))["ttl"].output == "bad"
    client.send(agent.pass_check("ttl", "well"))
    assert client.send(agent.health_by_id("web")).aggregated_status == "passing"


def test_an_instance_is_waited_for_by_its_hash(client: Client) -> None:
    found = client.send(agent.service("web"))
    assert found is not None
    assert (found.port, bool(found.content_hash)) == (80, True)
    assert client.send(agent.service("web", Options(hash=found.content_hash, wait_s=0.1))) == found


def test_tokens_are_for_clusters_with_access_control(client: Client) -> None:
    with pytest.raises(AgentError) as caught:
        client.send(agent.set_token("default", "x"))
    assert (caught.value.status, caught.value.definite) == (401, True)


def test_the_mesh(client: Client) -> None:
    leaf = client.send(agent.leaf("web"))
    assert leaf.private_key_pem.startswith("-----BEGIN EC PRIVATE KEY-----")
    assert leaf.private_key_pem not in repr(leaf)
    roots = client.send(agent.roots())
    assert roots.active_root_id == roots.roots[0].id
    assert client.send(agent.authorize("db", leaf.service_uri, leaf.serial_number)).authorized is True
    assert [one.service_kind for one in client.send(catalog.connect("web"))] == ["connect-proxy"]
    assert [one.service.kind for one in client.send(health.connect("web"))] == ["connect-proxy"]


def test_the_catalog(client: Client) -> None:
    assert client.send(catalog.register({"Node": "elsewhere", "Address": "192.0.2.1", "Service": {"Service": "db"}}))
    assert [one.node for one in client.send(catalog.service("db"))] == ["elsewhere"]
    assert client.send(catalog.deregister("elsewhere", service_id="db"))
    assert client.send(catalog.service("db")) == []
    assert client.send(catalog.deregister("elsewhere"))
    assert client.send(catalog.node("elsewhere")) is None


def test_gateways_and_what_they_serve(client: Client) -> None:
    listener = {"Port": 8080, "Protocol": "tcp", "Services": [{"Name": "web"}]}
    assert client.send(config.put({"Kind": "ingress-gateway", "Name": "gate", "Listeners": [listener]}))
    try:
        (one,) = client.send(catalog.gateway_services("gate"))
        assert (one.gateway.name, one.service.name, one.gateway_kind, one.port) == (
            "gate",
            "web",
            "ingress-gateway",
            8080,
        )
        assert client.send(health.ingress("web")) == []
    finally:
        client.send(config.delete("ingress-gateway", "gate"))


def test_configuration_entries_and_the_chains_they_make(client: Client) -> None:
    assert client.send(config.get("service-defaults", "web")) is None
    entry = {"Kind": "service-defaults", "Name": "web", "Protocol": "http"}
    assert client.send(config.put(entry, cas=0)) is True
    assert client.send(config.put(entry, cas=0)) is False
    found = client.send(config.get("service-defaults", "web"))
    assert found is not None
    assert found["Protocol"] == "http"
    assert [one["Name"] for one in client.send(config.entries("service-defaults"))] == ["web"]
    chain = client.send(discovery_chain.get("web"))
    assert (chain.service_name, chain.protocol, len(chain.targets)) == ("web", "http", 1)
    overridden = client.send(discovery_chain.get("web", overrides={"OverrideProtocol": "grpc"}, compile_dc="dc1"))
    assert overridden.protocol == "grpc"
    index = int(str(found["ModifyIndex"]))
    deleted = client.send(config.delete("service-defaults", "web", cas=index - 1))
    left = client.send(config.entries("service-defaults"))
    assert deleted is (not left)  # Consul 1.8 overlooks `cas`
    assert client.send(config.delete("service-defaults", "web", cas=index)) is True
    assert client.send(config.delete("service-defaults", "web")) is True
    assert client.send(config.entries("service-defaults")) == []


def test_keys_in_transactions(client: Client) -> None:
    written = client.send(
        txn.run([txn.set_key("t/a", b"1", flags=3), txn.check_not_exists("t/none"), txn.get_key("t/a")])
    )
    assert written.done
    last = (written.results or [])[-1].kv
    assert last is not None
    assert (last.value, last.flags) == (b"1", 3)
    against = client.send(txn.run([txn.set_key("t/b", b"2"), txn.check_index("t/a", 1)]))
    assert (against.done, [error.op_index for error in against.errors or ()]) == (False, [1])
    assert client.send(kv.get("t/b")) is None
    holder = client.send(session.create(ttl_s=60))
    locked = [txn.lock_key("t/l", b"", holder), txn.check_session("t/l", holder), txn.unlock_key("t/l", b"x", holder)]
    assert client.send(txn.run(locked)).done
    ends = [txn.delete_key("t/a", cas=last.modify_index), txn.get_tree("t/"), txn.delete_tree("t/")]
    assert client.send(txn.run(ends)).done
    client.send(session.destroy(holder))


def test_the_catalog_in_transactions(client: Client) -> None:
    node = {"Node": "txn", "Address": "192.0.2.9"}
    made = client.send(
        txn.run(
            [
                txn.node_operation("set", node),
                txn.service_operation("set", "txn", {"ID": "s", "Service": "s", "Port": 1}),
                txn.check_operation("set", {"Node": "txn", "CheckID": "c", "Name": "c", "Status": "passing"}),
            ]
        )
    )
    assert made.done
    assert [bool(one.node or one.service or one.check) for one in made.results or ()] == [True] * 3
    assert client.send(txn.run([txn.node_operation("delete", node)])).done
    assert client.send(catalog.service("s")) == []


def test_prepared_queries(client: Client) -> None:
    made = client.send(query.create({"Name": "to-web", "Service": {"Service": "web", "Tags": ["a"]}}))
    found = client.send(query.get(made))
    assert found is not None
    assert (found.name, found.service.tags) == ("to-web", ["a"])
    assert [one.id for one in client.send(query.queries())] == [made]
    executed = client.send(query.execute("to-web", limit=1))
    assert executed is not None
    assert [row.service.port for row in executed.nodes or ()] == [80]
    client.send(query.update(made, {"Name": "to-web", "Service": {"Service": "nothing"}}))
    explained = client.send(query.explain("to-web"))
    assert explained is not None
    assert explained.service.service == "nothing"
    client.send(query.delete(made))
    assert client.send(query.get(made)) is None
    assert client.send(query.execute("to-web")) is None
    assert client.send(query.explain("to-web")) is None


def test_intentions_by_id(client: Client) -> None:
    made = client.send(intentions.create({"SourceName": "a", "DestinationName": "b", "Action": "deny"}))
    found = client.send(intentions.get(made))
    assert [one.id for one in client.send(intentions.list_all())] == [made]
    client.send(intentions.update(made, {"SourceName": "a", "DestinationName": "b", "Action": "allow"}))
    assert (found.action, client.send(intentions.get(made)).action) == ("deny", "allow")
    client.send(intentions.delete(made))


def test_coordinates(client: Client) -> None:
    assert client.send(coordinate.node("nobody")) == []
    place = {"Vec": [0.1] * 8, "Error": 1.0, "Adjustment": 0.0, "Height": 1e-5}
    client.send(coordinate.update({"Node": NODE, "Segment": "", "Coord": place}))
    wait_until(
        lambda: [one.node for one in client.send(coordinate.node(NODE))] == [NODE],
        within_s=WAIT_S_MAX,
        what="the coordinate is kept",
    )
    assert [one.node for one in client.send(coordinate.nodes())] == [NODE]
    assert [one.datacenter for one in client.send(coordinate.datacenters())] != []


def test_sessions(client: Client) -> None:
    made = client.send(session.create(name="mine", ttl_s=60, lock_delay_s=0))
    found = client.send(session.info(made))
    assert found is not None
    assert (found.name, found.lock_delay_ns) == ("mine", 0)
    assert client.send(session.renew(made)) is not None
    assert [one.id for one in client.send(session.node(NODE))] == [made]
    client.send(session.destroy(made))
    assert client.send(session.info(made)) is None
    assert client.send(session.renew(UNKNOWN_ID)) is None


def test_events(client: Client) -> None:
    fired = client.send(event.fire("deploy", b"\x00v1"))
    wait_until(
        lambda: [one.payload for one in client.send(event.events("deploy"))] == [b"\x00v1"],
        within_s=WAIT_S_MAX,
        what="the event arrives",
    )
    assert [one.id for one in client.send(event.events("deploy"))] == [fired.id]


def test_the_keyring_of_a_cluster_that_does_not_gossip_in_cipher(client: Client) -> None:
    for call in (operator.keyring(), operator.keyring(local_only=True)):
        with pytest.raises(AgentError, match=r"(?i)keyring"):
            client.send(call)
    with pytest.raises(AgentError):
        client.send(operator.keyring_install("AAAAAAAAAAAAAAAAAAAAAA=="))


def test_snapshots_are_saved_and_restored(client: Client) -> None:
    client.send(kv.put("kept", b"1"))
    archive = client.send(snapshot.save())
    client.send(kv.put("kept", b"2"))
    client.send(snapshot.restore(archive))
    entry = client.send(kv.get("kept"))
    assert entry is not None
    assert entry.value == b"1"
