"""Odd inputs of sessions and of events: what is read of them, and what is refused."""

from collections.abc import Iterator

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_CREATE = "/v1/session/create"
_INFO = "/v1/session/info/$one"
_FIRE = "/v1/event/fire"

_NO_DURATION = "a lock delay that is none is refused; Consul overlooks it, and the locks of the session delay nobody"
_OVERFLOW = "a lock delay below zero is one; Consul takes it for seconds, and 64 bits do not hold that many nanoseconds"
_BOUND = "the name of a session has a bound"
_NO_CHECK = "a check that is null is refused; Consul makes a session that depends on serfHealth instead"
_WHOLE: tuple[str, ...] = ("status", "headers.Content-Type", "content", "body")

_SHOWN: dict[str, dict[str, Json]] = {
    "a lock delay above the bound": {"LockDelay": "61s"},
    "a lock delay in hours": {"LockDelay": "1h30m"},
    "a lock delay of a second and a half": {"LockDelay": 1.5},
    "a lock delay of just less than a microsecond": {"LockDelay": 999},
    "a lock delay of a microsecond": {"LockDelay": 1000},
    "a lock delay of nothing": {"LockDelay": None},
    "a lock delay in small letters": {"lockdelay": "5s"},
    "an empty TTL": {"TTL": ""},
    "a TTL of nothing": {"TTL": None},
    "a TTL of half a minute": {"TTL": "0.5m"},
    "the longest TTL": {"TTL": "24h"},
    "the longest TTL in milliseconds": {"TTL": "86400000ms"},
    "a TTL of 0 without a unit": {"TTL": "0"},
    "a behaviour of nothing": {"Behavior": None},
    "a behaviour in small letters": {"behavior": "delete"},
    "a name of nothing": {"Name": None},
    "a node in capitals": {"Node": "JUDGE"},
    "a node of nothing": {"Node": None},
    "one check twice": {"Checks": ["serfHealth", "serfHealth"]},
    "checks by both names": {"Checks": ["serfHealth"], "NodeChecks": ["serfHealth"]},
}
_REFUSED: dict[str, dict[str, Json]] = {
    "a lock delay without a unit": {"LockDelay": "15"},
    "an empty lock delay": {"LockDelay": ""},
    "a TTL below zero": {"TTL": "-1s"},
    "a TTL with a blank": {"TTL": "10s "},
    "a TTL a nanosecond too long": {"TTL": "24h1ns"},
    "a TTL a millisecond too short": {"TTL": "9999ms"},
    "a TTL without a unit": {"TTL": "10"},
    "a behaviour in other letters": {"Behavior": "Delete"},
    "a behaviour in capitals": {"Behavior": "RELEASE"},
    "a behaviour as a number": {"Behavior": 1},
    "a name as a number": {"Name": 1},
    "a node as a number": {"Node": 1},
    "checks as a text": {"Checks": "serfHealth"},
    "checks as numbers": {"Checks": [1]},
    "checks as an object": {"Checks": {}},
    "a check without a name": {"Checks": [""]},
    "a check of the node that is not there": {"NodeChecks": ["nope"]},
    "checks of services as texts": {"ServiceChecks": ["x"]},
    "a check of a service that is not there": {"ServiceChecks": [{"ID": "x"}]},
    "a check of a service without an id": {"ServiceChecks": [{"Namespace": "default"}]},
}
_DIFFERENT: dict[str, tuple[dict[str, Json], str]] = {
    "a lock delay as a truth value": ({"LockDelay": True}, _NO_DURATION),
    "a lock delay as a list": ({"LockDelay": [1]}, _NO_DURATION),
    "a lock delay as an object": ({"LockDelay": {}}, _NO_DURATION),
    "a name of ten thousand characters": ({"Name": "x" * 10_000}, _BOUND),
    "a check that is null": ({"Checks": [None]}, _NO_CHECK),
}
_FILTERS = {
    "an open bracket": "node=%5B",
    "a group that is open, given second": "node=a&node=(",
    "an open bracket for services": "service=%5Ba",
    "an open bracket for tags": "service=w&tag=%5Ba",
    "a group with a name": "node=(%3FP%3Cx%3Ea)",
    "a look ahead": "node=a(%3F%3Db)",
    "a reference back": "node=%5C1",
    "too many repetitions": "node=a%7B1001%7D",
    "a class that is none": "node=%5Cpz",
    "three that are good": "service=w&tag=a&node=b",
}


