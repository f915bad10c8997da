"""`/v1/connect/intentions`."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

ALL = "/v1/connect/intentions"

_TELLS = "Lictor says with this answer, too, which index it is of: it can be waited for"
_INDEX = {f"headers.X-Consul-{name}": _TELLS for name in ("Index", "Knownleader", "Lastcontact")}
_NAMESPACE = "there are no namespaces: a rule for one would never match, and is refused"

_SAME = "whoever replaces an intention by its id in capitals is told by Consul that the intention is there already"
_KEEPS = "an id stays as it was made, whichever way somebody wrote it"


def _in_capitals() -> tuple[Step, ...]:
    """An id of which every letter is a capital one; an id without letters would say nothing."""
    pair: dict[str, Json] = {"SourceName": "capital", "DestinationName": "letters"}
    return (
        Step("one more, to ask for in capitals", "POST", ALL, {**pair, "Action": "allow"}, save={"one": "body:ID"}),
        Step("it is found in capitals", "GET", f"{ALL}/$ONE"),
        Step(
            "it is replaced in capitals",
            "PUT",
            f"{ALL}/$ONE",
            {**pair, "Action": "deny"},
            differs=dict.fromkeys(("status", "headers.Content-Type", "content", "body"), _SAME),
        ),
        Step(
            "it is given another pair in capitals",
            "PUT",
            f"{ALL}/$ONE",
            {**pair, "DestinationName": "others", "Action": "deny"},
        ),
        Step("it is shown with its id", "GET", f"{ALL}/$one", differs={"body.ID": _KEEPS}),
        Step("it is deleted in capitals", "DELETE", f"{ALL}/$ONE"),
        Step("it is gone", "GET", f"{ALL}/$one"),
    )


SCENARIO = Scenario(
    "intentions",
    "Who may talk to whom.",
    (
        Step("no intentions at first", "GET", ALL),
        Step(
            "create answers with an id",
            "POST",
            ALL,
            {"SourceName": "web", "DestinationName": "db", "Action": "allow"},
            save={"id": "body:ID"},
        ),
        Step("one by id", "GET", f"{ALL}/$id"),
        Step(
            "create with everything",
            "POST",
            ALL,
            {
                "SourceNS": "default",
                "SourceName": "*",
                "DestinationNS": "default",
                "DestinationName": "db",
                "SourceType": "consul",
                "Action": "deny",
                "Description": "nobody else",
                "Meta": {"team": "data"},
            },
            save={"wild": "body:ID"},
        ),
        Step(
            "a wildcard destination",
            "POST",
            ALL,
            {"SourceName": "web", "DestinationName": "*", "Action": "deny"},
            save={"out": "body:ID"},
        ),
        Step(
            "all to all",
            "POST",
            ALL,
            {"SourceName": "*", "DestinationName": "*", "Action": "deny"},
            save={"every": "body:ID"},
        ),
        Step("the list is sorted by precedence", "GET", ALL),
        Step("match by destination", "GET", f"{ALL}/match?by=destination&name=db", differs=_INDEX),
        Step(
            "match by destination for two names",
            "GET",
            f"{ALL}/match?by=destination&name=db&name=other",
            differs=_INDEX,
        ),
        Step("match by source", "GET", f"{ALL}/match?by=source&name=web", differs=_INDEX),
        Step("match the wildcard name", "GET", f"{ALL}/match?by=destination&name=*", differs=_INDEX),
        Step("match with a namespace", "GET", f"{ALL}/match?by=destination&name=default/db", differs=_INDEX),
        Step("match with too many parts", "GET", f"{ALL}/match?by=destination&name=a/b/c"),
        Step("match needs by", "GET", f"{ALL}/match?name=db"),
        Step("match needs a known by", "GET", f"{ALL}/match?by=colour&name=db"),
        Step("match needs a name", "GET", f"{ALL}/match?by=destination"),
        Step("match takes no POST", "POST", f"{ALL}/match?by=destination&name=db"),
        Step("check an allowed pair", "GET", f"{ALL}/check?source=web&destination=db"),
        Step("check a denied pair", "GET", f"{ALL}/check?source=api&destination=db"),
        Step("check with another source type", "GET", f"{ALL}/check?source=web&destination=db&source-type=consul"),
        Step("check with an unknown source type", "GET", f"{ALL}/check?source=web&destination=db&source-type=x"),
        Step("check needs a source", "GET", f"{ALL}/check?destination=db"),
        Step("check needs a destination", "GET", f"{ALL}/check?source=web"),
        Step("check of an empty source", "GET", f"{ALL}/check?source=&destination=db"),
        Step("check takes no POST", "POST", f"{ALL}/check?source=web&destination=db"),
        Step(
            "the same pair again is refused",
            "POST",
            ALL,
            {"SourceName": "web", "DestinationName": "db", "Action": "deny"},
        ),
        Step(
            "update answers with the id",
            "PUT",
            f"{ALL}/$id",
            {"SourceName": "web", "DestinationName": "db", "Action": "deny", "Description": "changed"},
        ),
        Step("the update is shown", "GET", f"{ALL}/$id"),
        Step(
            "an update may change the pair",
            "PUT",
            f"{ALL}/$id",
            {"SourceName": "web", "DestinationName": "cache", "Action": "allow"},
        ),
        Step("the pair was changed", "GET", f"{ALL}/$id"),
        Step(
            "an update may not take another's pair",
            "PUT",
            f"{ALL}/$id",
            {"SourceName": "*", "DestinationName": "db", "Action": "allow"},
        ),
        Step(
            "an update with another id in the body",
            "PUT",
            f"{ALL}/$id",
            {
                "ID": "11111111-2222-3333-4444-555555555555",
                "SourceName": "web",
                "DestinationName": "cache",
                "Action": "deny",
            },
        ),
        Step(
            "an update of an unknown id",
            "PUT",
            f"{ALL}/11111111-2222-3333-4444-555555555555",
            {"SourceName": "a", "DestinationName": "b", "Action": "deny"},
        ),
        Step(
            "an update of an id that is no UUID",
            "PUT",
            f"{ALL}/nonsense",
            {"SourceName": "a", "DestinationName": "b", "Action": "deny"},
        ),
        Step("an update without an action", "PUT", f"{ALL}/$id", {"SourceName": "web", "DestinationName": "cache"}),
        Step("an update with malformed JSON", "PUT", f"{ALL}/$id", b"{"),
        Step("get of an unknown id", "GET", f"{ALL}/11111111-2222-3333-4444-555555555555"),
        Step("get of an id that is no UUID", "GET", f"{ALL}/nonsense"),
        Step("get of an empty id", "GET", f"{ALL}/"),
        *_in_capitals(),
        Step("delete answers true", "DELETE", f"{ALL}/$wild"),
        Step("a deleted one is gone", "GET", f"{ALL}/$wild"),
        Step("delete of an unknown id", "DELETE", f"{ALL}/11111111-2222-3333-4444-555555555555"),
        Step("delete of an id that is no UUID", "DELETE", f"{ALL}/nonsense"),
        Step("check falls to the next rule", "GET", f"{ALL}/check?source=api&destination=db"),
        Step("delete the rest", "DELETE", f"{ALL}/$every"),
        Step("check falls to the default", "GET", f"{ALL}/check?source=api&destination=db"),
        Step("a source is needed", "POST", ALL, {"DestinationName": "db", "Action": "allow"}),
        Step("a destination is needed", "POST", ALL, {"SourceName": "web", "Action": "allow"}),
        Step("an action is needed", "POST", ALL, {"SourceName": "q", "DestinationName": "r"}),
        Step("an unknown action", "POST", ALL, {"SourceName": "q", "DestinationName": "r", "Action": "maybe"}),
        Step(
            "an unknown source type",
            "POST",
            ALL,
            {"SourceName": "q", "DestinationName": "r", "Action": "allow", "SourceType": "x"},
        ),
        Step("a wildcard inside a name", "POST", ALL, {"SourceName": "we*", "DestinationName": "r", "Action": "allow"}),
        Step(
            "a wildcard inside a destination",
            "POST",
            ALL,
            {"SourceName": "q", "DestinationName": "*b", "Action": "allow"},
        ),
        Step(
            "an id may not be chosen",
            "POST",
            ALL,
            {
                "ID": "11111111-2222-3333-4444-555555555555",
                "SourceName": "q",
                "DestinationName": "r",
                "Action": "allow",
            },
        ),
        Step(
            "too much meta",
            "POST",
            ALL,
            {"SourceName": "q", "DestinationName": "r", "Action": "allow", "Meta": {f"k{n}": "v" for n in range(65)}},
        ),
        Step(
            "a long meta value",
            "POST",
            ALL,
            {"SourceName": "q", "DestinationName": "r", "Action": "allow", "Meta": {"k": "v" * 513}},
        ),
        Step(
            "a long description",
            "POST",
            ALL,
            {"SourceName": "q", "DestinationName": "r", "Action": "allow", "Description": "d" * 513},
        ),
        Step(
            "an unknown field",
            "POST",
            ALL,
            {"SourceName": "unknown", "DestinationName": "field", "Action": "allow", "Colour": "red"},
        ),
        Step("an empty body", "POST", ALL),
        Step("malformed JSON", "POST", ALL, b'{"SourceName"'),
        Step("a wrong type", "POST", ALL, {"SourceName": 5, "DestinationName": "b", "Action": "allow"}),
        Step("the list takes no PUT", "PUT", ALL),
        Step("the list takes no DELETE", "DELETE", ALL),
        Step("one takes no POST", "POST", f"{ALL}/$id"),
        Step("the list at the end", "GET", ALL),
        Step(
            "another namespace",
            "POST",
            ALL,
            {"SourceNS": "other", "SourceName": "q", "DestinationName": "r", "Action": "allow"},
            differs={
                "status": _NAMESPACE,
                "headers.Content-Type": _NAMESPACE,
                "content": _NAMESPACE,
                "body": _NAMESPACE,
            },
        ),
    ),
)
