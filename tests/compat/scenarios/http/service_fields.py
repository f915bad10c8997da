"""Every field of a service definition, by its names: what the agent takes, and what it shows of it everywhere."""

from collections.abc import Iterator

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_REGISTER = "/v1/agent/service/register"

_PROXY: dict[str, Json] = {
    "destination_service_name": "web",
    "destination_service_id": "web-1",
    "local_service_address": "127.0.0.9",
    "local_service_port": 9090,
    "config": {"snake_key": 1, "CamelKey": "two"},
    "upstreams": [
        {
            "destination_type": "service",
            "destination_name": "db",
            "destination_namespace": "default",
            "datacenter": "dc2",
            "local_bind_address": "127.0.0.2",
            "local_bind_port": 9191,
            "config": {"connect_timeout_ms": 5},
            "MeshGateway": {"Mode": "local"},
        },
        {"DestinationType": "prepared_query", "DestinationName": "near", "LocalBindPort": 9192},
    ],
    "MeshGateway": {"Mode": "remote"},
    "expose": {
        "checks": True,
        "paths": [
            {
                "path": "/ready",
                "local_path_port": 8080,
                "listener_port": 21500,
                "protocol": "http2",
                "ParsedFromCheck": False,
            }
        ],
    },
}
_CAMEL_PROXY: dict[str, Json] = {
    "DestinationServiceName": "web",
    "DestinationServiceID": "web-1",
    "LocalServiceAddress": "127.0.0.9",
    "LocalServicePort": 9090,
    "Config": {"a": 1.5},
    "Upstreams": [
        {
            "DestinationType": "service",
            "DestinationName": "db",
            "Datacenter": "dc2",
            "LocalBindAddress": "127.0.0.2",
            "LocalBindPort": 9191,
            "Config": {"b": True},
            "MeshGateway": {"Mode": "none"},
        }
    ],
    "MeshGateway": {"Mode": "local"},
    "Expose": {"Checks": False, "Paths": [{"Path": "/h", "LocalPathPort": 1, "ListenerPort": 2, "Protocol": "http"}]},
}

FIELDS: dict[str, dict[str, Json]] = {
    "tags": {"Tags": ["b", "a", "b"]},
    "tags in small letters": {"tags": ["x"]},
    "an address": {"Address": "192.0.2.7"},
    "an IPv6 address": {"Address": "2001:db8::7", "Port": 80},
    "a port": {"port": 8080},
    "tagged addresses": {
        "TaggedAddresses": {"lan": {"Address": "192.0.2.7", "Port": 1}, "wan": {"address": "198.51.100.7", "port": 2}}
    },
    "tagged addresses in snake case": {"tagged_addresses": {"own": {"address": "192.0.2.8"}}},
    "meta": {"Meta": {"key": "value", "Key_2": ""}},
    "weights": {"Weights": {"Passing": 5, "Warning": 0}},
    "weights in small letters": {"weights": {"passing": 7, "warning": 3}},
    "weights with one alone": {"Weights": {"Passing": 2}},
    "tag override": {"EnableTagOverride": True},
    "tag override in snake case": {"enable_tag_override": True},
    "a token": {"Token": "anonymous"},
    "a namespace of the default": {"Namespace": "default"},
    "a native service": {"Connect": {"Native": True}},
    "a native service in small letters": {"connect": {"native": True}},
    "a proxy": {"Kind": "connect-proxy", "Port": 1, "Proxy": _CAMEL_PROXY},
    "a proxy in snake case": {"kind": "connect-proxy", "port": 1, "proxy": _PROXY},
    "a mesh gateway": {"Kind": "mesh-gateway", "Port": 443, "Proxy": {"Config": {"x": 1}}},
    "a terminating gateway": {"Kind": "terminating-gateway", "Port": 443},
    "an ingress gateway": {"Kind": "ingress-gateway", "Port": 443},
    "an unknown kind": {"Kind": "teapot"},
    "a sidecar in snake case": {
        "port": 7000,
        "connect": {
            "sidecar_service": {
                "port": 7001, "proxy": {"upstreams": [{"destination_name": "q", "local_bind_port": 9193}]},
            }
        },
    },
    "a sidecar in snake case without a port for its upstream": {
        "connect": {"sidecar_service": {"port": 7002, "proxy": {"upstreams": [{"destination_name": "q"}]}}},
    },
    "create and modify indexes": {"CreateIndex": 7, "ModifyIndex": 9},
    "the definition of the catalog": {"Service": "x", "ServiceName": "y"},
    "an unknown field": {"Colour": "red"},
    "an unknown field within weights": {"Weights": {"Passing": 1, "Failing": 1}},
    "an unknown field within a proxy": {"Kind": "connect-proxy", "Port": 1, "Proxy": {"Colour": 1}},
    "an unknown field within connect": {"Connect": {"Colour": 1}},
    "an unknown field within an upstream": {
        "Kind": "connect-proxy", "Port": 1,
        "Proxy": {"DestinationServiceName": "a", "Upstreams": [{"DestinationName": "x", "Colour": 1}]},
    },
    "a tag that is a number": {"Tags": [1]},
    "a tag that is null": {"Tags": ["a", None]},
    "tags as a text": {"Tags": "a"},
    "a port as a text": {"Port": "80"},
    "a port as a fraction": {"Port": 80.5},
    "a port as a whole float": {"Port": 80.0},
    "a port below zero": {"Port": -1},
    "a port above all": {"Port": 70000},
    "a port of many digits": {"Port": 2**70},
    "an address as a number": {"Address": 1},
    "meta as a list": {"Meta": ["a"]},
    "a meta value that is a number": {"Meta": {"a": 1}},
    "a meta value that is null": {"Meta": {"a": None}},
    "weights as a number": {"Weights": 1},
    "a weight as a text": {"Weights": {"Passing": "1"}},
    "tag override as a text": {"EnableTagOverride": "true"},
    "a name as a number": {"Name": 5},
    "a name that is null": {"Name": None},
    "a name in snake and another in camel": {"name": "snake", "Name": "camel"},
    "connect as a text": {"Connect": "yes"},
    "a proxy as a list": {"Proxy": []},
    "upstreams as a mapping": {"Kind": "connect-proxy", "Port": 1, "Proxy": {"Upstreams": {}}},
    "checks as a mapping": {"Checks": {}},
    "a check as a list": {"Check": []},
    "a check without a kind": {"Check": {"Name": "x"}},
    "an empty check": {"Check": {}},
    "no checks": {"Checks": []},
    "nulls everywhere": {
        "ID": None, "Tags": None, "Address": None, "TaggedAddresses": None, "Meta": None, "Port": None, "Weights": None,
        "EnableTagOverride": None, "Token": None, "Check": None, "Checks": None, "Proxy": None, "Connect": None,
        "Kind": None,
    },
    "checks of both kinds of key": {
        "check": {"ttl": "90s", "name": "one", "checkid": "one-id"},
        "checks": [{"TTL": "80s", "Name": "two", "CheckID": "two-id"}, {"ttl": "70s", "Name": "three"}],
    },
    "a null among the checks": {"Checks": [None]},
    "a null among the upstreams": {"Kind": "connect-proxy", "Port": 1, "Proxy": {"Upstreams": [None]}},
    "an upstream's gateway in snake case": {
        "Kind": "connect-proxy", "Port": 1,
        "Proxy": {
            "DestinationServiceName": "a",
            "Upstreams": [{"DestinationName": "x", "LocalBindPort": 9, "mesh_gateway": {"mode": "local"}}],
        },
    },
    "a check's id in snake case": {"Check": {"ttl": "90s", "check_id": "snake-id"}},
}  # fmt: skip

