"""`/v1/internal/ui/*`."""

from urllib.parse import quote

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_ONCE = "each instance counts once; Consul counts it for each listener of the gateway that leads to it"
_NODE_FILTERS = (
    "Node == g1",
    "Address == `10.0.0.9`",
    "Meta.rack == a",
    "TaggedAddresses.lan == x",
    "Services is empty",
    "Checks is empty and Node != judge",
    "Services.Service == native",
    "a in Services.Tags",
    "Services.Port == 1",
    "Checks.Status == critical",
    "Service.Service == web",
    "Node.Node == g1",
    "Datacenter == dc1",
    "x",
)
_SERVICE_FILTERS = (
    "Node.Node == g1",
    "Service.Service == web",
    "Checks.Status == critical",
    "a in Service.Tags",
    "Node.Meta.rack == a",
    "Name == web",
    "InstanceCount == 1",
)


def _registered(name: str, **more: Json) -> Step:
    body: dict[str, Json] = {"Node": "g1", "Address": "10.0.0.9", "NodeMeta": {"rack": "a"}, **more}
    return Step(name, "PUT", "/v1/catalog/register", body)


SCENARIO = Scenario(
    "ui",
    "What user interfaces ask for.",
    (
        _registered(
            "an instance with checks",
            Service={"ID": "w1", "Service": "web", "Tags": ["b", "a"], "Meta": {"external-source": "nomad"}},
            Checks=[
                {"CheckID": "n", "Name": "n", "Status": "warning"},
                {"CheckID": "w", "Name": "w", "Status": "critical", "ServiceID": "w1"},
            ],
        ),
        _registered(
            "another one beside it",
            Service={"ID": "w2", "Service": "web", "Tags": ["c"], "Meta": {"external-source": "kubernetes"}},
        ),
        _registered("one elsewhere", Node="g0", Service={"Service": "web", "Tags": ["a"]}),
        _registered(
            "a proxy",
            Service={
                "ID": "wp",
                "Kind": "connect-proxy",
                "Service": "web-proxy",
                "Tags": ["p"],
                "Port": 1,
                "Proxy": {"DestinationServiceName": "web"},
            },
        ),
        _registered(
            "a native one",
            Node="g2",
            Address="10.0.0.8",
            Service={"ID": "nat", "Service": "native", "Tags": ["x"], "Connect": {"Native": True}},
        ),
        _registered("a node alone", Node="g3", Address="10.0.0.7"),
        Step("services in brief", "GET", "/v1/internal/ui/services", save={"index": "header:X-Consul-Index"}),
        Step("a node", "GET", "/v1/internal/ui/node/g1"),
        Step("a node in capitals", "GET", "/v1/internal/ui/node/G1"),
        Step("a node with nothing", "GET", "/v1/internal/ui/node/g3"),
        Step("a node that is not there", "GET", "/v1/internal/ui/node/none"),
        Step("a node without a name", "GET", "/v1/internal/ui/node/"),
        Step("nodes without the agent's", "GET", f"/v1/internal/ui/nodes?filter={quote('Node != judge')}"),
        *(Step(f"nodes by {text}", "GET", f"/v1/internal/ui/nodes?filter={quote(text)}") for text in _NODE_FILTERS),
        *(
            Step(f"services by {text}", "GET", f"/v1/internal/ui/services?filter={quote(text)}")
            for text in _SERVICE_FILTERS
        ),
        Step(
            "an ingress gateway",
            "PUT",
            "/v1/config",
            {
                "Kind": "ingress-gateway",
                "Name": "ing",
                "Listeners": [
                    {"Port": 8888, "Protocol": "tcp", "Services": [{"Name": "web"}]},
                    {"Port": 8889, "Protocol": "tcp", "Services": [{"Name": "web"}]},
                ],
            },
        ),
        Step(
            "a terminating gateway",
            "PUT",
            "/v1/config",
            {"Kind": "terminating-gateway", "Name": "term", "Services": [{"Name": "native"}, {"Name": "nowhere"}]},
        ),
        Step(
            "what is behind an ingress",
            "GET",
            "/v1/internal/ui/gateway-services-nodes/ing",
            differs={
                "body.0.Nodes": _ONCE,
                "body.0.InstanceCount": _ONCE,
                "body.0.ChecksWarning": _ONCE,
                "body.0.ChecksCritical": _ONCE,
            },
        ),
        Step("what is behind a terminating gateway", "GET", "/v1/internal/ui/gateway-services-nodes/term"),
        Step("what is behind no gateway", "GET", "/v1/internal/ui/gateway-services-nodes/web"),
        Step("what is behind nothing", "GET", "/v1/internal/ui/gateway-services-nodes/"),
        Step("what is behind it elsewhere", "GET", "/v1/internal/ui/gateway-services-nodes/ing?dc=dc2"),
        Step("services cached", "GET", "/v1/internal/ui/services?cached"),
        Step("services stale", "GET", "/v1/internal/ui/services?stale"),
        Step("nodes elsewhere", "GET", "/v1/internal/ui/nodes?dc=dc2"),
        Step("services elsewhere", "GET", "/v1/internal/ui/services?dc=dc2"),
        Step("a node elsewhere", "GET", "/v1/internal/ui/node/g1?dc=dc2"),
        Step("nodes are not put", "PUT", "/v1/internal/ui/nodes"),
        Step("what may be done", "OPTIONS", "/v1/internal/ui/services"),
        Step("what came with 1.9", "GET", "/v1/internal/ui/service-topology/web"),
        Step("the proxy of metrics came with 1.9", "GET", "/v1/internal/ui/metrics-proxy/x"),
        Step(
            "waiting for a service",
            "GET",
            "/v1/internal/ui/services?index=$index&wait=10s",
            during=(_registered("the service", Node="g3", Address="10.0.0.7", Service={"Service": "late"}),),
        ),
        Step("a node of no datacenter", "GET", "/v1/internal/ui/node/g2", save={"two": "header:X-Consul-Index"}),
    ),
)
