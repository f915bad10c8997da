"""`/v1/internal/federation-state*`: the mesh gateways of each datacenter, where there is but one datacenter."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

ALL = "/v1/internal/federation-states"
GATEWAYS = "/v1/internal/federation-states/mesh-gateways"
ONE = "/v1/internal/federation-state/"
_INDEX = "an index, which is no number that two programs share"
_FIRST: dict[str, Json] = {"Node": "g1", "Address": "10.0.0.9"}
_WAN: Json = {"wan": {"Address": "198.51.100.7", "Port": 443}}

SCENARIO = Scenario(
    "federation",
    "What datacenters tell one another of their mesh gateways.",
    (
        Step("the states of all datacenters", "GET", ALL, until="dc1", omit={"body.*.PrimaryModifyIndex": _INDEX}),
        Step("the gateways of all datacenters", "GET", GATEWAYS),
        Step(
            "the state of the own one",
            "GET",
            f"{ONE}dc1",
            omit={"body.State.PrimaryModifyIndex": _INDEX, "body.Index": _INDEX},
        ),
        Step("the state of one that is not there", "GET", f"{ONE}dc2"),
        Step("the state of none", "GET", ONE),
        Step("states elsewhere", "GET", f"{ALL}?dc=dc2"),
        Step("gateways elsewhere", "GET", f"{GATEWAYS}?dc=dc2"),
        Step("a state elsewhere", "GET", f"{ONE}dc1?dc=dc2"),
        Step("states are not put", "PUT", ALL),
        Step("gateways are not put", "PUT", GATEWAYS),
        Step("a state is not put", "PUT", f"{ONE}dc1"),
        Step("states stale", "GET", f"{ALL}?stale", omit={"body.*.PrimaryModifyIndex": _INDEX}),
        Step("states cached", "GET", f"{ALL}?cached", omit={"body.*.PrimaryModifyIndex": _INDEX}),
        Step("gateways cached", "GET", f"{GATEWAYS}?cached"),
        Step(
            "a gateway that is not meant for others",
            "PUT",
            "/v1/catalog/register",
            {**_FIRST, "Service": {"ID": "m0", "Service": "gateway-0", "Kind": "mesh-gateway", "Port": 8443}},
        ),
        Step(
            "a gateway",
            "PUT",
            "/v1/catalog/register",
            {
                **_FIRST,
                "Service": {
                    "ID": "m1",
                    "Service": "gateway",
                    "Kind": "mesh-gateway",
                    "Port": 8443,
                    "Meta": {"consul-wan-federation": "1"},
                    "TaggedAddresses": _WAN,
                },
                "Check": {"Name": "alive", "CheckID": "alive", "Status": "passing", "ServiceID": "m1"},
            },
        ),
        Step(
            "another kind of service cannot be the way in",
            "PUT",
            "/v1/catalog/register",
            {**_FIRST, "Service": {"ID": "w", "Service": "web", "Meta": {"consul-wan-federation": "1"}}},
        ),
        Step(
            "nor is another key free for a gateway",
            "PUT",
            "/v1/catalog/register",
            {
                **_FIRST,
                "Service": {"ID": "m2", "Service": "m2", "Kind": "mesh-gateway", "Port": 1, "Meta": {"consul-x": "1"}},
            },
        ),
        Step(
            "a gateway of the agent",
            "PUT",
            "/v1/agent/service/register",
            {"Name": "own", "Kind": "mesh-gateway", "Port": 8443, "Meta": {"consul-wan-federation": "1"}},
        ),
        Step("it goes", "PUT", "/v1/agent/service/deregister/own"),
        Step(
            "the state with a gateway",
            "GET",
            f"{ONE}dc1",
            until="m1",
            omit={"body.State.PrimaryModifyIndex": _INDEX, "body.Index": _INDEX},
        ),
        Step("states with a gateway", "GET", ALL, omit={"body.*.PrimaryModifyIndex": _INDEX}),
        Step("gateways with one", "GET", GATEWAYS),
        Step("the gateway goes", "PUT", "/v1/catalog/deregister", {"Node": "g1", "ServiceID": "m1"}),
        Step(
            "the state without it",
            "GET",
            f"{ONE}dc1",
            until_not="m1",
            omit={"body.State.PrimaryModifyIndex": _INDEX, "body.Index": _INDEX},
        ),
    ),
)
