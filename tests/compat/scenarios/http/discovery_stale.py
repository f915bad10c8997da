"""Reads of the catalog where the configuration says that they may be stale unless they ask for the leader."""

from tests.support.recorder.scenario import Scenario, Step

SCENARIO = Scenario(
    "discovery-stale",
    "discovery_max_stale: reads of the catalog and of health are stale by default.",
    (
        Step("a key", "PUT", "/v1/kv/k", b"v"),
        Step("a list of the catalog", "GET", "/v1/catalog/nodes"),
        Step("datacenters", "GET", "/v1/catalog/datacenters"),
        Step("health", "GET", "/v1/health/service/consul", only=()),
        Step("states", "GET", "/v1/health/state/critical"),
        Step("at the leader", "GET", "/v1/catalog/nodes?leader"),
        Step("consistent", "GET", "/v1/catalog/nodes?consistent"),
        Step("consistent and at the leader", "GET", "/v1/catalog/nodes?consistent&leader"),
        Step("stale", "GET", "/v1/catalog/nodes?stale"),
        Step("stale and at the leader", "GET", "/v1/catalog/nodes?stale&leader"),
        Step("with a bound of its own", "GET", "/v1/catalog/nodes?max_stale=1s"),
        Step("with a bound at the leader", "GET", "/v1/catalog/nodes?max_stale=1s&leader"),
        Step("with a bad bound", "GET", "/v1/catalog/nodes?max_stale=x"),
        Step("kept", "GET", "/v1/catalog/services?cached"),
        Step("kept at the leader", "GET", "/v1/catalog/services?cached&leader"),
        Step("blocking", "GET", "/v1/catalog/services?index=1&wait=1s"),
        Step("a key is not of the catalog", "GET", "/v1/kv/k"),
        Step("sessions are not", "GET", "/v1/session/list"),
        Step("intentions are not", "GET", "/v1/connect/intentions"),
        Step("the service of the agent is not", "GET", "/v1/agent/services"),
    ),
    config={"discovery_max_stale": "10s"},
)
