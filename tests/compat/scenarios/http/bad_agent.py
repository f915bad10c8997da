"""Wrong requests to the agent itself, its services and checks."""

from tests.compat.scenarios.http.wrong import bad_bodies, bad_fields, bad_reads, bad_requests, differing
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_SERVICE = "/v1/agent/service/register"
_CHECK = "/v1/agent/check/register"
_UPDATE = "/v1/agent/check/update/ttl"
_MAINTENANCE = "/v1/agent/service/maintenance"
_CRASH = "Consul's own program fails and closes the connection"
_NO_DURATION = "Consul overlooks what is no duration: a check without its time is not the one that was meant"
_WEB: dict[str, Json] = {"Name": "web", "ID": "w1", "Port": 80}
_TTL: dict[str, Json] = {"Name": "one", "ID": "ttl", "TTL": "90s"}
_SIDECAR: dict[str, Json] = {"Name": "web", "ID": "w1", "Connect": {"SidecarService": {}}}
_CHECKED: dict[str, Json] = {"Name": "web", "ID": "w1", "Check": {"TTL": "90s"}}
_PROXY: dict[str, Json] = {
    "Name": "web-proxy",
    "Kind": "connect-proxy",
    "Port": 81,
    "Proxy": {"DestinationServiceName": "web", "Upstreams": []},
}

