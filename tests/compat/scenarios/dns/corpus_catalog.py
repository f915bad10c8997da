"""The catalog that the corpus is asked about: one of every kind of node and instance that DNS shows."""

from tests.compat.scenarios.dns.registrations import instance, node
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Step

__all__ = ["CATALOG", "FIVE", "LONG", "LONG_NAME", "MANY"]

_FIRST = 10
"""Numbers have two digits, so that no name or address is the beginning of another one."""
_MANY_COUNT = 40
_FIVE_COUNT = 5
_LONG_COUNT = 12

LONG_NAME = "name-of-a-service-that-takes-much-room-in-every-message-it-is-in"[:60]
_LONG_NODE = "name-of-a-node-that-takes-much-room-too"


def _numbers(count: int) -> range:
    return range(_FIRST, _FIRST + count)


def _choice(nodes: str, addresses: str, count: int) -> tuple[str, ...]:
    """Texts that stand in records of one of many instances: its node's name, and its address."""
    return tuple(text for one in _numbers(count) for text in (f"{nodes}{one}.node", f" {addresses}{one}"))


FIVE = _choice("five", "192.0.2.1", _FIVE_COUNT)
MANY = _choice("many", "198.51.100.1", _MANY_COUNT)
LONG = _choice(_LONG_NODE, "203.0.113.1", _LONG_COUNT)


def _one(name: str, number: int, service: dict[str, Json], status: str = "passing", **node_fields: Json) -> Step:
    return instance(name, f"10.1.0.{number}", {"Port": 8000 + number, **service}, status, **node_fields)


def _check(node_name: str, address: str, check: str, status: str) -> Step:
    body: dict[str, Json] = {
        "Node": node_name,
        "Address": address,
        "Check": {"CheckID": check, "Name": check, "Status": status},
    }
    return Step(f"{check} of {node_name}", "PUT", "/v1/catalog/register", body)


_NODES = (
    node("plain", "10.0.0.1"),
    node("meta", "10.0.0.2", NodeMeta={"rack": "7", "rfc1035-raw": "v=1 raw", "empty": "", "a": "b=c`d"}),
    node("six", "2001:db8::3"),
    node("host", "node.example.com"),
    node("dotted.name", "10.0.0.5"),
    node("under_score", "10.0.0.6"),
    node("Capital", "10.0.0.7"),
    node("tagged", "10.0.0.8", TaggedAddresses={"lan": "10.0.0.88", "wan": "198.51.100.8"}),
    node("alias", "10.0.0.1"),
    node("service", "10.0.0.11"),
    node("node", "10.0.0.12"),
    node("long-meta", "10.0.0.13", NodeMeta={"words": "x" * 200}),
)

_INSTANCES = (
    _one("w1", 1, {"Service": "web", "Tags": ["primary", "v1.2"], "Address": "10.2.0.1"}),
    _one("w2", 2, {"Service": "web", "Tags": ["Second"]}, "warning", NodeMeta={"rack": "8"}),
    _one("w3", 3, {"Service": "web", "Tags": ["third"]}, "critical"),
    _one("wa", 4, {"Service": "web-admin", "Weights": {"Passing": 5, "Warning": 2}}),
    _one("wb", 5, {"Service": "web-api-v2", "Weights": {"Passing": 5, "Warning": 2}}, "warning"),
    _one("h1", 6, {"Service": "hosted", "Address": "host.example.com"}),
    _one("h2", 7, {"Service": "inside", "Address": "meta.node.consul"}),
    _one("h3", 8, {"Service": "behind", "Address": "web-admin.service.consul"}),
    instance("six-node", "2001:db8::61", {"Service": "six", "Port": 8061}),
    _one("s4", 9, {"Service": "six-at-four", "Address": "2001:db8::62"}),
    _one("d1", 11, {"Service": "dual"}),
    instance("d2", "2001:db8::12", {"Service": "dual", "Port": 8012}),
    _one("mc", 13, {"Service": "MixedCase", "Tags": ["TagCase"]}),
    _one("us", 14, {"Service": "under_score", "Tags": ["tag_score"]}),
    _one("pz", 15, {"Service": "portless", "Port": 0}),
    _one("px", 16, {"Service": "porthigh", "Port": 65535, "Weights": {"Passing": 65535, "Warning": 1}}),
    _one("db", 17, {"Service": "db", "Tags": ["master"]}),
    _one(
        "db",
        17,
        {
            "ID": "db-proxy",
            "Service": "db-proxy",
            "Kind": "connect-proxy",
            "Port": 9017,
            "Proxy": {"DestinationServiceName": "db"},
        },
    ),
    _one("nv", 18, {"Service": "native", "Connect": {"Native": True}}),
    _one("tw", 19, {"ID": "twin-1", "Service": "twin", "Port": 8191}),
    _one("tw", 19, {"ID": "twin-2", "Service": "twin", "Port": 8192}),
    _one(
        "ta",
        20,
        {
            "Service": "tagged",
            "Address": "10.2.0.20",
            "TaggedAddresses": {
                "lan": {"Address": "10.2.0.21", "Port": 81},
                "wan": {"Address": "198.51.100.20", "Port": 82},
            },
        },
        TaggedAddresses={"lan": "10.1.0.20", "wan": "198.51.100.22"},
    ),
    _one("gone", 21, {"Service": "down"}, "critical"),
    _one("mt", 22, {"Service": "moving"}),
    _check("mt", "10.1.0.22", "_node_maintenance", "critical"),
    _one("nw", 23, {"Service": "uneasy"}),
    _check("nw", "10.1.0.23", "disk", "warning"),
    _one("consul-like", 24, {"Service": "service"}),
)

CATALOG: tuple[Step, ...] = (
    *_NODES,
    *_INSTANCES,
    *(instance(f"five{one}", f"192.0.2.1{one}", {"Service": "five", "Port": 80}) for one in _numbers(_FIVE_COUNT)),
    *(instance(f"many{one}", f"198.51.100.1{one}", {"Service": "many", "Port": 80}) for one in _numbers(_MANY_COUNT)),
    *(
        instance(f"{_LONG_NODE}{one}", f"203.0.113.1{one}", {"Service": LONG_NAME, "Port": 80})
        for one in _numbers(_LONG_COUNT)
    ),
)
