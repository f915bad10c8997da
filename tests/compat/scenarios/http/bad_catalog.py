"""Wrong requests to the catalog and to health."""

from tests.compat.scenarios.http.wrong import bad_bodies, bad_fields, bad_reads, bad_requests, differing, short
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_REGISTER = "/v1/catalog/register"
_DEREGISTER = "/v1/catalog/deregister"
_DC = "a datacenter that is named counts: Consul overlooks it and writes into its own"
_BOUND = "what agents may not have in their metadata the catalog does not take either: memory is bounded"
_LONG_KEY = short({"k" * 129: "v"})
_LONG_VALUE = short({"k": "v" * 513})
_WHOLE: dict[str, Json] = {"Node": "far", "Address": "192.0.2.1", "Service": {"Service": "web", "Port": 80}}

SCENARIO = Scenario(
    "bad_catalog",
    "Wrong requests to the catalog and to health.",
    (
        *bad_requests(
            [
                ("POST", _REGISTER),
                ("GET", _REGISTER),
                ("DELETE", _DEREGISTER),
                ("PUT", "/v1/catalog/datacenters"),
                ("POST", "/v1/catalog/nodes"),
                ("PUT", "/v1/catalog/services"),
                ("PUT", "/v1/catalog/service/web"),
                ("GET", "/v1/catalog/service/"),
                ("GET", "/v1/catalog/connect/"),
                ("DELETE", "/v1/catalog/connect/web"),
                ("GET", "/v1/catalog/node/"),
                ("PUT", "/v1/catalog/node/far"),
                ("GET", "/v1/catalog/node-services/"),
                ("POST", "/v1/catalog/node-services/far"),
                ("GET", "/v1/health/node/"),
                ("GET", "/v1/health/checks/"),
                ("GET", "/v1/health/state/"),
                ("GET", "/v1/health/state/gone"),
                ("GET", "/v1/health/state/PASSING"),
                ("GET", "/v1/health/service/"),
                ("GET", "/v1/health/connect/"),
                ("PUT", "/v1/health/node/far"),
                ("PUT", "/v1/health/checks/web"),
                ("PUT", "/v1/health/state/any"),
                ("PUT", "/v1/health/service/web"),
                ("PUT", "/v1/health/connect/web"),
                ("GET", "/v1/health/service/web?passing=maybe"),
                ("GET", "/v1/health/service/web?passing=2"),
                ("GET", "/v1/health/service/web?passing=false"),
                ("GET", "/v1/health/service/web?node-meta=nothing"),
                ("GET", "/v1/health/service/web?near=nobody"),
                ("GET", "/v1/catalog/nodes?node-meta="),
                ("GET", "/v1/catalog/nodes?near=nobody"),
                ("GET", "/v1/catalog/service/web?tag="),
            ]
        ),
        *bad_bodies("PUT", _REGISTER),
        *bad_bodies("PUT", _DEREGISTER),
        *bad_fields(
            "PUT",
            _REGISTER,
            _WHOLE,
            {
                "Node": ["", None, 1, ["far"], {"Name": "far"}],
                "Address": ["", None, 1],
                "Datacenter": ["elsewhere", 1],
                "ID": ["x", "0", 5, "40e4a748-2192-161a-0510-9bf59fe950bX"],
                "NodeMeta": ["x", ["x"], {"k": 1}, {"": "v"}, {"bad key": "v"}, {"k" * 129: "v"}, {"k": "v" * 513}],
                "TaggedAddresses": ["x", {"lan": 1}, {"lan": None}],
                "SkipNodeUpdate": ["yes", 1],
                "Service": ["web", [], {}, {"ID": "web"}, {"Service": ""}],
                "Service.Service": [1, None],
                "Service.Port": ["80", 1.5, True, 10**30],
                "Service.Tags": ["a", {"a": 1}, [1], [None]],
                "Service.Meta": ["x", {"k": 1}],
                "Service.Weights": ["x", {"Passing": "x"}, {"Passing": 1.5}],
                "Service.EnableTagOverride": ["yes"],
                "Service.Kind": [1, "connect-proxy", "mesh-gateway"],
                "Service.Proxy": ["x", {"DestinationServiceName": 1}, {"Upstreams": "x"}, {"Upstreams": [1]}],
                "Service.Connect": ["x", {"Native": "x"}],
                "Service.TaggedAddresses": ["x", {"lan": "192.0.2.1"}, {"lan": {"Port": "x"}}],
                "Check": ["x", [], {"Node": "other"}, {"Status": "fine", "CheckID": "c"}, {"Name": 1}],
                "Check.ServiceID": ["nothing"],
                "Checks": ["x", {}, [1], [{"Node": "other"}], [{"CheckID": ""}]],
            },
            differs={
                f"NodeMeta is {_LONG_KEY}": differing(_BOUND),
                f"NodeMeta is {_LONG_VALUE}": differing(_BOUND),
            },
        ),
        *bad_fields(
            "PUT",
            _REGISTER,
            {**_WHOLE, "Check": {"CheckID": "defined"}},
            {"Check.Definition": ["x", {"Interval": "x"}, {"Timeout": True}, {"Header": {"a": "b"}}]},
            differs={"Check.Definition is {'Timeout': True}": differing("what is no duration is overlooked by Consul")},
        ),
        *bad_fields(
            "PUT",
            _DEREGISTER,
            {"Node": "nobody"},
            {
                "Node": ["", None, 1],
                "ServiceID": [1, "nothing"],
                "CheckID": [1, "nothing"],
                "Datacenter": ["elsewhere", 1],
                "Bogus": [1],
            },
        ),
        Step("the defined check goes", "PUT", _DEREGISTER, {"Node": "far", "CheckID": "defined"}),
        Step(
            "PUT another datacenter by the parameter",
            "PUT",
            f"{_REGISTER}?dc=elsewhere",
            dict(_WHOLE),
            differs=differing(_DC),
        ),
        Step("what came of all this on nodes", "GET", "/v1/catalog/nodes", unordered=("body",)),
        Step("what came of all this in services", "GET", "/v1/catalog/services"),
        Step("what came of all this for the one name", "GET", "/v1/health/service/web"),
    ),
)

READS = Scenario(
    "bad_reads",
    "Wrong reads of the catalog and of health.",
    (
        *bad_reads("/v1/catalog/nodes"),
        *bad_reads("/v1/catalog/services"),
        *bad_reads("/v1/catalog/service/web"),
        *bad_reads("/v1/catalog/connect/web"),
        *bad_reads("/v1/catalog/node/far"),
        *bad_reads("/v1/catalog/node-services/far"),
        *bad_reads("/v1/catalog/datacenters"),
        *bad_reads("/v1/health/node/far"),
        *bad_reads("/v1/health/checks/web"),
        *bad_reads("/v1/health/state/any"),
        *bad_reads("/v1/health/service/web"),
        *bad_reads("/v1/health/connect/web"),
    ),
)