SCENARIO = Scenario(
    "bad_agent",
    "Wrong requests to the agent itself and its checks.",
    (
        Step("a check that is told", "PUT", _CHECK, dict(_TTL)),
        *bad_requests(
            [
                ("PUT", "/v1/agent/self"),
                ("POST", "/v1/agent/members"),
                ("GET", "/v1/agent/members?segment=alpha"),
                ("GET", "/v1/agent/maintenance"),
                ("PUT", "/v1/agent/maintenance"),
                ("PUT", "/v1/agent/maintenance?enable"),
                ("PUT", "/v1/agent/maintenance?enable=maybe"),
                ("PUT", "/v1/agent/maintenance?enable=2"),
                ("GET", "/v1/agent/reload"),
                ("GET", "/v1/agent/leave"),
                ("GET", "/v1/agent/join/127.0.0.1"),
                ("PUT", "/v1/agent/join/"),
                ("PUT", "/v1/agent/join/127.0.0.1:1"),
                ("GET", "/v1/agent/force-leave/nobody"),
                ("PUT", "/v1/agent/force-leave/"),
                ("PUT", "/v1/agent/force-leave/nobody"),
                ("PUT", "/v1/agent/force-leave/nobody?prune"),
                ("PUT", "/v1/agent/metrics"),
                ("PUT", "/v1/agent/host"),
                ("PUT", "/v1/agent/monitor"),
                ("GET", "/v1/agent/monitor?loglevel=loud"),
                ("PUT", "/v1/agent/services"),
                ("PUT", "/v1/agent/checks"),
                ("GET", "/v1/agent/service/"),
                ("GET", "/v1/agent/service/nothing"),
                ("PUT", "/v1/agent/service/nothing"),
                ("GET", "/v1/agent/service/nothing?hash=x&wait=1ms"),
                ("GET", "/v1/agent/service/nothing?wait=x"),
                ("GET", _SERVICE),
                ("GET", "/v1/agent/service/deregister/nothing"),
                ("PUT", "/v1/agent/service/deregister/"),
                ("PUT", "/v1/agent/service/deregister/nothing"),
                ("GET", f"{_MAINTENANCE}/nothing"),
                ("PUT", f"{_MAINTENANCE}/"),
                ("PUT", f"{_MAINTENANCE}/nothing"),
                ("PUT", f"{_MAINTENANCE}/?enable=true"),
                ("PUT", f"{_MAINTENANCE}/nothing?enable=true"),
                ("PUT", f"{_MAINTENANCE}/nothing?enable=false"),
                ("PUT", f"{_MAINTENANCE}/nothing?enable"),
                ("PUT", f"{_MAINTENANCE}/nothing?enable=maybe"),
                ("GET", _CHECK),
                ("GET", "/v1/agent/check/deregister/nothing"),
                ("PUT", "/v1/agent/check/deregister/"),
                ("PUT", "/v1/agent/check/deregister/nothing"),
                ("GET", "/v1/agent/check/pass/ttl"),
                ("PUT", "/v1/agent/check/pass/"),
                ("PUT", "/v1/agent/check/pass/nothing"),
                ("PUT", "/v1/agent/check/warn/nothing"),
                ("PUT", "/v1/agent/check/fail/nothing"),
                ("GET", "/v1/agent/check/update/ttl"),
                ("PUT", "/v1/agent/health/service/id/w1"),
                ("GET", "/v1/agent/health/service/id/"),
                ("GET", "/v1/agent/health/service/id/nothing"),
                ("GET", "/v1/agent/health/service/id/nothing?format=text"),
                ("GET", "/v1/agent/health/service/name/"),
                ("GET", "/v1/agent/health/service/name/nothing"),
                ("GET", "/v1/agent/health/service/name/nothing?format=text"),
                ("GET", "/v1/agent/services?ns=team"),
                ("GET", "/v1/agent/checks?ns=team"),
                ("GET", "/v1/agent/members?ns=team"),
                ("GET", "/v1/agent/service/nothing?ns=team"),
            ]
        ),
        *bad_bodies("PUT", _CHECK),
        *bad_bodies("PUT", _UPDATE),
        Step("an update of a check that nobody has", "PUT", "/v1/agent/check/update/nothing", {"Status": "passing"}),
        Step("an update of no check", "PUT", "/v1/agent/check/update/", {"Status": "passing"}),
        *bad_fields(
            "PUT",
            _UPDATE,
            {"Status": "passing", "Output": "fine"},
            {"Status": ["", "fine", 1, None, "PASSING"], "Output": [1, ["x"], None]},
        ),
        *bad_fields(
            "PUT",
            _CHECK,
            {"Name": "two", "TTL": "90s"},
            {
                "Name": ["", None, 1],
                "ID": [1],
                "ServiceID": ["nothing", 1],
                "TTL": ["", "x", True, -1, "0s"],
                "HTTP": ["http://127.0.0.1", 1],
                "Status": ["fine", 1, "PASSING"],
                "Interval": ["x"],
                "Notes": [1],
                "Args": [["true"], "true"],
                "DockerContainerID": ["x", 1],
                "GRPC": [1],
                "TCP": [1],
                "AliasNode": ["judge", 1],
                "TLSSkipVerify": ["yes"],
                "Bogus": [1],
            },
        ),
        Step("what came of all this among services", "GET", "/v1/agent/services"),
        Step(
            "what came of all this among checks",
            "GET",
            "/v1/agent/checks",
            omit={"body.*.Output": "whether a check has run yet"},
        ),
        *bad_reads("/v1/agent/connect/ca/roots", leaving_out=("ns=team",)),
        *bad_reads("/v1/agent/connect/ca/leaf/web"),
    ),
)

