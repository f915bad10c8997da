"""`/v1/event/*`."""

from tests.support.recorder.scenario import Scenario, Step

_TIME = {"body.*.LTime": "the servers count events, gossip counts its own messages as well"}

SCENARIO = Scenario(
    "events",
    "Events that users fire.",
    (
        Step("no events", "GET", "/v1/event/list"),
        Step("fire", "PUT", "/v1/event/fire/deploy", b"hello", save={"id": "body:ID"}),
        Step("it is listed", "GET", "/v1/event/list", until="aGVsbG8=", omit=_TIME),
        Step("without a payload", "PUT", "/v1/event/fire/deploy"),
        Step("with filters", "PUT", "/v1/event/fire/other?node=web-.*&service=w%5Eb&tag=x", b"1"),
        Step("for this node", "PUT", "/v1/event/fire/mine?node=.*", b"2"),
        Step("a name with a slash", "PUT", "/v1/event/fire/a/b", b"3"),
        Step("only those for this agent", "GET", "/v1/event/list", until="Mw==", omit=_TIME),
        Step("by name", "GET", "/v1/event/list?name=mine", omit=_TIME),
        Step("a name that nobody fired", "GET", "/v1/event/list?name=none"),
        Step("without a name", "PUT", "/v1/event/fire/"),
        Step("a node filter that is no expression", "PUT", "/v1/event/fire/x?node=("),
        Step("a service filter that is no expression", "PUT", "/v1/event/fire/x?service=("),
        Step("a tag filter that is no expression", "PUT", "/v1/event/fire/x?service=a&tag=("),
        Step("a tag filter alone", "PUT", "/v1/event/fire/x?tag=a"),
        Step("a payload that is too large", "PUT", "/v1/event/fire/x", b"x" * 600),
        Step("another datacenter", "PUT", "/v1/event/fire/x?dc=dc2"),
        Step("get is not put", "GET", "/v1/event/fire/x"),
        Step("put is not get", "PUT", "/v1/event/list"),
        Step("waiting for what nobody fires", "GET", "/v1/event/list?name=none&index=1&wait=300ms", waits_ms=250),
    ),
)
