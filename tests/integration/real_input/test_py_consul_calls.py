"""Every call of py-consul: the table below names them all, which a walk over the client's classes makes sure of."""

import inspect
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Protocol, TypeAlias, cast

import consul
import pytest

from tests.support.agents import NODE, DevAgent
from tests.support.api import WAIT_S_MAX
from tests.support.conditions import wait_until

pytestmark = pytest.mark.slow


class Part(Protocol):
    """The client, a part of it, or one of its calls: the table names them freely."""

    def __getattr__(self, name: str) -> "Part": ...
    def __call__(self, *args: object, **named: object) -> object: ...


Call: TypeAlias = Callable[[Part], object]
Fits: TypeAlias = Callable[[object], bool]

NOT_IN_1_8: Final = {"operator.usage", "operator.raft_transfer_leader"}
"""Of later versions than the one that is spoken here."""
_FOLLOWS: Final = ("catalog.", "health.")
"""What an agent does is seen there a moment later."""
ENDLESS: Final = {"agent.monitor"}
"""Its own documentation warns that it may never return."""
OF_ACCESS_CONTROL: Final = ("acl.", "agent.token.")
NEEDS_OTHERS: Final = {"agent.join", "agent.leave"}

RAFT_KEYS: Final = {"ID", "Node", "Address", "Leader", "ProtocolVersion", "Voter"}
WEB: Final = {"ID": "web-9", "Service": "web", "Port": 8080, "Tags": ["a"]}


def true(found: object) -> bool:
    return found is True


def some(found: object) -> bool:
    """An answer with something in it; of an answer with an index the value counts."""
    return bool(value_of(found))


def value_of(found: object) -> object:
    """The value of an answer, which may have an index before it."""
    return cast("tuple[str, object]", found)[1] if isinstance(found, tuple) else found


def is_(wanted: object) -> Fits:
    return lambda found: found == wanted


def value_is(wanted: object) -> Fits:
    """The same of an answer with an index."""

    def fits(found: object) -> bool:
        index, value = cast("tuple[str, object]", found)
        return value == wanted and int(index) > 0

    return fits


def rows(key: str, *wanted: object) -> Fits:
    """Rows, with or without an index, whose `key` (through dots) is as wanted."""

    def fits(found: object) -> bool:
        listed = cast("list[object]", value_of(found))
        return [at(row, key) for row in listed] == list(wanted)

    return fits


def at(value: object, path: str) -> object:
    for key in path.split("."):
        value = cast("dict[str, object]", value)[key]
    return value


def has(path: str, wanted: object) -> Fits:
    return lambda found: at(value_of(found), path) == wanted


def holding(what: str) -> Fits:
    return lambda found: what in str(found)


KEPT: Final[dict[str, str]] = {}
"""What later calls need of earlier ones."""


def keep(name: str, call: Call) -> Call:
    def kept(client: Part) -> object:
        found = call(client)
        KEPT[name] = found if isinstance(found, str) else cast(str, at(found, "ID"))
        return found

    return kept


COORDINATE: Final = {"Vec": [0.1] * 8, "Error": 1.0, "Adjustment": 0.0, "Height": 1e-5}
QUERY: Final = "web-query"
GATEWAY: Final = {"Listeners": [{"Port": 8443, "Protocol": "tcp", "Services": [{"Name": "web"}]}]}


def usual_calls() -> Iterator[tuple[str, Call, Fits]]:
    """Each call with what its answer must be; in this order, since some need what others left."""
    yield from agent_calls()
    yield from catalog_and_health_calls()
    yield from key_calls()
    yield from query_calls()
    yield from server_calls()


