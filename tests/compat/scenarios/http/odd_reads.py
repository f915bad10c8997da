"""Reads of catalog and health with parameters that are wrong, empty, repeated or at odds with each other."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/catalog/register"
NODES, INSTANCES, HEALTH = "/v1/catalog/nodes", "/v1/catalog/service/web", "/v1/health/service/web"
STATE, CHECKS = "/v1/health/state/critical", "/v1/health/checks/web"


def _instance(node: str, address: str, status: str, tags: list[Json]) -> Json:
    return {
        "Node": node,
        "Address": address,
        "NodeMeta": {"rack": node, "os": "linux"},
        "Service": {"ID": f"web-{node}", "Service": "web", "Tags": tags, "Port": 80},
        "Check": {"Name": "alive", "Status": status, "ServiceID": f"web-{node}"},
    }


_SETUP = (
    Step("a passing instance", "PUT", REGISTER, _instance("n1", "192.0.2.1", "passing", ["x", "a"])),
    Step("a critical instance", "PUT", REGISTER, _instance("n2", "192.0.2.2", "critical", ["x"])),
)


def _asked(path: str, *queries: str) -> tuple[Step, ...]:
    return tuple(Step(f"{path}?{query}", "GET", f"{path}?{query}") for query in queries)


def _services(*queries: str) -> tuple[Step, ...]:
    path = "/v1/catalog/services"
    return tuple(Step(f"{path}?{query}", "GET", f"{path}?{query}", unordered=("body.*",)) for query in queries)


def _controlled(path: str, *controls: str) -> tuple[Step, ...]:
    return tuple(
        Step(f"{path} and Cache-Control: {control}", "GET", path, headers={"Cache-Control": control})
        for control in controls
    )


_NEAR = ("near=", "near", "near=nobody", "near=_ip", "near=n1&near=nobody")
_META = (
    "node-meta=",
    "node-meta",
    "node-meta=rack",
    "node-meta=:n1",
    "node-meta=rack:",
    "node-meta=RACK:n1",
    "node-meta=rack:n1&node-meta=os:linux",
    "node-meta=rack:n1&node-meta=os:bsd",
    "node-meta=rack:n1&node-meta=rack:n2",
    "node-meta=rack:n1:x",
    "node-meta=rack:n1&node-meta=",
)
_INDEX = (
    "index=",
    "index=0",
    "index=-1",
    "index=%2B1",
    "index=1.5",
    "index=0x10",
    "index=18446744073709551616",
    "index=1&index=red",
)
_WAIT = ("wait=", "wait=red", "wait=5", "wait=-1s", "wait=5x", "wait=.5s", "wait=0", "wait=1s&wait=red", "wait=%201s")
_MODES = (
    "stale=false",
    "consistent=false",
    "stale=false&consistent=false",
    "max_stale=",
    "max_stale=red",
    "max_stale=-5s",
    "max_stale=0s&consistent",
    "max_stale=10s&consistent",
    "max_stale=red&consistent",
    "cached&consistent",
    "cached&stale",
    "cached&stale&consistent",
    "cached=false&consistent",
    "cached&index=red",
    "cached&dc=elsewhere",
)
_PLACES = (
    "dc=",
    "dc",
    "dc=dc1",
    "dc=DC1",
    "dc=%20",
    "dc=elsewhere&dc=dc1",
    "ns=",
    "ns=default",
    "ns=Default",
    "ns=other",
    "ns=default&ns=other",
)
_FORMS = (
    "",
    "&&",
    ";",
    "=x",
    "near=;passing",
    "pretty=false",
    "index=red&wait=red",
    "index=red&near=nobody",
    "stale&consistent&index=red",
)
_CONTROLS = (
    "max-age",
    "max-age=",
    "max-age=-1",
    "max-age=1.5",
    "max-age=5s",
    "MAX-AGE=5",
    "max-age=5, stale-if-error=5",
    "max-age=5,stale-if-error=red",
    "stale-if-error",
    "no-cache",
    "must-revalidate=5",
    "max-age = 5",
    "max-age=99999999999999999999",
    ", ,",
)

SCENARIO = Scenario(
    "odd_catalog",
    "Reads of the catalog with wrong, empty, repeated and conflicting parameters.",
    (
        *_SETUP,
        *_asked(NODES, *_META, *_NEAR),
        *_asked(INSTANCES, *_META[:6], *_NEAR),
        *_services(*_META[:8]),
        *_asked("/v1/catalog/node/n1", *_INDEX[2:4], *_WAIT[1:3], *_MODES[4:8], "node-meta=rack:n2", "near=nobody"),
        *_asked("/v1/catalog/node-services/n1", *_INDEX[2:4], *_MODES[4:8], "node-meta=rack:n2"),
        *_asked("/v1/catalog/datacenters", "cached", *_INDEX[2:4], *_WAIT[1:3], *_MODES, "dc=elsewhere"),
        *_services(*_MODES[4:12], *_INDEX[2:4]),
        *_asked("/v1/catalog/connect/web", "tag=x", "near=nobody", *_MODES[8:11]),
        *_asked(INSTANCES, "tag=&tag=x", "tag=x&tag=A", "tag", "passing"),
    ),
)

HEALTH_READS = Scenario(
    "odd_health",
    "Reads of health with wrong, empty, repeated and conflicting parameters.",
    (
        *_SETUP,
        *_asked(HEALTH, *_META, *_NEAR, *_INDEX, *_WAIT, *_MODES, *_PLACES, *_FORMS),
        *_asked(
            STATE,
            "node-meta=",
            "node-meta=rack:n2",
            "node-meta=rack",
            "near=nobody",
            *_INDEX[2:5],
            *_WAIT[1:4],
            *_PLACES[:3],
        ),
        *_asked(CHECKS, "node-meta=", "node-meta=rack:n2", "near=nobody", *_MODES[4:8], *_PLACES[7:]),
        *_asked(
            "/v1/health/node/n1", *_INDEX[2:4], *_WAIT[1:3], *_MODES[4:8], "node-meta=rack:n2", "near=nobody", "tag=zzz"
        ),
        *_asked(
            HEALTH,
            "passing=",
            "passing=2",
            "passing=TRUE",
            "passing=no",
            "passing=true&passing=false",
            "passing=false&passing",
            "passing=red&dc=elsewhere",
            "passing=red&index=red",
            "passing=red&cached",
            "passing=red&filter=%28",
            "tag=&tag=x",
            "tag=x&tag=x",
            "tag",
            "tag=x&tag=",
            "tag=x,a",
        ),
        *_asked("/v1/health/connect/web", "passing=red", "passing", "tag=zzz"),
    ),
)

FORMS = Scenario(
    "odd_requests",
    "Reads with odd headers, paths and methods.",
    (
        *_SETUP,
        *_controlled(f"{HEALTH}?cached", *_CONTROLS),
        *_controlled(HEALTH, *_CONTROLS[:6]),
        *_controlled("/v1/catalog/datacenters?cached", *_CONTROLS),
        *_controlled("/v1/kv/nothing", "max-age=red"),
        *_controlled("/v1/agent/services", "max-age=red"),
        *(
            Step(f"the path {path}", "GET", path)
            for path in (
                "/v1/health/service/WEB",
                "/v1/health/service/web/",
                "/v1/health/service/web/x",
                "/v1/health/service/web%2Fx",
                "/v1/health/service/%77eb",
                "/v1/health/service/web%20",
                "/v1/health/service/w%C3%A9b",
                "/v1/health/node/N1",
                "/v1/health/node/n1/",
                "/v1/health/state/CRITICAL",
                "/v1/health/state/critical/",
                "/v1/health/state/Any",
                "/v1/catalog/node/N1",
                "/v1/catalog/node/n1/",
                "/v1/catalog/service/WEB",
                "/v1/catalog/nodes/",
                "/v1/catalog/nodes/n1",
                "/v1/catalog/services/",
                "/v1/catalog/datacenters/",
                "/v1/catalog//nodes",
                "/v1/health",
                "/v1/health/",
                "/v1/health/service",
                "/v1/catalog",
                "/V1/catalog/nodes",
                "/v1/catalog/Nodes",
            )
        ),
        *(
            Step(f"{method} {path}", method, path)
            for method, path in (
                ("HEAD", NODES),
                ("HEAD", f"{HEALTH}?index=red"),
                ("POST", NODES),
                ("PUT", INSTANCES),
                ("DELETE", "/v1/catalog/datacenters"),
                ("PATCH", "/v1/catalog/services"),
                ("GET", REGISTER),
                ("GET", "/v1/catalog/deregister"),
                ("POST", "/v1/catalog/connect/web"),
                ("PUT", "/v1/health/connect/web"),
                ("PUT", CHECKS),
                ("OPTIONS", HEALTH),
                ("TRACE", NODES),
                ("COLOUR", NODES),
            )
        ),
        Step("a body where none is wanted", "GET", NODES, {"Filter": "Node == n1"}),
        Step("a namespace by header", "GET", HEALTH, headers={"X-Consul-Namespace": "other"}),
        Step("the default namespace by header", "GET", HEALTH, headers={"X-Consul-Namespace": "default"}),
    ),
)
