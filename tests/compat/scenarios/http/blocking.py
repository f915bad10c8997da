"""Blocking queries: answered after `wait`, or when what they ask about changes."""

from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/catalog/register"
INDEX = {"index": "header:X-Consul-Index"}
WAIT = "index=$index&wait=300ms"

_TELLS = "Consul says no index with this answer, so that nobody can wait for a change of it"
_TELLS_INDEX = {f"headers.X-Consul-{name}": _TELLS for name in ("Index", "Knownleader", "Lastcontact")}

SCENARIO = Scenario(
    "blocking",
    "index and wait.",
    (
        Step("a key", "PUT", "/v1/kv/watched", b"1"),
        Step("its index", "GET", "/v1/kv/watched", save=INDEX),
        Step("nothing changes: answered after the wait", "GET", f"/v1/kv/watched?{WAIT}", waits_ms=300),
        Step("an older index is answered at once", "GET", "/v1/kv/watched?index=1&wait=10s"),
        Step("index 0 is answered at once", "GET", "/v1/kv/watched?index=0&wait=10s"),
        Step("wait without an index is answered at once", "GET", "/v1/kv/watched?wait=10s"),
        Step(
            "a put wakes the reader of a key",
            "GET",
            "/v1/kv/watched?index=$index&wait=20s",
            during=(Step("put while held", "PUT", "/v1/kv/watched", b"2"),),
            save=INDEX,
        ),
        Step(
            "a delete wakes it",
            "GET",
            "/v1/kv/watched?index=$index&wait=20s",
            during=(Step("delete while held", "DELETE", "/v1/kv/watched"),),
        ),
        Step("a missing key has an index to wait on", "GET", "/v1/kv/absent", save=INDEX),
        Step(
            "creation wakes it",
            "GET",
            "/v1/kv/absent?index=$index&wait=20s",
            during=(Step("create while held", "PUT", "/v1/kv/absent", b"now"),),
        ),
        Step("an index of a prefix", "GET", "/v1/kv/tree/?recurse", save=INDEX),
        Step(
            "a key below wakes the prefix",
            "GET",
            "/v1/kv/tree/?recurse&index=$index&wait=20s",
            during=(Step("put below while held", "PUT", "/v1/kv/tree/leaf", b"x"),),
            save=INDEX,
        ),
        Step(
            "keys too",
            "GET",
            "/v1/kv/tree/?keys&index=$index&wait=20s",
            during=(Step("put another below", "PUT", "/v1/kv/tree/leaf2", b"x"),),
            save=INDEX,
        ),
        Step(
            "a deletion below wakes the prefix",
            "GET",
            "/v1/kv/tree/?recurse&index=$index&wait=20s",
            during=(Step("delete below", "DELETE", "/v1/kv/tree/leaf"),),
        ),
        Step("a service that is not there", "GET", "/v1/health/service/web", save=INDEX),
        Step(
            "registration wakes health",
            "GET",
            "/v1/health/service/web?index=$index&wait=20s",
            during=(
                Step(
                    "register while held",
                    "PUT",
                    REGISTER,
                    {
                        "Node": "n",
                        "Address": "192.0.2.1",
                        "Service": {"Service": "web", "Port": 1},
                        "Check": {"CheckID": "c", "Name": "c", "Status": "passing", "ServiceID": "web"},
                    },
                ),
            ),
            save=INDEX,
        ),
        Step("health after the wait", "GET", f"/v1/health/service/web?{WAIT}", waits_ms=300),
        Step(
            "a check wakes health",
            "GET",
            "/v1/health/service/web?passing&index=$index&wait=20s",
            during=(
                Step(
                    "fail while held",
                    "PUT",
                    REGISTER,
                    {
                        "Node": "n",
                        "Address": "192.0.2.1",
                        "Check": {"CheckID": "c", "Name": "c", "Status": "critical", "ServiceID": "web"},
                    },
                ),
            ),
            save=INDEX,
        ),
        Step(
            "deregistration wakes health",
            "GET",
            "/v1/health/service/web?index=$index&wait=20s",
            during=(Step("deregister while held", "PUT", "/v1/catalog/deregister", {"Node": "n", "ServiceID": "web"}),),
        ),
        Step("the catalog's services", "GET", "/v1/catalog/services", save=INDEX),
        Step(
            "a new service wakes the list of services",
            "GET",
            "/v1/catalog/services?index=$index&wait=20s",
            during=(
                Step(
                    "register another",
                    "PUT",
                    REGISTER,
                    {"Node": "n", "Address": "192.0.2.1", "Service": {"Service": "db", "Tags": ["t"], "Port": 1}},
                ),
            ),
        ),
        Step("the catalog's nodes", "GET", "/v1/catalog/nodes", save=INDEX),
        Step(
            "a new node wakes the list of nodes",
            "GET",
            "/v1/catalog/nodes?index=$index&wait=20s",
            during=(Step("register a node", "PUT", REGISTER, {"Node": "n2", "Address": "192.0.2.2"}),),
        ),
        Step("a node's index", "GET", "/v1/catalog/node/n2", save=INDEX),
        Step("a node after the wait", "GET", f"/v1/catalog/node/n2?{WAIT}", waits_ms=300),
        Step("checks of a state", "GET", "/v1/health/state/critical", save=INDEX),
        Step(
            "a check wakes the state",
            "GET",
            "/v1/health/state/critical?index=$index&wait=20s",
            during=(
                Step(
                    "a critical check",
                    "PUT",
                    REGISTER,
                    {"Node": "n2", "Address": "192.0.2.2", "Check": {"Name": "d", "Status": "critical"}},
                ),
            ),
        ),
        Step("intentions", "GET", "/v1/connect/intentions", save=INDEX),
        Step(
            "intentions that match",
            "GET",
            "/v1/connect/intentions/match?by=destination&name=db",
            save=INDEX,
            differs=_TELLS_INDEX,
        ),
        Step(
            "an intention wakes its match",
            "GET",
            "/v1/connect/intentions/match?by=destination&name=db&index=$index&wait=20s",
            differs={**_TELLS_INDEX, "body.db": _TELLS, "answered": _TELLS},
            during=(
                Step(
                    "create an intention",
                    "POST",
                    "/v1/connect/intentions",
                    {"SourceName": "web", "DestinationName": "db", "Action": "deny"},
                ),
            ),
        ),
        Step("roots", "GET", "/v1/connect/ca/roots", save=INDEX),
        Step("roots after the wait", "GET", f"/v1/connect/ca/roots?{WAIT}", waits_ms=300),
        Step("the agent's roots", "GET", "/v1/agent/connect/ca/roots", save=INDEX),
        Step("the agent's roots after the wait", "GET", f"/v1/agent/connect/ca/roots?{WAIT}", waits_ms=300),
        Step("a leaf's index", "GET", "/v1/agent/connect/ca/leaf/web", save=INDEX),
        Step("a leaf after the wait", "GET", f"/v1/agent/connect/ca/leaf/web?{WAIT}", waits_ms=300),
        Step("a service at the agent", "PUT", "/v1/agent/service/register", {"Name": "local", "Port": 1}),
        Step("its hash", "GET", "/v1/agent/service/local", save={"hash": "header:X-Consul-Contenthash"}),
        Step(
            "the agent's service after the wait", "GET", "/v1/agent/service/local?hash=$hash&wait=300ms", waits_ms=300
        ),
        Step(
            "a new registration wakes the reader of the hash",
            "GET",
            "/v1/agent/service/local?hash=$hash&wait=20s",
            during=(Step("register it again", "PUT", "/v1/agent/service/register", {"Name": "local", "Port": 2}),),
        ),
        Step("another hash is answered at once", "GET", "/v1/agent/service/local?hash=00ff&wait=10s"),
        Step(
            "a future index is answered after the wait", "GET", "/v1/kv/absent?index=1000000&wait=300ms", waits_ms=300
        ),
        Step("an index that is no number", "GET", "/v1/kv/absent?index=soon"),
        Step("an index below zero", "GET", "/v1/kv/absent?index=-1"),
        Step("a wait that is no duration", "GET", "/v1/kv/absent?index=1&wait=soon"),
        Step("a wait without a unit", "GET", "/v1/kv/absent?index=1&wait=10"),
        Step("a wait below zero", "GET", "/v1/kv/absent?index=1&wait=-1s"),
        Step("a wait of zero", "GET", "/v1/kv/absent?index=1&wait=0s"),
        Step("a wait with a fraction", "GET", "/v1/kv/absent?index=1&wait=0.5s"),
    ),
)