def agent_calls() -> Iterator[tuple[str, Call, Fits]]:
    ttl = consul.Check.ttl("30s")
    yield "agent.self", lambda c: c.agent.self(), has("Config.NodeName", NODE)
    yield "agent.members", lambda c: c.agent.members(), rows("Name", NODE)
    yield "agent.members", lambda c: c.agent.members(wan=True), rows("Name", f"{NODE}.dc1")
    register: Call = lambda c: c.agent.service.register(  # noqa: E731 a name for the table
        "web",
        service_id="web-1",
        port=80,
        tags=["a"],
        check=ttl,
        meta={"team": "blue"},
        weights={"Passing": 3, "Warning": 1},
    )
    yield "agent.service.register", register, true
    yield "agent.services", lambda c: c.agent.services(), has("web-1.Port", 80)
    yield "agent.services", lambda c: c.agent.services(filter_expr='Service == "none"'), is_({})
    yield "agent.service_definition", lambda c: c.agent.service_definition("web-1"), has("Meta.team", "blue")
    yield "agent.service.maintenance", lambda c: c.agent.service.maintenance("web-1", True, "paused"), true
    yield "agent.service.maintenance", lambda c: c.agent.service.maintenance("web-1", False), true
    yield "agent.check.register", lambda c: c.agent.check.register("mine", check_id="mine", check=ttl), true
    for name in ("ttl_warn", "ttl_fail", "ttl_pass"):
        change = noting(name)
        yield f"agent.check.{name}", change, true
        yield "agent.checks", lambda c: c.agent.checks(), has("mine.Output", name)
    yield "agent.checks", lambda c: c.agent.checks(filter_expr='CheckID == "mine"'), has("mine.Status", "passing")
    yield "agent.check.deregister", lambda c: c.agent.check.deregister("mine"), true
    yield "agent.check.ttl_pass", lambda c: c.agent.check.ttl_pass("service:web-1"), true
    yield "agent.maintenance", lambda c: c.agent.maintenance(True, "rest"), true
    yield "agent.maintenance", lambda c: c.agent.maintenance(False), true
    yield "agent.reload", lambda c: c.agent.reload(), true
    yield "agent.metrics", lambda c: c.agent.metrics(), some
    yield "agent.connect.ca.roots", lambda c: c.agent.connect.ca.roots(), some
    yield "agent.connect.ca.leaf", lambda c: c.agent.connect.ca.leaf("web"), has("Service", "web")


def noting(name: str) -> Call:
    """The call of this name that sets a check."""
    return lambda c: getattr(c.agent.check, name)("mine", notes=name)


def catalog_and_health_calls() -> Iterator[tuple[str, Call, Fits]]:
    yield "catalog.register", lambda c: c.catalog.register("n1", "192.0.2.1", service=WEB), true
    yield "catalog.datacenters", lambda c: c.catalog.datacenters(), is_(["dc1"])
    yield "catalog.nodes", lambda c: c.catalog.nodes(), rows("Node", NODE, "n1")
    yield "catalog.nodes", lambda c: c.catalog.nodes(near=NODE, node_meta={"no": "such"}), value_is([])
    yield "catalog.services", lambda c: c.catalog.services(), value_is({"consul": [], "web": ["a"]})
    yield "catalog.node", lambda c: c.catalog.node("n1"), has("Services.web-9.Port", 8080)
    yield "catalog.service", lambda c: c.catalog.service("web", tag="a"), rows("ServiceID", "web-1", "web-9")
    yield "catalog.connect", lambda c: c.catalog.connect("web"), value_is([])
    yield "health.service", lambda c: c.health.service("web", passing=True), rows("Service.ID", "web-1", "web-9")
    yield "health.service", lambda c: c.health.service("web", tag="none"), value_is([])
    yield "health.connect", lambda c: c.health.connect("web"), value_is([])
    yield "health.checks", lambda c: c.health.checks("web"), rows("CheckID", "service:web-1")
    yield "health.node", lambda c: c.health.node(NODE), rows("CheckID", "serfHealth", "service:web-1")
    yield "health.state", lambda c: c.health.state("critical"), value_is([])
    yield "catalog.deregister", lambda c: c.catalog.deregister("n1", service_id="web-9"), true
    yield "catalog.deregister", lambda c: c.catalog.deregister("n1"), true
    yield "catalog.node", lambda c: c.catalog.node("n1"), value_is(None)


def key_calls() -> Iterator[tuple[str, Call, Fits]]:
    yield "session.create", keep("session", lambda c: c.session.create(name="s", ttl=60, lock_delay=0)), some
    yield "session.list", lambda c: c.session.list(), rows("Name", "s")
    yield "session.node", lambda c: c.session.node(NODE), rows("Name", "s")
    yield "session.info", lambda c: c.session.info(KEPT["session"]), has("Name", "s")
    yield "session.renew", lambda c: c.session.renew(KEPT["session"]), has("Name", "s")
    yield "kv.put", lambda c: c.kv.put("a", "1", flags=3), true
    yield "kv.put", lambda c: c.kv.put("l", "x", acquire=KEPT["session"]), true
    yield "kv.put", lambda c: c.kv.put("l", "x", release=KEPT["session"]), true
    yield "kv.get", lambda c: c.kv.get("a"), has("Value", b"1")
    yield "kv.get", lambda c: c.kv.get("", keys=True), value_is(["a", "l"])
    yield "kv.delete", lambda c: c.kv.delete("l"), true
    yield "session.destroy", lambda c: c.session.destroy(KEPT["session"]), true
    got = [{"KV": {"Verb": "set", "Key": "t", "Value": "MQ=="}}, {"KV": {"Verb": "get", "Key": "t"}}]
    yield "txn.put", lambda c: c.txn.put(got), holding("'Value': 'MQ=='")
    yield "event.fire", lambda c: c.event.fire("deploy", "v1"), has("Name", "deploy")
    yield "event.list", lambda c: eventually(lambda: c.event.list("deploy"), some), rows("Payload", b"v1")