def _sessions() -> Iterator[Step]:
    for what, body in _SHOWN.items():
        yield Step(what, "PUT", _CREATE, body, save={"one": "body:ID"})
        yield Step(f"{what} is shown", "GET", _INFO)
    yield Step("a lock delay below zero", "PUT", _CREATE, {"LockDelay": "-5s"}, save={"one": "body:ID"})
    yield Step("a lock delay below zero is shown", "GET", _INFO, differs={"body.0.LockDelay": _OVERFLOW})
    for what, body in _REFUSED.items():
        yield Step(what, "PUT", _CREATE, body)
    for what, content in {"a number": b"1", "a text": b'"x"', "an end too early": b'{"TTL":"15s"'}.items():
        yield Step(f"{what} as the body", "PUT", _CREATE, content)


def _refused_here_alone() -> Iterator[Step]:
    """At the end: an id that only one of the two hands out would shift all that come after it."""
    for what, (body, reason) in _DIFFERENT.items():
        yield Step(what, "PUT", _CREATE, body, differs=dict.fromkeys(_WHOLE, reason))


def _in_capitals() -> Iterator[Step]:
    yield Step("a session to name in capitals", "PUT", _CREATE, save={"one": "body:ID"})
    yield Step("it is found in capitals", "GET", "/v1/session/info/$ONE")
    yield Step("it is renewed in capitals", "PUT", "/v1/session/renew/$ONE")
    yield Step("its end in capitals", "PUT", "/v1/session/destroy/$ONE")
    yield Step("it has ended", "GET", _INFO)


def _elsewhere() -> Iterator[Step]:
    for path in ("info/$one", "node/judge", "list"):
        yield Step(f"{path} elsewhere", "GET", f"/v1/session/{path}?dc=nope")
    for path in ("renew/$one", "destroy/$one"):
        yield Step(f"{path} elsewhere", "PUT", f"/v1/session/{path}?dc=nope")
    for path in ("info", "node"):
        yield Step(f"{path} without a slash", "GET", f"/v1/session/{path}")
    for path in ("renew", "destroy"):
        yield Step(f"{path} without a slash", "PUT", f"/v1/session/{path}")
    yield Step("info of more than an id", "GET", "/v1/session/info/$one/x")
    yield Step("a node that nobody can be called", "GET", "/v1/session/node/%2e%2e")
    yield Step("an index that is none", "GET", "/v1/session/list?index=x")
    yield Step("two ways at once", "GET", "/v1/session/list?stale&consistent")
    yield Step("a body that nobody reads", "PUT", "/v1/session/destroy/$one", b"garbage")


def _events() -> Iterator[Step]:
    for what, parameters in _FILTERS.items():
        yield Step(f"fired with {what}", "PUT", f"{_FIRE}/f?{parameters}")
    yield Step("a payload of 400 bytes", "PUT", f"{_FIRE}/f", b"x" * 400)
    yield Step("a payload of 480 bytes", "PUT", f"{_FIRE}/f", b"x" * 480)
    yield Step("a payload that is no text", "PUT", f"{_FIRE}/f", b"\xff\x00\xfe")
    yield Step("a name of 600 characters", "PUT", f"{_FIRE}/{'n' * 600}")
    yield Step("a name with a blank", "PUT", f"{_FIRE}/a%20b", b"1")
    yield Step("a name beyond ASCII", "PUT", f"{_FIRE}/%C3%A9", b"1")
    yield Step("a service that is here", "PUT", f"{_FIRE}/here?service=consul", b"1")
    yield Step("and one of which only the beginning is given", "PUT", f"{_FIRE}/begun?service=cons", b"1")
    yield Step("a tag that is not here", "PUT", f"{_FIRE}/tagged?service=consul&tag=x", b"1")
    yield Step("a node that is not here", "PUT", f"{_FIRE}/node?node=zzz", b"1")
    yield Step("the last one", "PUT", f"{_FIRE}/last", b"1")
    omit = {"body.*.LTime": "the servers count events, gossip counts its own messages as well"}
    yield Step("those for this agent", "GET", "/v1/event/list", until="last", omit=omit)
    yield Step("an index of events that is none", "GET", "/v1/event/list?index=x")
    yield Step("a wait for events that is none", "GET", "/v1/event/list?wait=x")
    yield Step("fire without a slash", "PUT", "/v1/event/fire")


SCENARIO = Scenario(
    "odd_sessions",
    "Odd inputs of sessions and events.",
    (*_sessions(), *_in_capitals(), *_elsewhere(), *_events(), *_refused_here_alone()),
)
