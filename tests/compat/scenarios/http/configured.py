"""What configuration files define: checks of each kind, by themselves and with a service, and addresses by family."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_FIRST_RUN = "the first run of a check comes at any time"
_OUTPUTS = {"body.*.Output": _FIRST_RUN}
_STATUSES = {**_OUTPUTS, "body.*.Status": _FIRST_RUN}
_IN_CATALOG = {**_STATUSES, "body.*.ModifyIndex": _FIRST_RUN}

_KINDS: dict[str, dict[str, Json]] = {
    "ttl": {"ttl": "90s"},
    "http": {"http": "https://127.0.0.1:1/", "interval": "10m", "tls_skip_verify": True},
    "tcp": {"tcp": "127.0.0.1:1", "interval": "10m"},
    "grpc": {"grpc": "127.0.0.1:1", "grpc_use_tls": True, "interval": "10m"},
    "script": {"args": ["sleep", "300"], "interval": "10m"},
    "docker": {"docker_container_id": "x", "shell": "/bin/sh", "args": ["sleep", "300"], "interval": "10m"},
}


def _checks(prefix: str, **more: Json) -> list[Json]:
    return [{"id": f"{prefix}-{kind}", "name": f"{prefix} {kind}", **more, **fields} for kind, fields in _KINDS.items()]


SCENARIO = Scenario(
    "configured",
    "What configuration files define.",
    (
        Step("checks at the agent", "GET", "/v1/agent/checks", omit=_STATUSES),
        Step("the services at the agent", "GET", "/v1/agent/services"),
        Step(
            "the same check over HTTP has a type",
            "PUT",
            "/v1/agent/check/register",
            {"ID": "late", "Name": "late", "TTL": "90s"},
        ),
        Step("and is shown with it", "GET", "/v1/agent/checks", only=("late",)),
        Step(
            "one of a file can be registered anew",
            "PUT",
            "/v1/agent/check/register",
            {"ID": "node-ttl", "Name": "node ttl", "TTL": "90s"},
        ),
        Step("and has a type then", "GET", "/v1/agent/checks", only=("node-ttl",)),
        Step("checks of the node", "GET", "/v1/health/node/judge", omit=_IN_CATALOG, unordered=("body",), until="late"),
        Step("checks of the service", "GET", "/v1/health/checks/web", omit=_IN_CATALOG, unordered=("body",)),
        Step("the node with its addresses", "GET", "/v1/catalog/node/judge"),
        Step("the addresses of its services", "GET", "/v1/catalog/service/addressed"),
    ),
    config={
        "enable_script_checks": True,
        "advertise_addr_ipv4": "192.0.2.1",
        "advertise_addr_ipv6": "2001:db8::1",
        "advertise_addr_wan_ipv4": "192.0.2.9",
        "checks": [
            *_checks("node"),
            {"id": "node-alias", "name": "node alias", "alias_service": "web"},
            *_checks("owned", service_id="web"),
        ],
        "services": [
            {"name": "web", "port": 80, "checks": [*_checks("web"), {"id": "web-alias", "alias_service": "addressed"}]},
            {"name": "addressed", "port": 81, "address": "192.0.2.33"},
        ],
    },
)