def eventually(ask: Callable[[], object], fits: Fits) -> object:
    """The answer, once it fits."""
    wait_until(lambda: fits(ask()), within_s=WAIT_S_MAX, what="the answer is as wanted")
    return ask()


def mesh_calls() -> Iterator[tuple[str, Call, Fits]]:
    yield "config.set", lambda c: c.config.set("service-defaults", "web", {"Protocol": "http"}, cas=0), true
    yield "config.get", lambda c: c.config.get("service-defaults", "web"), has("Protocol", "http")
    yield "config.list", lambda c: c.config.list("service-defaults"), rows("Name", "web")
    yield "discovery_chain.get", lambda c: c.discovery_chain.get("web"), has("Chain.Protocol", "http")
    chain: Call = lambda c: c.discovery_chain.get("web", override_protocol="grpc", override_mesh_gateway_mode="local")  # noqa: E731
    yield "discovery_chain.get", chain, has("Chain.Protocol", "grpc")
    yield "config.delete", lambda c: c.config.delete("service-defaults", "web"), true
    yield "config.set", lambda c: c.config.set("ingress-gateway", "gate", GATEWAY), true
    yield "catalog.gateway_services", lambda c: c.catalog.gateway_services("gate"), rows("Service.Name", "web")
    yield "health.ingress", lambda c: c.health.ingress("web"), value_is([])
    yield "config.delete", lambda c: c.config.delete("ingress-gateway", "gate"), true
    yield "connect.ca.roots", lambda c: c.connect.ca.roots(), some
    yield "connect.ca.configuration", lambda c: c.connect.ca.configuration(), has("Provider", "consul")
    change: Call = lambda c: c.connect.ca.update_configuration("consul", {"LeafCertTTL": "48h"})  # noqa: E731
    yield "connect.ca.update_configuration", change, true
    yield "connect.intentions.list", lambda c: c.connect.intentions.list(), is_([])
    yield "connect.intentions.check", lambda c: c.connect.intentions.check("a", "b"), true
    yield "coordinate.update", lambda c: c.coordinate.update(NODE, COORDINATE), true
    yield "coordinate.nodes", lambda c: eventually(c.coordinate.nodes, some), rows("Node", NODE)
    yield "coordinate.node", lambda c: c.coordinate.node(NODE), rows("Node", NODE)
    yield "coordinate.datacenters", lambda c: c.coordinate.datacenters(), some


def later_calls() -> Iterator[tuple[str, Call, Fits]]:
    """Of Consul 1.9, which Lictor answers and 1.8 does not."""
    upsert: Call = lambda c: c.connect.intentions.upsert("a", "b", action="deny", description="no")  # noqa: E731
    yield "connect.intentions.upsert", upsert, true
    yield "connect.intentions.read", lambda c: c.connect.intentions.read("a", "b"), has("Action", "deny")
    yield "connect.intentions.match", lambda c: c.connect.intentions.match("destination", "b"), some
    yield "connect.intentions.delete", lambda c: c.connect.intentions.delete("a", "b"), true
    yield "connect.intentions.check", lambda c: c.connect.intentions.check("a", "b"), true


def query_calls() -> Iterator[tuple[str, Call, Fits]]:
    yield "query.create", keep("query", lambda c: c.query.create("web", name=QUERY, regexp="")), some
    yield "query.list", lambda c: c.query.list(), rows("Name", QUERY)
    yield "query.get", lambda c: c.query.get(KEPT["query"]), rows("Name", QUERY)
    yield (
        "query.update",
        lambda c: c.query.update(KEPT["query"], service="web", name=QUERY, regexp="", tags=["a"]),
        true,
    )
    yield "query.execute", lambda c: c.query.execute(QUERY, limit=1), has("Service", "web")
    yield "query.explain", lambda c: c.query.explain(QUERY), has("Query.Name", QUERY)
    yield "query.delete", lambda c: c.query.delete(KEPT["query"]), true


