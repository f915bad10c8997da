"""Maintenance of node and services, and the agent's own view of the health of its services."""

from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/agent/service/register"

SCENARIO = Scenario(
    "agent_maintenance",
    "Maintenance, and /v1/agent/health.",
    (
        Step(
            "a passing instance",
            "PUT",
            REGISTER,
            {"ID": "web-1", "Name": "web", "Port": 80, "Check": {"TTL": "90s", "Status": "passing"}},
        ),
        Step(
            "a warning instance",
            "PUT",
            REGISTER,
            {"ID": "web-2", "Name": "web", "Port": 81, "Check": {"TTL": "90s", "Status": "warning"}},
        ),
        Step(
            "a critical instance",
            "PUT",
            REGISTER,
            {"ID": "web-3", "Name": "web", "Port": 82, "Check": {"TTL": "90s", "Status": "critical"}},
        ),
        Step("an instance without checks", "PUT", REGISTER, {"ID": "free", "Name": "free", "Port": 83}),
        Step("passing by id is 200", "GET", "/v1/agent/health/service/id/web-1", unordered=("body.Checks",)),
        Step("warning by id is 429", "GET", "/v1/agent/health/service/id/web-2", unordered=("body.Checks",)),
        Step("critical by id is 503", "GET", "/v1/agent/health/service/id/web-3", unordered=("body.Checks",)),
        Step("unknown by id is 404", "GET", "/v1/agent/health/service/id/nobody"),
        Step("an empty id", "GET", "/v1/agent/health/service/id/"),
        Step("passing by id as text", "GET", "/v1/agent/health/service/id/web-1?format=text", exact_text=True),
        Step("warning by id as text", "GET", "/v1/agent/health/service/id/web-2?format=text", exact_text=True),
        Step("critical by id as text", "GET", "/v1/agent/health/service/id/web-3?format=text", exact_text=True),
        Step("unknown by id as text", "GET", "/v1/agent/health/service/id/nobody?format=text", exact_text=True),
        Step(
            "text by the Accept header",
            "GET",
            "/v1/agent/health/service/id/web-1",
            unordered=("body.Checks",),
            headers={"Accept": "text/plain"},
        ),
        Step("no checks is passing", "GET", "/v1/agent/health/service/id/free", unordered=("body.Checks",)),
        Step(
            "by name the worst counts", "GET", "/v1/agent/health/service/name/web", unordered=("body", "body.*.Checks")
        ),
        Step("by name as text", "GET", "/v1/agent/health/service/name/web?format=text", exact_text=True),
        Step("unknown by name is 404", "GET", "/v1/agent/health/service/name/nobody"),
        Step("unknown by name as text", "GET", "/v1/agent/health/service/name/nobody?format=text", exact_text=True),
        Step("an empty name", "GET", "/v1/agent/health/service/name/"),
        Step("health takes no PUT", "PUT", "/v1/agent/health/service/id/web-1"),
        Step("an unknown format", "GET", "/v1/agent/health/service/id/web-1?format=xml"),
        Step(
            "a service goes into maintenance with a reason",
            "PUT",
            "/v1/agent/service/maintenance/web-1?enable=true&reason=new%20disks",
        ),
        Step("maintenance is a check", "GET", "/v1/agent/checks"),
        Step("maintenance by id", "GET", "/v1/agent/health/service/id/web-1", unordered=("body.Checks",)),
        Step("maintenance by id as text", "GET", "/v1/agent/health/service/id/web-1?format=text", exact_text=True),
        Step("the catalog learns of maintenance", "GET", "/v1/health/checks/web", until="new disks"),
        Step(
            "maintenance again changes nothing", "PUT", "/v1/agent/service/maintenance/web-1?enable=true&reason=other"
        ),
        Step(
            "the first reason stays",
            "GET",
            "/v1/agent/checks",
            only=("_service_maintenance:web-1",),
        ),
        Step("maintenance ends", "PUT", "/v1/agent/service/maintenance/web-1?enable=false"),
        Step("its check is gone", "GET", "/v1/agent/health/service/id/web-1", unordered=("body.Checks",)),
        Step("ending what is not on", "PUT", "/v1/agent/service/maintenance/web-1?enable=false"),
        Step("maintenance without a reason", "PUT", "/v1/agent/service/maintenance/web-2?enable=true"),
        Step(
            "a default reason is given",
            "GET",
            "/v1/agent/checks",
            only=("_service_maintenance:web-2",),
        ),
        Step("maintenance needs enable", "PUT", "/v1/agent/service/maintenance/web-1"),
        Step("maintenance needs a truth value", "PUT", "/v1/agent/service/maintenance/web-1?enable=perhaps"),
        Step("maintenance of an unknown service", "PUT", "/v1/agent/service/maintenance/nobody?enable=true"),
        Step("maintenance of no service", "PUT", "/v1/agent/service/maintenance/?enable=true"),
        Step("maintenance takes no GET", "GET", "/v1/agent/service/maintenance/web-1?enable=true"),
        Step("the node goes into maintenance", "PUT", "/v1/agent/maintenance?enable=true&reason=moving"),
        Step(
            "node maintenance is a check of the node",
            "GET",
            "/v1/agent/checks",
            only=("_node_maintenance",),
        ),
        Step(
            "node maintenance reaches services", "GET", "/v1/agent/health/service/id/free", unordered=("body.Checks",)
        ),
        Step("the catalog learns of node maintenance", "GET", "/v1/health/node/judge", until="moving"),
        Step("node maintenance ends", "PUT", "/v1/agent/maintenance?enable=false"),
        Step("node maintenance is over", "GET", "/v1/agent/checks", only=("_node_maintenance",)),
        Step("node maintenance without a reason", "PUT", "/v1/agent/maintenance?enable=true"),
        Step("a default reason for the node", "GET", "/v1/agent/checks", only=("_node_maintenance",)),
        Step("node maintenance needs enable", "PUT", "/v1/agent/maintenance"),
        Step("node maintenance needs a truth value", "PUT", "/v1/agent/maintenance?enable=2"),
        Step("node maintenance takes no GET", "GET", "/v1/agent/maintenance?enable=true"),
    ),
)
