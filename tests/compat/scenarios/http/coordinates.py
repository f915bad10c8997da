"""`/v1/coordinate` and lists sorted by distance."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

UPDATE = "/v1/coordinate/update"
REGISTER = "/v1/catalog/register"
NO_MORE: Json = {"Vec": [0, 0, 0, 0, 0, 0, 0, 0]}


def coord(x: float) -> Json:
    return {"Vec": [x, 0, 0, 0, 0, 0, 0, 0], "Error": 0.5, "Adjustment": 0, "Height": 0.001}


def node(name: str) -> Json:
    return {
        "Node": name,
        "Address": "192.0.2.10",
        "Service": {"Service": "web", "Port": 80},
        "Check": {"CheckID": "web", "Name": "web", "Status": "critical", "ServiceID": "web"},
    }


def placed(name: str, x: float) -> Json:
    return {"Node": name, "Segment": "", "Coord": coord(x)}


SCENARIO = Scenario(
    "coordinates",
    "Where nodes stand in the network, and lists sorted by distance.",
    (
        Step("a node", "PUT", REGISTER, node("alpha")),
        Step("another", "PUT", REGISTER, node("beta")),
        Step("a third", "PUT", REGISTER, node("gamma")),
        Step("a node without a place", "PUT", REGISTER, node("nowhere")),
        Step("nothing is known of a node that reported nothing", "GET", "/v1/coordinate/node/alpha"),
        Step("nor of one that nobody knows", "GET", "/v1/coordinate/node/nobody"),
        Step("a report is answered with nothing", "PUT", UPDATE, placed("alpha", 0.010)),
        Step("another report", "PUT", UPDATE, placed("beta", 0.050)),
        Step("a third report", "PUT", UPDATE, placed("gamma", 0.045)),
        Step("a report of an unknown node", "PUT", UPDATE, placed("nobody", 0.045)),
        Step("a report in a segment", "PUT", UPDATE, {"Node": "gamma", "Segment": "s", "Coord": coord(1)}),
        Step("what is left out is zero", "PUT", UPDATE, {"Node": "gamma", "Segment": "t", "Coord": NO_MORE}),
        Step("too few dimensions", "PUT", UPDATE, {"Node": "alpha", "Coord": {"Vec": [0, 1]}}, exact_text=True),
        Step("no JSON", "PUT", UPDATE, b"x", exact_text=True),
        Step("an unknown member", "PUT", UPDATE, {"Node": "a", "Bogus": 1, "Coord": coord(0)}, exact_text=True),
        Step("a node's coordinate", "GET", "/v1/coordinate/node/alpha", until="Vec"),
        Step("a node's coordinate, by any case", "GET", "/v1/coordinate/node/beta", until="Vec"),
        Step("a node's coordinates in all segments", "GET", "/v1/coordinate/node/gamma", until='"t"'),
        Step("one of them", "GET", "/v1/coordinate/node/gamma?segment=s"),
        Step("none of them", "GET", "/v1/coordinate/node/gamma?segment=none"),
        Step("all of a segment", "GET", "/v1/coordinate/nodes?segment=s"),
        Step("no node is named", "GET", "/v1/coordinate/node/"),
        Step("an unknown datacenter", "GET", "/v1/coordinate/nodes?dc=elsewhere", exact_text=True),
        Step("nodes near one", "GET", "/v1/catalog/nodes?near=beta&node-meta="),
        Step("instances near one", "GET", "/v1/catalog/service/web?near=beta"),
        Step("instances near another", "GET", "/v1/catalog/service/web?near=alpha"),
        Step("instances near a node without a place", "GET", "/v1/catalog/service/web?near=nowhere"),
        Step("instances near an unknown node", "GET", "/v1/catalog/service/web?near=nobody"),
        Step("health near one", "GET", "/v1/health/service/web?near=gamma"),
        Step("checks near one", "GET", "/v1/health/checks/web?near=beta"),
        Step("checks in a state near one", "GET", "/v1/health/state/critical?near=beta"),
        Step("the node goes", "PUT", "/v1/catalog/deregister", {"Node": "beta"}),
        Step("and its coordinate with it", "GET", "/v1/coordinate/node/beta"),
        Step(
            "the servers of the datacenter",
            "GET",
            "/v1/coordinate/datacenters",
            omit={"body.*.Coordinates.*.Coord": "each measures on its own"},
        ),
        Step("a coordinate is not read by PUT", "PUT", "/v1/coordinate/nodes"),
    ),
)