def server_calls() -> Iterator[tuple[str, Call, Fits]]:
    yield "status.leader", lambda c: c.status.leader(), some
    yield "status.peers", lambda c: c.status.peers(), some
    yield "operator.raft_config", lambda c: c.operator.raft_config(), holding("'Leader': True")
    change: Call = lambda c: c.operator.update_autopilot_configuration(cleanup_dead_servers=True)  # noqa: E731
    yield "operator.update_autopilot_configuration", change, true
    yield "operator.autopilot_configuration", lambda c: c.operator.autopilot_configuration(), some
    yield "operator.autopilot_health", lambda c: eventually(c.operator.autopilot_health, some), some
    yield "snapshot.save", lambda c: KEPT.setdefault("snapshot", cast(bytes, c.snapshot.save()).hex()), some
    yield "snapshot.restore", lambda c: c.snapshot.restore(bytes.fromhex(KEPT["snapshot"])), true
    yield "agent.service.deregister", lambda c: c.agent.service.deregister("web-1"), true


REFUSED: Final[dict[str, tuple[Call, str]]] = {
    "operator.keyring_list": (lambda c: c.operator.keyring_list(), "eyring"),
    "operator.keyring_install": (lambda c: c.operator.keyring_install("AAAAAAAAAAAAAAAAAAAAAA=="), ""),
    "operator.keyring_use": (lambda c: c.operator.keyring_use("AAAAAAAAAAAAAAAAAAAAAA=="), ""),
    "operator.keyring_remove": (lambda c: c.operator.keyring_remove("AAAAAAAAAAAAAAAAAAAAAA=="), ""),
    "operator.raft_remove_peer": (lambda c: c.operator.raft_remove_peer(address="192.0.2.9:8300"), ""),
    "agent.force_leave": (lambda c: c.agent.force_leave("nobody"), "No node found"),
    "agent.connect.authorize": (lambda c: c.agent.connect.authorize("web", "spiffe://x", "00"), "405"),
}
"""What one server that does not gossip cannot do, and says so; and what the library asks by the wrong method."""


def test_every_call_is_in_the_table() -> None:
    named = {name for name, _, _ in [*usual_calls(), *mesh_calls(), *later_calls()]} | set(REFUSED)
    left_out = NOT_IN_1_8 | ENDLESS | NEEDS_OTHERS
    found = set(methods(consul.Consul(port=1)))
    assert {name for name in found if not name.startswith(OF_ACCESS_CONTROL)} - left_out == named


def methods(client: object) -> Iterator[str]:
    """The dotted names of all public methods of the client's parts."""
    parts: list[tuple[str, object]] = [
        (name, part)
        for name, part in cast("dict[str, object]", vars(client)).items()
        if type(part).__module__.startswith("consul.api")
    ]
    while parts:
        name, part = parts.pop()
        parts += [
            (f"{name}.{inner}", one)
            for inner, one in cast("dict[str, object]", vars(part)).items()
            if type(one).__module__.startswith("consul.api") and inner != "agent"
        ]
        for method, _ in inspect.getmembers(part, inspect.ismethod):
            if not method.startswith("_"):
                yield f"{name}.{method}"


def test_every_call_is_answered(agent: DevAgent) -> None:
    assert answered(agent, usual_calls()) == []


def test_every_call_about_the_mesh_is_answered(agent: DevAgent) -> None:
    assert answered(agent, mesh_calls()) == []


def test_intentions_by_their_names_are_answered(agent: DevAgent, beyond_consul: None) -> None:
    assert answered(agent, later_calls()) == []


def test_what_cannot_be_done_is_refused(agent: DevAgent) -> None:
    client = cast(Part, consul.Consul(port=agent.ports["http"]))
    for name, (call, text) in REFUSED.items():
        with pytest.raises(consul.ConsulException) as caught:
            call(client)
        assert text in str(caught.value), name
    client.http.close()


def answered(agent: DevAgent, table: Iterator[tuple[str, Call, Fits]]) -> list[str]:
    """Carry out each call of the table; what was not answered as it must be, for people to read."""
    client = cast(Part, consul.Consul(port=agent.ports["http"]))
    KEPT.clear()
    wrong: list[str] = []
    for name, call, fits in table:
        try:
            found = call(client)
            if name.startswith(_FOLLOWS) and not fits(found):
                found = eventually(partial(call, client), fits)
            if not fits(found):
                wrong.append(f"{name}: {json.dumps(found, default=repr)[:300]}")
        except Exception as error:  # whatever the library makes of an answer that it cannot take
            wrong.append(f"{name}: {error!r}")
    client.http.close()
    return wrong