SERVICES = Scenario(
    "bad_services",
    "Wrong registrations of services at the agent.",
    (
        *bad_bodies("PUT", _SERVICE),
        *bad_fields(
            "PUT",
            _SERVICE,
            _WEB,
            {
                "Name": ["", None, 1, ["web"]],
                "ID": [1, None, ""],
                "Port": ["80", -1, 65536, 1.5, True, [80]],
                "Address": ["0.0.0.0", "::", "[::]", 1],
                "Tags": ["a", {"a": 1}, [1], [None]],
                "Meta": [
                    "x",
                    {"k": 1},
                    {"": "v"},
                    {"bad key": "v"},
                    {"consul-x": "v"},
                    {"k" * 129: "v"},
                    {"k": "v" * 513},
                ],
                "TaggedAddresses": ["x", {"lan": "192.0.2.1"}, {"lan": {"Port": "x"}}, {"lan": {"Bogus": 1}}],
                "Weights": ["x", {"Passing": 0}, {"Passing": -1}, {"Passing": 1, "Warning": -1}, {"Passing": 65536}],
                "EnableTagOverride": ["yes", 1],
                "Kind": ["bogus", 1, "connect-proxy", "mesh-gateway", "terminating-gateway", "ingress-gateway"],
                "Token": [1],
                "Proxy": ["x", {"Bogus": 1}, {"DestinationServiceName": "x"}],
                "Connect": ["x", {"Native": "x"}, {"SidecarService": "x"}, {"Bogus": 1}],
                "Check": ["x", [], {}, {"TTL": "x"}, {"TTL": "-1s"}, {"HTTP": "http://127.0.0.1"}, {"Status": "fine"}],
                "Checks": ["x", {}, [1], [None], [{}], [{"TTL": "10s", "HTTP": "http://127.0.0.1"}]],
                "Bogus": [1],
            },
            differs={"Checks is [None]": differing(_CRASH)},
        ),
        *bad_fields(
            "PUT",
            _SERVICE,
            _CHECKED,
            {
                "Check.TTL": [1.5, True, "1", ""],
                "Check.Interval": ["soon", "0s", True],
                "Check.Timeout": ["soon", []],
                "Check.Status": ["fine", 1],
                "Check.Args": ["ls", [1]],
                "Check.Header": ["x", {"a": "b"}, {"a": [1]}],
                "Check.SuccessBeforePassing": ["x", -1, 1.5],
                "Check.FailuresBeforeCritical": ["x"],
                "Check.OutputMaxSize": ["x", -1],
                "Check.DeregisterCriticalServiceAfter": ["x", True],
                "Check.AliasService": [1, "web"],
                "Check.Bogus": [1],
            },
            differs={
                said: differing(_NO_DURATION)
                for said in (
                    "Check.TTL is True",
                    "Check.Interval is True",
                    "Check.Timeout is []",
                    "Check.DeregisterCriticalServiceAfter is True",
                )
            },
        ),
        *bad_fields(
            "PUT",
            _SERVICE,
            _SIDECAR,
            {
                "Connect.SidecarService.ID": ["mine"],
                "Connect.SidecarService.Port": ["x"],
                "Connect.SidecarService.Connect": [{"SidecarService": {}}],
                "Connect.SidecarService.Meta": [{"bad key": "v"}],
                "Connect.SidecarService.Proxy": [{"Upstreams": [{"DestinationName": ""}]}],
                "Connect.SidecarService.Check": [{"TTL": "x"}],
            },
            differs={
                "Connect.SidecarService.Proxy is {'Upstreams': [{'DestinationName': ''}]}": differing(
                    "an upstream without a name is refused in a sidecar as it is in a proxy"
                )
            },
        ),
        Step("the service goes, and a sidecar with it", "PUT", "/v1/agent/service/deregister/w1"),
        *bad_fields(
            "PUT",
            _SERVICE,
            _PROXY,
            {
                "Port": [0],
                "Proxy.DestinationServiceName": ["", "*", 1],
                "Proxy.LocalServicePort": ["x"],
                "Proxy.Config": ["x", []],
                "Proxy.MeshGateway": ["x", {"Mode": 1}, {"Mode": "fast"}],
                "Proxy.Expose": ["x", {"Checks": "x"}, {"Paths": [{"Path": "x"}]}],
                "Proxy.Upstreams": [
                    "x",
                    [1],
                    [{}],
                    [{"DestinationName": "*"}],
                    [{"DestinationName": "db"}],
                    [{"DestinationName": "db", "LocalBindPort": "x"}],
                    [{"DestinationName": "db", "LocalBindPort": 1, "DestinationType": "bogus"}],
                    [{"DestinationName": "db", "LocalBindPort": 1}, {"DestinationName": "db", "LocalBindPort": 2}],
                    [{"DestinationName": "db", "LocalBindPort": 1}, {"DestinationName": "mq", "LocalBindPort": 1}],
                ],
            },
        ),
        Step("what came of all this among services", "GET", "/v1/agent/services"),
        Step(
            "what came of all this among checks",
            "GET",
            "/v1/agent/checks",
            omit={"body.*.Output": "whether a check has run yet"},
        ),
    ),
)
