"""`/v1/txn`."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_TOKEN = "a plain write leaves LockIndex, so that it can serve as a fencing token; Consul sets it to 0"
_KINDS = "Consul carries out the first kind alone, without a word of the other"
_NAMESPACE = "Consul writes it outside of the namespace that was named"
_DATACENTER = "Consul keeps a node of another datacenter in this one's catalog"
_DROPPED = "Consul loses the kind, the proxy's part and the tagged addresses of what is registered so"
_HALF_PROXY = "Consul registers it as a typical service"
_UNKNOWN = "11111111-2222-3333-4444-555555555555"
_ID = "40e4a748-2192-161a-0510-9bf59fe950b5"
_WORDS = ("body.Errors.*.What",)


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _big(size: int) -> bytes:
    """A transaction of so many bytes."""
    before, behind = b'[{"KV":{"Verb":"set","Key":"big","Value":"', b'"}}]'
    room = size - len(before) - len(behind)
    return before + b"A" * (room - room % 4) + behind + b" " * (room % 4)


def _txn(
    name: str,
    *operations: Json,
    query: str = "",
    differs: Mapping[str, str] | None = None,
    save: Mapping[str, str] | None = None,
) -> Step:
    return Step(
        name, "PUT", f"/v1/txn{query}", list(operations), save=save or {}, differs=differs or {}, own_words=_WORDS
    )


def _whole(reason: str) -> dict[str, str]:
    return {"status": reason, "headers": reason, "content": reason, "body": reason}


def _kv(verb: str, key: str | None = None, **more: Json) -> dict[str, Json]:
    return {"KV": {"Verb": verb, **({} if key is None else {"Key": key}), **more}}


def _node(verb: str, **node: Json) -> dict[str, Json]:
    return {"Node": {"Verb": verb, "Node": node}}


def _service(verb: str, node: str, **service: Json) -> dict[str, Json]:
    return {"Service": {"Verb": verb, "Node": node, "Service": service}}


def _check(verb: str, **check: Json) -> dict[str, Json]:
    return {"Check": {"Verb": verb, "Check": check}}


_NOTHING: list[Json] = [{} for _ in range(65)]
_ONE, _TWO = _b64(b"1"), _b64(b"2")

_FORM = (
    _txn("nothing to do"),
    Step("no body", "PUT", "/v1/txn"),
    Step("an empty body", "PUT", "/v1/txn", b""),
    Step("null", "PUT", "/v1/txn", b"null"),
    Step("an object", "PUT", "/v1/txn", b"{}"),
    Step("a number in the list", "PUT", "/v1/txn", b"[1]"),
    Step("a list in the list", "PUT", "/v1/txn", b"[[]]"),
    Step("broken JSON", "PUT", "/v1/txn", b"{bad"),
    Step("something behind the list", "PUT", "/v1/txn", b"[]garbage"),
    _txn("an operation of no kind", {}),
    _txn("an operation of an unknown kind", {"Foo": 1}),
    _txn("an operation on a session", {"Session": {}}),
    _txn("a kind that is null", {"KV": None}),
    Step("get is not put", "GET", "/v1/txn"),
    Step("post is not put", "POST", "/v1/txn", b"[]"),
    Step("delete is not put", "DELETE", "/v1/txn"),
    _txn("another datacenter", query="?dc=dc2"),
    _txn("stale and consistent", query="?stale&consistent"),
    _txn("an unknown member", _kv("set", "low", Nope=1)),
    _txn("keys in lower case", {"kv": {"verb": "set", "key": "low", "value": _ONE}}),
    _txn("the default namespace", _kv("set", "low", Value=_ONE, Namespace="default")),
    _txn("another namespace", _kv("set", "low", Value=_ONE, Namespace="team"), differs=_whole(_NAMESPACE)),
    _txn("two kinds at once", {**_kv("get", "low"), **_node("get", Node="n")}, differs=_whole(_KINDS)),
    Step("a member given twice", "PUT", "/v1/txn", b'[{"KV":{"Verb":"get","Key":"none","Key":"low"}}]'),
    _txn("a key that is a number", _kv("set", Key=5)),
    _txn("a verb that is a number", {"KV": {"Verb": 5, "Key": "low"}}),
    _txn("a value that is a number", _kv("set", "low", Value=5)),
    _txn("a value that is no base64", _kv("set", "low", Value="!!!")),
    _txn("flags below zero", _kv("set", "low", Flags=-1)),
    _txn("flags in text", _kv("set", "low", Flags="7")),
    _txn("flags beyond 64 bits", _kv("set", "low", Flags=2**64)),
    _txn("flags that are no whole number", _kv("set", "low", Flags=1.5)),
    _txn("the largest flags", _kv("set", "low", Flags=2**64 - 1)),
    _txn("they are shown", _kv("get", "low")),
    _txn("64 operations", *[_kv("set", f"many/{number}") for number in range(64)]),
    _txn("65 operations", *[_kv("set", f"many/{number}") for number in range(65)]),
    _txn("65 operations of no kind", *_NOTHING),
    _txn("64 reads", *[_kv("get", "low") for _ in range(64)]),
    Step("a body that is too long", "PUT", "/v1/txn", _big(524_289)),
    Step("a body that is just short enough", "PUT", "/v1/txn", _big(524_288)),
    _txn("and away with it", _kv("delete-tree", "many/"), _kv("delete", "big")),
    _txn("pretty", _kv("get", "low"), query="?pretty"),
)

_READS = (
    _txn("read with any freshness", _kv("get", "low"), query="?stale"),
    _txn("read at the leader", _kv("get", "low"), query="?consistent"),
    _txn("an index is not waited for", _kv("get", "low"), query="?index=99999&wait=10s"),
    _txn("an index that is none", _kv("get", "low"), query="?index=x"),
    _txn("a missing key", _kv("get", "none")),
    _txn("two missing keys", _kv("get", "low"), _kv("get", "none"), _kv("get", "none2")),
    _txn("a tree of one", _kv("get-tree", "lo")),
    _txn("an empty tree", _kv("get-tree", "zzz")),
    _txn("a tree without a name", _kv("get-tree", "")),
    _txn("get without a key", _kv("get", "")),
    _txn("a key operation with nothing", {"KV": {}}),
    _txn("an unknown verb", _kv("bogus", "low")),
    _txn("a verb in capitals", _kv("SET", "low")),
    _txn("no verb", {"KV": {"Key": "low"}}),
    _txn("a missing key does not exist", _kv("check-not-exists", "none")),
    _txn("a key exists", _kv("check-not-exists", "low")),
    _txn("an index that is not the key's", _kv("check-index", "low", Index=1)),
    _txn("the index of a missing key", _kv("check-index", "none", Index=1)),
    _txn("index 0 of a missing key", _kv("check-index", "none", Index=0)),
    _txn("a session that does not hold it", _kv("check-session", "low", Session="x")),
    _txn("no session holds it", _kv("check-session", "low")),
    _txn("the session of a missing key", _kv("check-session", "none")),
)

_KEYS = (
    _txn("set", _kv("set", "a", Value=_ONE)),
    _txn("set again with flags", _kv("set", "a", Value=_ONE, Flags=42)),
    _txn("get", _kv("get", "a"), save={"index": "body:Results.0.KV.ModifyIndex"}),
    _txn("set the same", _kv("set", "a", Value=_ONE, Flags=42)),
    _txn("set without a key", _kv("set", "", Value=_ONE)),
    _txn("set without a value", _kv("set", "n")),
    _txn("set an empty value", _kv("set", "n", Value="")),
    _txn("set a null value", _kv("set", "n", Value=None)),
    _txn("an empty value is null", _kv("get", "n")),
    _txn("an index does not matter to set", _kv("set", "n", Value=_TWO, Index=5)),
    _txn("all bytes", _kv("set", "bin", Value=_b64(bytes(range(256))))),
    _txn("are there", _kv("get", "bin")),
    _txn("cas with another index", _kv("cas", "a", Value=_TWO, Index=1)),
    _txn("cas 0 on a key that exists", _kv("cas", "a", Value=_TWO, Index=0)),
    _txn("cas 0 creates", _kv("cas", "new", Value=_TWO, Index=0)),
    _txn("cas without an index", _kv("cas", "new", Value=_ONE)),
    _txn("cas on a missing key", _kv("cas", "none", Value=_TWO, Index=7)),
    _txn("delete a missing key", _kv("delete", "none")),
    _txn("delete without a key", _kv("delete", "")),
    _txn("delete with another index", _kv("delete-cas", "a", Index=1)),
    _txn("delete with index 0", _kv("delete-cas", "a", Index=0)),
    _txn("delete a missing key with an index", _kv("delete-cas", "none", Index=1)),
    _txn(
        "set, read, delete, read",
        _kv("set", "t/1", Value=_ONE),
        _kv("set", "t/2", Value=_TWO),
        _kv("get-tree", "t/"),
        _kv("delete", "t/1"),
        _kv("get-tree", "t/"),
    ),
    _txn(
        "one key twice, with the index of before",
        _kv("set", "t/2", Value=_ONE),
        _kv("set", "t/2", Value=_TWO),
        _kv("get", "t/2"),
        _kv("cas", "t/2", Index=1),
    ),
    Step("nothing of that happened", "GET", "/v1/kv/t/2"),
    _txn("delete a tree", _kv("delete-tree", "t/")),
    _txn("delete an empty tree", _kv("delete-tree", "t/")),
    Step("it has an index of its own", "GET", "/v1/kv/t/?recurse"),
    _txn(
        "every error is told, by position",
        _kv("set", "m", Value=_ONE),
        _kv("get", "none"),
        _kv("lock", "x"),
        _kv("bogus", "a"),
        _kv("cas", "m", Index=4),
        _node("get", Node="none"),
        _service("get", "none", ID="a"),
        _check("get", Node="none", CheckID="a"),
    ),
    Step("nothing of that happened either", "GET", "/v1/kv/m"),
    _txn(
        "what is wrong by itself is told first",
        _kv("set", "m", Value=_ONE),
        _kv("set", "", Value=_ONE),
        _kv("get", "none"),
        _node("set"),
        _kv("delete", ""),
    ),
)

_LOCKS = (
    _txn("lock with an unknown session", _kv("lock", "l", Session=_UNKNOWN, Value=_ONE)),
    _txn("lock with what is no session", _kv("lock", "l", Session="x")),
    _txn("lock without a session", _kv("lock", "l")),
    _txn("unlock with an unknown session", _kv("unlock", "l", Session=_UNKNOWN)),
    _txn("unlock without a session", _kv("unlock", "l")),
    Step("one session", "PUT", "/v1/session/create", {"LockDelay": "0s"}, save={"one": "body:ID"}),
    Step("another", "PUT", "/v1/session/create", {"LockDelay": "20s"}, save={"two": "body:ID"}),
    _txn("lock", _kv("lock", "l", Session="$one", Value=_ONE, Flags=3)),
    _txn("lock what is locked", _kv("lock", "l", Session="$two")),
    _txn("lock again", _kv("lock", "l", Session="$one")),
    _txn("its session", _kv("check-session", "l", Session="$one")),
    _txn("not its session", _kv("check-session", "l", Session="$two")),
    _txn("a write beside the lock", _kv("set", "l", Value=_TWO), differs={"body.Results.*.KV.LockIndex": _TOKEN}),
    _txn("the lock stays", _kv("get", "l"), differs={"body.Results.*.KV.LockIndex": _TOKEN}),
    _txn("unlock what another has locked", _kv("unlock", "l", Session="$two")),
    _txn("unlock", _kv("unlock", "l", Session="$one", Value=_ONE), differs={"body.Results.*.KV.LockIndex": _TOKEN}),
    _txn("unlock again", _kv("unlock", "l", Session="$one")),
    _txn("unlock a missing key", _kv("unlock", "none", Session="$one")),
    _txn("two locks at once", _kv("lock", "l1", Session="$two"), _kv("lock", "l2", Session="$two")),
    _txn("one of two is held", _kv("lock", "l3", Session="$one"), _kv("lock", "l2", Session="$one")),
    Step("so neither was taken", "GET", "/v1/kv/l3"),
    Step("its session ends", "PUT", "/v1/session/destroy/$two"),
    _txn("within the lock delay", _kv("lock", "l1", Session="$one")),
    _txn("which is told before all else", _kv("lock", "l1", Session="$one"), _kv("get", "none")),
    _txn(
        "a write beside it is none of a lock's",
        _kv("set", "l1", Value=_ONE),
        differs={"body.Results.*.KV.LockIndex": _TOKEN},
    ),
)

_NODES = (
    _txn(
        "create a node",
        _node(
            "set",
            ID=_ID,
            Node="n1",
            Address="192.0.2.1",
            Datacenter="dc1",
            Meta={"a": "b"},
            TaggedAddresses={"lan": "192.0.2.1"},
        ),
    ),
    _txn("get it", _node("get", Node="n1")),
    _txn("in capitals", _node("get", Node="N1")),
    _txn("by its id", _node("get", ID=_ID)),
    _txn("a missing node", _node("get", Node="none")),
    _txn("a node without a name", _node("get")),
    _txn("a node operation with nothing", {"Node": {}}),
    _txn("a node operation that is null", {"Node": None}),
    _txn("an unknown node verb", _node("bogus", Node="n1")),
    _txn("an unknown node verb without a name", _node("bogus")),
    _txn("delete-tree is no node verb", _node("delete-tree", Node="n1")),
    _txn("replace it", _node("set", Node="n1", Address="192.0.2.9")),
    _txn("its id is gone", _node("get", ID=_ID)),
    _txn("a node without an address", _node("set", Node="n2")),
    _txn("an address without a node", _node("set", Address="192.0.2.1")),
    _txn(
        "a node of another datacenter",
        _node("set", Node="n3", Address="192.0.2.1", Datacenter="dc2"),
        differs={"status": _DATACENTER, "body": _DATACENTER},
    ),
    _txn("a node id that is none", _node("set", Node="n4", ID="bad", Address="192.0.2.1")),
    _txn(
        "node metadata without a name",
        _node("set", Node="n4", Address="192.0.2.1", Meta={"": "x"}),
    ),
    _txn("a node with a space", _node("set", Node="bad name!", Address="192.0.2.1")),
    _txn("cas of a node without an index", _node("cas", Node="n1", Address="192.0.2.5")),
    _txn("cas of a node with another index", _node("cas", Node="n1", Address="192.0.2.5", ModifyIndex=1)),
    _txn("cas creates a node", _node("cas", Node="n5", Address="192.0.2.5")),
    _txn("cas of a missing node", _node("cas", Node="n6", Address="192.0.2.5", ModifyIndex=4)),
    _txn("delete a node with another index", _node("delete-cas", Node="n1", ModifyIndex=1)),
    _txn("delete a missing node with an index", _node("delete-cas", Node="none", ModifyIndex=1)),
    _txn("delete a missing node with none", _node("delete-cas", Node="none")),
    _txn("delete a missing node", _node("delete", Node="none")),
    _txn("delete a node without a name", _node("delete")),
    _txn("delete a node by its id", _node("delete", ID=_ID)),
    _txn("delete a node", _node("delete", Node="n2")),
    _txn("an unknown node member", _node("set", Node="n1", NodeMeta={})),
)

_PROXY: dict[str, Json] = {
    "Service": "web-proxy",
    "Kind": "connect-proxy",
    "Port": 99,
    "Proxy": {"DestinationServiceName": "web"},
    "TaggedAddresses": {"lan": {"Address": "192.0.2.1", "Port": 3}},
}
_KEPT = {
    f"body.Results.*.Service.{name}": _DROPPED for name in ("Kind", "TaggedAddresses", "Proxy.DestinationServiceName")
}

_SERVICES = (
    _txn("register a service", _service("set", "n1", ID="w1", Service="web", Port=80, Tags=["a"], Meta={"m": "1"})),
    _txn("get the service", _service("get", "n1", ID="w1")),
    _txn("the service in capitals", _service("get", "N1", ID="W1")),
    _txn("a service on a missing node", _service("set", "none", ID="w1", Service="web")),
    _txn("a service without an id", _service("set", "n1", Service="noid")),
    _txn("a service without a name", _service("set", "n1", ID="noname")),
    _txn("a service without both", _service("set", "n1")),
    _txn("a service without a node", _service("set", "", ID="x", Service="web")),
    _txn("a service operation with nothing", {"Service": {}}),
    _txn("an unknown service verb", _service("bogus", "n1", ID="w1", Service="web")),
    _txn("an unknown service verb without a name", _service("bogus", "n1", ID="w1")),
    _txn("services are found by id", _service("get", "n1", Service="noid")),
    _txn("a missing service", _service("get", "n1", ID="zz")),
    _txn("a service on a missing node is missing", _service("get", "none", ID="w1")),
    _txn("a service without anything", _service("get", "n1")),
    _txn("a proxy", _service("set", "n1", ID="p1", **_PROXY), differs=_KEPT),
    _txn("the proxy is as it was given", _service("get", "n1", ID="p1"), differs=_KEPT),
    _txn(
        "a proxy for nobody",
        _service("set", "n1", ID="p2", Service="p", Kind="connect-proxy"),
        differs={"status": _HALF_PROXY, "body": _HALF_PROXY},
    ),
    _txn(
        "weights and an address",
        _service(
            "set",
            "n1",
            ID="w2",
            Service="web",
            Weights={"Passing": 5, "Warning": 2},
            Address="192.0.2.3",
            EnableTagOverride=True,
        ),
    ),
    _txn("weights of nothing", _service("set", "n1", ID="w3", Service="x", Weights={"Passing": 0, "Warning": 0})),
    _txn("weights below zero", _service("set", "n1", ID="w3", Service="x", Weights={"Passing": -1, "Warning": 0})),
    _txn("service metadata without a name", _service("set", "n1", ID="p4", Service="x", Meta={"": "y"})),
    _txn("an unknown service member", _service("set", "n1", ID="p4", Service="x", Foo=1)),
    _txn("a port in text", _service("set", "n1", ID="p4", Service="x", Port="80")),
    _txn("a service in the default namespace", _service("set", "n1", ID="p4", Service="x", Namespace="default")),
    _txn("cas of a service without an index", _service("cas", "n1", ID="w1", Service="web", Port=81)),
    _txn("cas creates a service", _service("cas", "n1", ID="w9", Service="web", Port=81)),
    _txn("cas of a missing service", _service("cas", "n1", ID="w8", Service="web", ModifyIndex=3)),
    _txn("cas of a service on a missing node", _service("cas", "none", ID="w8", Service="web")),
    _txn("delete a service with another index", _service("delete-cas", "n1", ID="w1", Service="web", ModifyIndex=1)),
    _txn("delete a missing service with an index", _service("delete-cas", "n1", ID="zz", Service="web", ModifyIndex=1)),
    _txn("delete a missing service with none", _service("delete-cas", "n1", ID="zz", Service="web")),
    _txn("delete a service without its name", _service("delete", "n1", ID="w9")),
    _txn("delete a service", _service("delete", "n1", ID="w9", Service="web")),
    _txn("delete a missing service", _service("delete", "n1", ID="zz", Service="web")),
    _txn("delete a service on a missing node", _service("delete", "none", ID="zz", Service="web")),
    _txn("delete a service by its name", _service("delete", "n1", Service="noid")),
    _txn("which was its id as well", _service("get", "n1", ID="noid")),
    _txn("delete a service that is not named", _service("delete", "n1")),
)

_CHECKS = (
    _txn(
        "register a check",
        _check(
            "set",
            Node="n1",
            CheckID="c1",
            Name="c one",
            Status="passing",
            ServiceID="w1",
            Output="o",
            Notes="nn",
            Definition={
                "HTTP": "http://x",
                "Interval": "10s",
                "Timeout": "5s",
                "Header": {"a": ["b"]},
                "TLSSkipVerify": True,
                "DeregisterCriticalServiceAfter": "1m",
            },
        ),
    ),
    _txn("get the check", _check("get", Node="n1", CheckID="c1")),
    _txn("the check in capitals", _check("get", Node="N1", CheckID="C1")),
    _txn("a check without a status", _check("set", Node="n1", CheckID="c2")),
    _txn("a check without an id", _check("set", Node="n1", Name="named")),
    _txn("a check without both", _check("set", Node="n1")),
    _txn("a check on a missing node", _check("set", Node="none", CheckID="c2")),
    _txn("a check without a node", _check("set", CheckID="c2")),
    _txn("a check of a missing service", _check("set", Node="n1", CheckID="c3", ServiceID="zz")),
    _txn("an unknown status", _check("set", Node="n1", CheckID="c3", Status="bogus")),
    _txn(
        "an interval in nanoseconds",
        _check("set", Node="n1", CheckID="c5", Definition={"TCP": "192.0.2.1:1", "Interval": 10_000_000_000}),
    ),
    _txn("tags of a check", _check("set", Node="n1", CheckID="c7", ServiceTags=["x"], ServiceName="y")),
    _txn("a check operation with nothing", {"Check": {}}),
    _txn("an unknown check verb", _check("bogus", Node="n1", CheckID="c1")),
    _txn("an unknown check member", _check("set", Node="n1", CheckID="c7", Foo=1)),
    _txn("a missing check", _check("get", Node="n1", CheckID="zz")),
    _txn("a check on a missing node is missing", _check("get", Node="none", CheckID="c1")),
    _txn("a check without an id is missing", _check("get", Node="n1")),
    _txn("cas of a check without an index", _check("cas", Node="n1", CheckID="c1", Status="critical")),
    _txn("cas creates a check", _check("cas", Node="n1", CheckID="c9", Status="critical")),
    _txn("cas of a missing check", _check("cas", Node="n1", CheckID="c8", Status="critical", ModifyIndex=8)),
    _txn("delete a check with another index", _check("delete-cas", Node="n1", CheckID="c1", ModifyIndex=8)),
    _txn("delete a missing check with an index", _check("delete-cas", Node="n1", CheckID="zz", ModifyIndex=8)),
    _txn("delete a missing check with none", _check("delete-cas", Node="n1", CheckID="zz")),
    _txn("delete a missing check", _check("delete", Node="n1", CheckID="zz")),
    _txn("delete a check on a missing node", _check("delete", Node="none", CheckID="zz")),
    _txn("delete a check", _check("delete", Node="n1", CheckID="c9")),
    _txn("delete a check that is not named", _check("delete", Node="n1")),
)

_TOGETHER = (
    _txn(
        "all kinds in one",
        _node("set", Node="all", Address="192.0.2.1"),
        _service("set", "all", ID="s", Service="s"),
        _check("set", Node="all", CheckID="c", ServiceID="s", Status="passing"),
        _kv("set", "k", Value=_ONE),
        _node("get", Node="all"),
        _service("get", "all", ID="s"),
        _check("get", Node="all", CheckID="c"),
    ),
    Step("the catalog has it", "GET", "/v1/health/service/s"),
    _txn("a node takes all along", _node("delete", Node="all"), _check("get", Node="all", CheckID="c")),
    Step("but not when another operation fails", "GET", "/v1/catalog/node/all"),
    _txn(
        "a service takes its checks along",
        _service("delete", "all", ID="s", Service="s"),
        _check("get", Node="all", CheckID="c"),
    ),
    _txn(
        "what is not there any more is no error to delete",
        _service("delete", "all", ID="s", Service="s"),
        _check("delete", Node="all", CheckID="c"),
        _node("delete", Node="all"),
        _kv("delete", "k"),
    ),
    Step("all of it is gone", "GET", "/v1/catalog/node/all"),
    Step("the key as well", "GET", "/v1/kv/k"),
    Step("who waits for a key", "GET", "/v1/kv/a", save={"index": "header:X-Consul-Index"}),
    Step(
        "is woken by a transaction",
        "GET",
        "/v1/kv/a?index=$index&wait=10s",
        during=(_txn("that writes it", _kv("set", "a", Value=_TWO)),),
    ),
)

SCENARIO = Scenario(
    "transactions",
    "Transactions on keys.",
    (*_FORM, *_READS, *_KEYS, *_LOCKS),
)
CATALOG = Scenario(
    "transactions_catalog",
    "Transactions on nodes, services and checks, and on these and keys together.",
    (*_NODES, *_SERVICES, *_CHECKS, *_TOGETHER),
)
