"""What gateways must know, and what is made of it."""

from lictor_connect_proxy.feed.answers import LinkedService
from lictor_connect_proxy.feed.needs import (
    ChainFound,
    ChainOf,
    EntriesOf,
    InstancesOf,
    LeafOf,
    MeshGateways,
    Roots,
    RulesOf,
    ServiceNames,
    ServicesBehind,
)
from lictor_connect_proxy.snapshot import BindAddress, Limits, Policy, ProxySnapshot, UpstreamKey
from lictor_core.records import JsonObject, ServiceKind
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import TRUST_DOMAIN, rule
from tests.connect_proxy.feed.agent_double import plain_chain
from tests.connect_proxy.feed.knowing import Knowledge, chain_of, endpoint

AUTHORITY = Authority()


def gateway(kind: ServiceKind) -> Knowledge:
    address = BindAddress(name="default", address="127.0.0.1", port=8443)
    knowledge = Knowledge(ProxySnapshot(service="gw", kind=kind, bind_addresses=(address,)))
    knowledge.learn((Roots(), AUTHORITY.roots()), (LeafOf("gw"), AUTHORITY.leaf("gw")))
    return knowledge


def test_an_ingress_gateway_opens_a_listener_for_each_port_with_the_services_behind_it() -> None:
    knowledge = gateway(ServiceKind.INGRESS_GATEWAY)
    rows = (
        LinkedService(service="api", port=8080, protocol="http", hosts=("api.example",)),
        LinkedService(service="db", port=5432, protocol="tcp"),
        LinkedService(service="web", port=8080, protocol="http"),
    )
    assert not knowledge.learn((ServicesBehind("gw"), rows)).is_complete()
    http = [{"Name": "api", "Hosts": ["api.example"], "MaxConnections": 5}, {"Name": "web", "Hosts": None}]
    tcp = [{"Name": "db", "Hosts": None}]
    listeners = [
        {"Port": 8080, "Protocol": "http", "Services": http},
        {"Port": 5432, "Protocol": "tcp", "Services": tcp, "TLS": {"Enabled": False}},
    ]
    entry = {"Name": "GW", "TLS": {"Enabled": True}, "Listeners": listeners, "Defaults": {"MaxConnections": 9}}
    found = knowledge.learn((EntriesOf("ingress-gateway"), {"GW": entry}))
    assert [(one.port, one.protocol, one.tls, one.hosts) for one in found.ingress] == [
        (5432, "tcp", False, ()),
        (8080, "http", True, ("api.example",)),
    ]
    api, web = found.ingress[1].services
    assert (api.upstream.key, api.hosts) == (UpstreamKey("api", protocol="http"), ("api.example",))
    assert (api.upstream.limits, web.upstream.limits) == (Limits(max_connections=5), Limits(max_connections=9))
    assert not found.is_complete()
    for service in ("api", "web", "db"):
        key = UpstreamKey(service, protocol="tcp" if service == "db" else "http")
        assert ChainOf(key) in knowledge.wanted
        knowledge.learn(
            (ChainOf(key), ChainFound(chain_of(plain_chain(service)))), (InstancesOf(service), (endpoint(service),))
        )
    assert knowledge.snapshot.is_complete()
    assert RulesOf("gw") not in knowledge.wanted


def test_a_terminating_gateway_speaks_for_each_service_with_its_own_leaf_rules_and_instances() -> None:
    knowledge = gateway(ServiceKind.TERMINATING_GATEWAY)
    row = LinkedService(service="db", ca_file="/ca", cert_file="/cert", key_file="/key", sni="db.example")
    subsets = {"v1": {"Filter": "Service.Meta.v == 1"}}
    knowledge.learn(
        (ServicesBehind("gw"), (row,)),
        (EntriesOf("service-resolver"), {"db": {"Name": "db", "Subsets": subsets, "ConnectTimeout": "3s"}}),
    )
    assert {LeafOf("db"), RulesOf("db"), ChainOf(UpstreamKey("db"))} <= knowledge.wanted
    policy = Policy(rules=(rule("web", "allow"),))
    knowledge.learn(
        (LeafOf("db"), AUTHORITY.leaf("db")),
        (RulesOf("db"), policy),
        (ChainOf(UpstreamKey("db")), ChainFound(chain_of(plain_chain("db") | {"Protocol": "http"}))),
    )
    whole, v1 = InstancesOf("db", connect=False), InstancesOf("db", "", "Service.Meta.v == 1", connect=False)
    assert {whole, v1} <= knowledge.wanted
    assert not knowledge.snapshot.is_complete()
    found = knowledge.learn((whole, (endpoint("a"), endpoint("b"))), (v1, (endpoint("a"),)))
    assert found.is_complete()
    (one,) = found.terminated
    assert (one.service, one.policy, one.protocol, one.sni, one.key_file) == (
        "db",
        policy,
        "http",
        "db.example",
        "/key",
    )
    assert one.chain is not None
    assert one.chain.targets["v1.db.default.dc1"].sni == f"v1.db.default.dc1.internal.{TRUST_DOMAIN}"
    assert found.instances == {
        "db.default.dc1": (endpoint("a"), endpoint("b")),
        "v1.db.default.dc1": (endpoint("a"),),
    }