_SNAKE = "Lictor takes the snake case of every key, where Consul takes it of most"
_WHOLE: tuple[str, ...] = ("status", "headers", "content", "body")
_KIND = "an unknown kind"
_PORTLESS = "a sidecar in snake case without a port for its upstream"
_PANIC = "Consul ends the connection without a word"
_DIFFERS = {
    "a null among the checks": _PANIC,
    "a null among the upstreams": _PANIC,
    _KIND: "a kind that nobody knows is that of a service like any other",
    _PORTLESS: "a proxy cannot listen on no port, sidecar or not",
    "a port as a whole float": "80.0 is a whole number: clients without whole numbers of their own write it so",
    "an upstream's gateway in snake case": _SNAKE,
    "a check's id in snake case": _SNAKE,
}
_IDS = {what: f"s{number:02}" for number, what in enumerate(FIELDS)}


def _steps() -> Iterator[Step]:
    for what, fields in FIELDS.items():
        service_id, reason = _IDS[what], _DIFFERS.get(what, "")
        answer = dict.fromkeys(_WHOLE if reason and what != _KIND else (), reason)
        body = {"ID": service_id, "Name": f"n{service_id[1:]}", **fields}
        yield Step(f"{what}: registered", "PUT", _REGISTER, body, differs=answer)
        shown = {} if reason == _PANIC else {"body.Kind": reason} if what == _KIND else answer
        yield Step(f"{what}: shown", "GET", f"/v1/agent/service/{service_id}", differs=shown)


def _listed() -> Iterator[tuple[str, str]]:
    for what, reason in _DIFFERS.items():
        if reason == _PANIC:
            continue
        yield f"body.{_IDS[what]}" + (".Kind" if what == _KIND else ""), reason
    yield f"body.{_IDS[_PORTLESS]}-sidecar-proxy", _DIFFERS[_PORTLESS]


SCENARIO = Scenario(
    "service_fields",
    "Every field of a service definition.",
    (
        *_steps(),
        Step("all of them at the agent", "GET", "/v1/agent/services", differs=dict(_listed())),
        Step("a tagged one in the catalog", "GET", "/v1/catalog/service/n00", until='"n00"'),
        Step("one with addresses in the catalog", "GET", "/v1/catalog/service/n05", until='"n05"'),
        Step("one with weights in the catalog", "GET", "/v1/catalog/service/n08", until='"n08"'),
        Step("a native one in the catalog", "GET", "/v1/catalog/service/n15", until='"n15"'),
        Step("a proxy in the catalog", "GET", "/v1/catalog/service/n17", until='"n17"'),
        Step("a snake proxy in the catalog", "GET", "/v1/catalog/service/n18", until='"n18"'),
        Step("a proxy for health", "GET", "/v1/health/service/n18", until='"n18"'),
        Step("a gateway for health", "GET", "/v1/health/service/n19", until='"n19"'),
        Step("its checks for health", "GET", "/v1/health/checks/n60", until='"three"', unordered=("body",)),
    ),
)
