"""`?filter=`: expressions that select what an answer holds."""

from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/catalog/register"
SERVICE = "/v1/agent/service/register"

SCENARIO = Scenario(
    "filters",
    "Filters on every list that takes them.",
    (
        Step("a service at the agent", "PUT", SERVICE, {"ID": "a1", "Name": "a", "Tags": ["x"], "Meta": {"k": "v"}}),
        Step("another", "PUT", SERVICE, {"Name": "b", "Port": 5, "Check": {"TTL": "90s", "Status": "warning"}}),
        Step("a node", "PUT", REGISTER, {"Node": "n1", "Address": "192.0.2.1", "NodeMeta": {"rack": "r1"}}),
        Step("the catalog learns of it", "GET", "/v1/health/service/b", until="warning"),
        Step("agent services by name", "GET", "/v1/agent/services?filter=Service%20%3D%3D%20a"),
        Step("agent services by tag", "GET", "/v1/agent/services?filter=%22x%22%20in%20Tags"),
        Step("agent services by meta", "GET", "/v1/agent/services?filter=Meta.k%20%3D%3D%20v"),
        Step("agent services by what they are not", "GET", "/v1/agent/services?filter=not%20Service%20%3D%3D%20a"),
        Step("agent services by port", "GET", "/v1/agent/services?filter=Port%20%21%3D%200"),
        Step("agent services by emptiness", "GET", "/v1/agent/services?filter=Tags%20is%20empty"),
        Step("agent services by a pattern", "GET", "/v1/agent/services?filter=Service%20matches%20%22%5E%5Bbc%5D%22"),
        Step(
            "and, or, parentheses",
            "GET",
            "/v1/agent/services?filter=%28Service%20%3D%3D%20a%20or%20Port%20%3D%3D%205%29%20and%20ID%20%3D%3D%20b",
        ),
        Step("agent checks by state", "GET", "/v1/agent/checks?filter=Status%20%3D%3D%20warning"),
        Step("nodes by meta", "GET", "/v1/catalog/nodes?filter=Meta.rack%20%3D%3D%20r1"),
        Step("a service's instances", "GET", "/v1/catalog/service/b?filter=ServicePort%20%3D%3D%205"),
        Step("a service's instances that do not match", "GET", "/v1/catalog/service/b?filter=ServicePort%20%3D%3D%206"),
        Step(
            "a node's services",
            "GET",
            "/v1/catalog/node/judge?filter=Service%20%3D%3D%20b",
            omit={"body.Node.ModifyIndex": "another loop"},
        ),
        Step("health of a service", "GET", "/v1/health/service/b?filter=Checks.Status%20%3D%3D%20warning"),
        Step("checks of a service", "GET", "/v1/health/checks/b?filter=Status%20%3D%3D%20passing"),
        Step("intentions", "GET", "/v1/connect/intentions?filter=SourceName%20%3D%3D%20web"),
        Step("an expression that ends too early", "GET", "/v1/agent/services?filter=Service%20%3D%3D"),
        Step("an unknown selector", "GET", "/v1/agent/services?filter=Colour%20%3D%3D%20red"),
        Step("an unknown selector of health", "GET", "/v1/health/service/b?filter=Nope%20%3D%3D%201"),
        Step("a value of the wrong type", "GET", "/v1/agent/services?filter=Port%20%3D%3D%20red"),
    ),
)