def test_the_default_subset_of_a_service_stands_for_it_behind_a_terminating_gateway() -> None:
    knowledge = gateway(ServiceKind.TERMINATING_GATEWAY)
    resolver = {"Name": "db", "DefaultSubset": "v1", "Subsets": {"v1": {"Filter": "x"}}}
    knowledge.learn(
        (ServicesBehind("gw"), (LinkedService(service="db"),)),
        (EntriesOf("service-resolver"), {"db": resolver}),
        (LeafOf("db"), AUTHORITY.leaf("db")),
        (ChainOf(UpstreamKey("db")), ChainFound(None)),
    )
    assert InstancesOf("db", connect=False) not in knowledge.wanted
    assert InstancesOf("db", "", "x", connect=False) in knowledge.wanted


def test_a_mesh_gateway_passes_on_by_the_names_that_are_asked_for() -> None:
    knowledge = gateway(ServiceKind.MESH_GATEWAY)
    resolver = {"Name": "db", "Subsets": {"v1": {"Filter": "x"}}}
    knowledge.learn((ServiceNames(), ("consul", "db")), (EntriesOf("service-resolver"), {"db": resolver}))
    assert {InstancesOf("db"), InstancesOf("db", "", "x"), MeshGateways("dc1")} <= knowledge.wanted
    found = knowledge.learn(
        (InstancesOf("db"), (endpoint("a"),)),
        (InstancesOf("db", "", "x"), (endpoint("b"),)),
        (MeshGateways("dc1"), {"dc1": (endpoint("own"),), "dc2": (endpoint("far"),)}),
    )
    assert found.mesh is not None
    assert found.mesh.services == {
        f"db.default.dc1.internal.{TRUST_DOMAIN}": (endpoint("a"),),
        f"v1.db.default.dc1.internal.{TRUST_DOMAIN}": (endpoint("b"),),
    }
    assert found.mesh.datacenters == {f"dc2.internal.{TRUST_DOMAIN}": (endpoint("far"),)}
    assert found.is_complete()


def test_with_tls_an_ingress_gateway_shows_the_leaf_with_its_names_and_the_last_one_until_there_is_another() -> None:
    knowledge = gateway(ServiceKind.INGRESS_GATEWAY)

    def written(*hosts: str) -> dict[str, JsonObject]:
        api: JsonObject = {"Name": "api", "Hosts": list(hosts)}
        listener: JsonObject = {"Port": 8080, "Protocol": "http", "Services": [api]}
        return {"gw": {"Name": "gw", "TLS": {"Enabled": True}, "Listeners": [listener]}}

    entries = EntriesOf("ingress-gateway")
    rows = (LinkedService(service="api", port=8080, protocol="http", hosts=("a.example",)),)
    plain = knowledge.learn((ServicesBehind("gw"), rows)).leaf
    assert knowledge.learn((entries, written("a.example"))).leaf == plain
    first, second = AUTHORITY.leaf("gw"), AUTHORITY.leaf("gw")
    one, other = LeafOf("gw", ("a.example",)), LeafOf("gw", ("a.example", "b.example"))
    assert knowledge.learn((one, first)).leaf == first
    assert knowledge.learn((entries, written("b.example", "a.example"))).leaf == first
    assert other in knowledge.wanted
    assert one not in knowledge.wanted
    assert knowledge.learn((other, second)).leaf == second
    assert knowledge.learn((entries, {"gw": {"Name": "gw", "TLS": {"Enabled": False}, "Listeners": []}})).leaf == plain
