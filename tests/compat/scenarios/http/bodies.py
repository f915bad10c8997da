"""Bodies of every endpoint that takes JSON: names of members in other cases, unknown and repeated ones, wrong types."""

from collections.abc import Iterator
from typing import TypeAlias

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_Body: TypeAlias = "Json | bytes"

_NODE: dict[str, Json] = {"Node": "n", "Address": "192.0.2.1"}

_BODIES: dict[str, tuple[str, dict[str, _Body]]] = {
    "a catalog registration": (
        "/v1/catalog/register",
        {
            "empty": b"",
            "spaces": b"  \n",
            "null": None,
            "a list": [],
            "cut short": b'{"Node": "n"',
            "with garbage behind it": b'{"Node": "n", "Address": "192.0.2.1"} garbage',
            "in small letters": {"node": "n", "address": "192.0.2.1", "nodemeta": {"a": "b"}},
            "in capitals": {"NODE": "n", "ADDRESS": "192.0.2.1"},
            "with an unknown member": {**_NODE, "Colour": "red"},
            "with an unknown member in a service": {**_NODE, "Service": {"Service": "s", "Colour": 1}},
            "with an unknown member in a check": {**_NODE, "Check": {"Name": "c", "Colour": 1}},
            "with a member twice": b'{"Node": "m", "Node": "n", "Address": "192.0.2.1"}',
            "with nulls": {
                **_NODE, "ID": None, "TaggedAddresses": None, "NodeMeta": None, "Service": None, "Check": None,
                "Checks": None, "SkipNodeUpdate": None, "Datacenter": None,
            },
            "with an address as a number": {"Node": "n", "Address": 1},
            "with a node as a mapping": {"Node": {}, "Address": "192.0.2.1"},
            "with a service as a list": {**_NODE, "Service": []},
            "with a port as a text": {**_NODE, "Service": {"Service": "s", "Port": "80"}},
            "with meta as a list": {**_NODE, "NodeMeta": []},
            "with a meta value as a number": {**_NODE, "NodeMeta": {"a": 1}},
            "with checks as a mapping": {**_NODE, "Checks": {}},
            "with a check's definition": {
                **_NODE,
                "Check": {
                    "CheckID": "c", "Name": "c", "Status": "passing",
                    "Definition": {
                        "HTTP": "http://x/", "Interval": "10s", "Timeout": 1000000000, "TLSSkipVerify": True,
                        "Header": {"a": ["b"]}, "DeregisterCriticalServiceAfter": "90m",
                    },
                },
            },
            "with a check's definition of an older form": {
                **_NODE,
                "Check": {
                    "CheckID": "c2", "Name": "c2", "Status": "passing",
                    "Definition": {"IntervalDuration": "10s", "TimeoutDuration": "1s"},
                },
            },
            "with a bad duration": {
                **_NODE, "Check": {"Name": "c3", "Definition": {"Interval": "ten"}},
            },
            "with a truth value as a text": {**_NODE, "SkipNodeUpdate": "true"},
            "with indexes of its own": {**_NODE, "Service": {"Service": "s", "CreateIndex": 1, "ModifyIndex": 2}},
        },
    ),
    "a catalog deregistration": (
        "/v1/catalog/deregister",
        {
            "empty": b"",
            "null": None,
            "in small letters": {"node": "none"},
            "with an unknown member": {"Node": "none", "Colour": "red"},
            "with a service as a number": {"Node": "none", "ServiceID": 1},
        },
    ),
    "a session": (
        "/v1/session/create",
        {
            "empty": b"",
            "null": None,
            "in small letters": {"name": "s", "ttl": "10s", "behavior": "delete", "lockdelay": "1s"},
            "with a lock delay in nanoseconds": {"LockDelay": 2000000000},
            "with a lock delay in seconds": {"LockDelay": 7},
            "with an unknown member": {"Colour": "red"},
            "with a bad lock delay": {"LockDelay": "long"},
            "with a TTL as a number": {"TTL": 10},
            "with a TTL too short": {"TTL": "1s"},
            "with a name as a number": {"Name": 1},
            "with checks as a text": {"Checks": "serfHealth"},
            "with an unknown check": {"Checks": ["none"]},
            "with an unknown behaviour": {"Behavior": "explode"},
            "cut short": b"{",
        },
    ),
    "a check's state": (
        "/v1/agent/check/update/none",
        {
            "empty": b"",
            "null": None,
            "in small letters": {"status": "passing"},
            "with an unknown member": {"Status": "passing", "Colour": 1},
            "with an unknown state": {"Status": "fine"},
            "with a state as a number": {"Status": 1},
        },
    ),
    "an authorization": (
        "/v1/agent/connect/authorize",
        {
            "empty": b"",
            "null": None,
            "in small letters": {
                "target": "web",
                "clientcerturi": "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/a",
            },
            "with an unknown member": {"Target": "web", "Colour": 1},
            "with a target as a list": {"Target": []},
        },
    ),
    "autopilot's configuration": (
        "/v1/operator/autopilot/configuration",
        {
            "empty": b"",
            "null": None,
            "with a duration in nanoseconds": {"LastContactThreshold": 200000000},
            "in small letters": {"cleanupdeadservers": True, "lastcontactthreshold": "200ms"},
            "with a bad duration": {"LastContactThreshold": "long"},
            "with a truth value as a text": {"CleanupDeadServers": "yes"},
            "with an unknown member": {"Colour": 1},
        },
    ),
    "a configuration of the CA": (
        "/v1/connect/ca/configuration",
        {
            "empty": b"",
            "null": None,
            "with a provider as a number": {"Provider": 1},
            "with an unknown member": {"Provider": "consul", "Colour": 1},
        },
    ),
    "an event": (
        "/v1/event/fire/e",
        {"empty": b"", "of any bytes": b"\x00\xff"},
    ),
}  # fmt: skip


_DIFFERS: dict[str, str] = dict.fromkeys(
    ("status", "headers", "content", "body"), "Consul ends the connection without a word"
)


def _steps() -> Iterator[Step]:
    for what, (path, bodies) in _BODIES.items():
        for how, body in bodies.items():
            sent = b"null" if body is None else body
            omit = {"body.ID": "made anew"} if what == "a session" else {}
            differs = _DIFFERS if (what, how) == ("a configuration of the CA", "null") else {}
            yield Step(f"{what}: {how}", "PUT", path, sent, omit=omit, differs=differs)


SCENARIO = Scenario(
    "bodies",
    "Bodies of the endpoints that take JSON.",
    (
        *_steps(),
        Step("what came of it: nodes", "GET", "/v1/catalog/nodes"),
        Step("what came of it: a node", "GET", "/v1/catalog/node/n"),
        Step(
            "what came of it: checks",
            "GET",
            "/v1/health/node/n",
            differs={
                f"body.1.Definition.{name}": "by their later names Consul takes numbers alone"
                for name in ("Interval", "Timeout")
            },
        ),
        Step("what came of it: sessions", "GET", "/v1/session/list", unordered=("body",)),
        Step("what came of it: autopilot", "GET", "/v1/operator/autopilot/configuration"),
    ),
)
