"""Resources in wire form, encoded once per change."""

from lictor_connect_proxy.xds.descriptors import shown
from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SECRET
from lictor_connect_proxy.xds.resources import Encoder, empty
from lictor_core.records import JsonObject

MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def cluster(name: str, **fields: object) -> JsonObject:
    return {"name": name, **fields}


def test_equal_content_has_an_equal_version_also_for_another_encoder() -> None:
    one, _ = Encoder().encode({CLUSTER: {"db": cluster("db", connect_timeout="5s")}})
    two, _ = Encoder().encode({CLUSTER: {"db": cluster("db", connect_timeout="5s")}})
    other, _ = Encoder().encode({CLUSTER: {"db": cluster("db", connect_timeout="6s")}})
    assert one == two
    assert one[CLUSTER]["db"].version != other[CLUSTER]["db"].version


def test_what_did_not_change_is_not_encoded_again() -> None:
    encoder = Encoder()
    before, _ = encoder.encode({CLUSTER: {"db": cluster("db"), "web": cluster("web")}})
    after, _ = encoder.encode({CLUSTER: {"db": cluster("db"), "web": cluster("web", connect_timeout="1s")}})
    assert after[CLUSTER]["db"] is before[CLUSTER]["db"]
    assert after[CLUSTER]["web"] is not before[CLUSTER]["web"]


def test_what_is_no_resource_is_told_and_leaves_the_last_good_one() -> None:
    encoder = Encoder()
    before, _ = encoder.encode({CLUSTER: {"db": cluster("db")}})
    after, flaws = encoder.encode({CLUSTER: {"db": cluster("db", naem="x"), "web": cluster("web", naem="x")}})
    assert after[CLUSTER] == {"db": before[CLUSTER]["db"]}
    assert [(flaw.kind, flaw.name) for flaw in flaws] == [(CLUSTER, "db"), (CLUSTER, "web")]
    assert '"naem"' in flaws[0].reason
    again, flaws = encoder.encode({CLUSTER: {"db": cluster("db", naem="x")}})
    assert again[CLUSTER] == {"db": before[CLUSTER]["db"]}
    assert [flaw.name for flaw in flaws] == ["db"]


def test_a_cluster_names_its_endpoints() -> None:
    eds: JsonObject = {"eds_config": {"ads": {}}}
    wanted = {
        "a": cluster("a", eds_cluster_config=eds),
        "b": cluster("b", eds_cluster_config={**eds, "service_name": "other"}),
        "c": cluster("c", type="STATIC"),
    }
    state, _ = Encoder().encode({CLUSTER: wanted})
    assert {name: one.children for name, one in state[CLUSTER].items()} == {"a": ("a",), "b": ("other",), "c": ()}


def test_a_listener_names_its_routes() -> None:
    def chain(routes: str) -> JsonObject:
        rds: JsonObject = {"config_source": {"ads": {}}, "route_config_name": routes}
        manager: JsonObject = {"@type": MANAGER, "stat_prefix": "x", "rds": rds}
        return {"filters": [{"name": "http", "typed_config": manager}]}

    chains = [chain("b"), chain("a"), chain("b")]
    state, _ = Encoder().encode({LISTENER: {"in": {"name": "in", "filter_chains": chains}}})
    assert state[LISTENER]["in"].children == ("a", "b")


def test_an_empty_answer_is_there_for_what_is_waited_for() -> None:
    endpoints, routes = empty(ENDPOINTS, "db"), empty(ROUTES, "web")
    assert endpoints is not None
    assert routes is not None
    assert shown(ENDPOINTS, endpoints.body) == {"cluster_name": "db"}
    assert shown(ROUTES, routes.body) == {"name": "web"}
    assert empty(SECRET, "leaf") is None
