"""`/v1/health`."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/catalog/register"


def _instance(node: str, address: str, status: str, tags: list[Json], port: int) -> Json:
    return {
        "Node": node,
        "Address": address,
        "NodeMeta": {"rack": node},
        "Service": {"ID": f"web-{node}", "Service": "web", "Tags": tags, "Port": port},
        "Checks": [
            {
                "CheckID": f"alive-{node}",
                "Name": "alive",
                "Status": status,
                "ServiceID": f"web-{node}",
                "Output": status,
            },
            {"CheckID": "disk", "Name": "disk", "Status": "passing"},
        ],
    }


SCENARIO = Scenario(
    "health",
    "Health of nodes and services.",
    (
        Step("the checks of a fresh node", "GET", "/v1/health/node/judge"),
        Step("the server's own service", "GET", "/v1/health/service/consul"),
        Step("a passing instance", "PUT", REGISTER, _instance("n1", "192.0.2.1", "passing", ["a", "x"], 1001)),
        Step("a warning instance", "PUT", REGISTER, _instance("n2", "192.0.2.2", "warning", ["b", "x"], 1002)),
        Step("a critical instance", "PUT", REGISTER, _instance("n3", "192.0.2.3", "critical", [], 1003)),
        Step("all instances with all checks", "GET", "/v1/health/service/web"),
        Step("passing only", "GET", "/v1/health/service/web?passing"),
        Step("passing=true", "GET", "/v1/health/service/web?passing=true"),
        Step("passing=1", "GET", "/v1/health/service/web?passing=1"),
        Step("passing=false", "GET", "/v1/health/service/web?passing=false"),
        Step("passing must be a truth value", "GET", "/v1/health/service/web?passing=perhaps"),
        Step("by one tag", "GET", "/v1/health/service/web?tag=x"),
        Step("by several tags, all of them", "GET", "/v1/health/service/web?tag=x&tag=b"),
        Step("by a tag in another case", "GET", "/v1/health/service/web?tag=B"),
        Step("by a tag nobody has", "GET", "/v1/health/service/web?tag=zzz"),
        Step("by an empty tag", "GET", "/v1/health/service/web?tag="),
        Step("passing with a tag", "GET", "/v1/health/service/web?passing&tag=x"),
        Step("by node meta", "GET", "/v1/health/service/web?node-meta=rack:n2"),
        Step("near the agent", "GET", "/v1/health/service/web?near=_agent"),
        Step("an unknown service is an empty list", "GET", "/v1/health/service/nobody"),
        Step("no name", "GET", "/v1/health/service/"),
        Step("the checks of a node", "GET", "/v1/health/node/n1"),
        Step("the checks of an unknown node", "GET", "/v1/health/node/nobody"),
        Step("no node", "GET", "/v1/health/node/"),
        Step("the checks of a service", "GET", "/v1/health/checks/web"),
        Step("the checks of an unknown service", "GET", "/v1/health/checks/nobody"),
        Step("the checks by node meta", "GET", "/v1/health/checks/web?node-meta=rack:n1"),
        Step("no service for checks", "GET", "/v1/health/checks/"),
        Step("checks in any state", "GET", "/v1/health/state/any"),
        Step("passing checks", "GET", "/v1/health/state/passing"),
        Step("warning checks", "GET", "/v1/health/state/warning"),
        Step("critical checks", "GET", "/v1/health/state/critical"),
        Step("a state that is none", "GET", "/v1/health/state/fine"),
        Step("an empty state", "GET", "/v1/health/state/"),
        Step("a state by node meta", "GET", "/v1/health/state/any?node-meta=rack:n3"),
        Step("no proxies yet", "GET", "/v1/health/connect/web"),
        Step(
            "a proxy with a check",
            "PUT",
            REGISTER,
            {
                "Node": "n1",
                "Address": "192.0.2.1",
                "SkipNodeUpdate": True,
                "Service": {
                    "Kind": "connect-proxy",
                    "ID": "web-proxy",
                    "Service": "web-proxy",
                    "Port": 21000,
                    "Proxy": {"DestinationServiceName": "web", "LocalServicePort": 1001},
                },
                "Check": {"CheckID": "proxy-alive", "Name": "proxy", "Status": "critical", "ServiceID": "web-proxy"},
            },
        ),
        Step("connect shows the proxy", "GET", "/v1/health/connect/web"),
        Step("connect shows only passing", "GET", "/v1/health/connect/web?passing"),
        Step("no name for connect", "GET", "/v1/health/connect/"),
        Step(
            "a check changes",
            "PUT",
            REGISTER,
            {
                "Node": "n3",
                "Address": "192.0.2.3",
                "SkipNodeUpdate": True,
                "Check": {"CheckID": "alive-n3", "Name": "alive", "Status": "passing", "ServiceID": "web-n3"},
            },
        ),
        Step("it is passing now", "GET", "/v1/health/service/web?passing"),
        Step("service takes no PUT", "PUT", "/v1/health/service/web"),
        Step("state takes no POST", "POST", "/v1/health/state/any"),
        Step("node takes no DELETE", "DELETE", "/v1/health/node/n1"),
        Step("a node goes", "PUT", "/v1/catalog/deregister", {"Node": "n2"}),
        Step("its instance is gone", "GET", "/v1/health/service/web?tag=b"),
    ),
)
