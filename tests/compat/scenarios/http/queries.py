"""`/v1/query`: prepared queries, templates, and what they find."""

from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_UNKNOWN = "11111111-2222-3333-4444-555555555555"
_ALLOW = "Allow names OPTIONS here as for every other endpoint"
_OPTIONS = "Consul's answer is what is left of an answer's headers, {}; there is nothing to say"


def _query(**fields: Json) -> Json:
    return {"Service": {"Service": "web"}, **fields}


def _template(name: str, service: Json, **template: Json) -> Json:
    return {"Name": name, "Service": service, "Template": {"Type": "name_prefix_match", **template}}


def _instance(number: int, status: str, *, tags: list[Json], **more: Json) -> Step:
    body: dict[str, Json] = {
        "Node": f"o{number}",
        "Address": f"10.0.0.{number}",
        "Service": {"ID": f"web{number}", "Service": "web", "Tags": tags, "Port": 80, "Meta": {"n": str(number)}},
        "Check": {"CheckID": f"c{number}", "Name": "c", "Status": status, "ServiceID": f"web{number}"},
        **more,
    }
    return Step(f"instance {number} is {status}", "PUT", "/v1/catalog/register", body)


def _runs(name: str, fact: str, **service: Json) -> tuple[Step, Step]:
    return (
        Step(f"a query: {fact}", "POST", "/v1/query", _query(Name=name, Service={"Service": "web", **service})),
        Step(f"running it: {fact}", "GET", f"/v1/query/{name}/execute", unordered=("body.Nodes",)),
    )


def _fills(number: int, text: str, name: str = "t-7") -> tuple[Step, ...]:
    prefix = f"e{number}-"
    return (
        Step(
            f"a template with {text}",
            "POST",
            "/v1/query",
            _template(prefix, {"Service": _escaped(text)}, Regexp="-(.*)$$"),
        ),
        Step(f"{text} filled in", "GET", f"/v1/query/{prefix}{name}/explain"),
    )


def _escaped(text: str) -> str:
    """`text` as a scenario has to write it: a dollar sign begins a variable there."""
    return text.replace("$", "$$")


def _refused(text: str) -> Step:
    return Step(
        f"a template with {text} is refused", "POST", "/v1/query", _template("bad", {"Service": _escaped(text)})
    )


_EXPRESSIONS = (
    "$${a}",
    "a$b",
    "a$",
    "$",
    "$$",
    "${name.full}-${name.suffix}",
    "${ name.full }",
    "${match(1)}",
    "${match( 1 )}",
    "${match(0)}${match(2)}",
    "${match(-1)}",
    "${match(1.5)}",
    '${"lit"}',
    '${"a ${name.full} b"}',
    "${1}",
    "${1+2*3}",
    "${10-2-3}",
    "${1+2.5}",
    "${2.5+1}",
    "${(1+2)*3}",
    "${2*-1}",
    "${--1}",
    "${-7/2}",
    "${-7%3}",
    "${9223372036854775807+1}",
    "${0.1+0.2}",
    "${10000000000000.0}",
    "${1000000.0}",
    "${0.00001}",
    "${100000.5}",
    "${1.}",
    "${01}",
    "${match(1+0)}",
    "${match (1)}",
    "${name.full} }",
    "${name.full}}",
    "}",
    "{",
    "$ {a}",
    "a\\nb",
    'a"b',
    '${"a\\"b"}',
    '${"a\\nb"}',
    '${"\\t"}',
    '${"\\\\"}',
    '${"$${x}"}',
    '${"${"x"}"}',
    "$${name.full}${name.full}",
    "$$${name.full}",
    "é${name.full}",
    "${\n name.full}",
)
_NO_EXPRESSIONS = (
    "${",
    "${}",
    "${name.full",
    '${"a}',
    "${match()}",
    "${match(1,2)}",
    "${foo(1)}",
    "${Match(1)}",
    "${true}",
    "${name}",
    "${name.fulls}",
    "${NAME.full}",
    "${name-full}",
    "${match}",
    "${name.full == name.full}",
    "${name.full ? 1 : 2}",
    "${!true}",
    "${*}",
    "${0x1}",
    "${1e3}",
    "${.5}",
    "${7.5%2}",
    "${9223372036854775808}",
    '${match("a")}',
    "${match(match(1))}",
    "${1 + name.suffix}",
    '${"a"+1}',
    "${name.full name.full}",
    "${name.full[0]}",
)

_KEEPING = (
    Step("no queries", "GET", "/v1/query"),
    Step("no body", "POST", "/v1/query"),
    Step("a list", "POST", "/v1/query", []),
    Step("broken JSON", "POST", "/v1/query", b"{bad"),
    Step("an unknown key", "POST", "/v1/query", _query(Name="x", Foo=1)),
    Step("a datacenter in it", "POST", "/v1/query", _query(Name="x", Datacenter="dc1")),
    Step("an unknown key within", "POST", "/v1/query", _query(Name="x", Service={"Service": "web", "Meta": {}})),
    Step("nothing in it", "POST", "/v1/query", {}),
    Step("no service", "POST", "/v1/query", {"Name": "x", "Service": None}),
    Step("neither a name nor a session", "POST", "/v1/query", _query()),
    Step("an id", "POST", "/v1/query", _query(ID=_UNKNOWN, Name="x")),
    Step("a session that is no id", "POST", "/v1/query", _query(Session="x")),
    Step("a session that is not there", "POST", "/v1/query", _query(Session=_UNKNOWN)),
    Step("a name that is a number", "POST", "/v1/query", _query(Name=5)),
    Step("tags that are a text", "POST", "/v1/query", _query(Name="x", Service={"Service": "web", "Tags": "a"})),
    Step("a number of metadata", "POST", "/v1/query", _query(Name="x", Service={"Service": "w", "NodeMeta": {"a": 1}})),
    Step(
        "a key of metadata", "POST", "/v1/query", _query(Name="x", Service={"Service": "w", "NodeMeta": {"a b": "1"}})
    ),
    Step("a truth that is a text", "POST", "/v1/query", _query(Name="x", Service={"Service": "w", "Connect": "x"})),
    Step("a TTL that is none", "POST", "/v1/query", _query(Name="x", DNS={"TTL": "x"})),
    Step("a TTL below zero", "POST", "/v1/query", _query(Name="x", DNS={"TTL": "-1s"})),
    Step("a TTL that is a number", "POST", "/v1/query", _query(Name="x", DNS={"TTL": 5})),
    Step(
        "fewer than no datacenters",
        "POST",
        "/v1/query",
        _query(Name="x", Service={"Service": "web", "Failover": {"NearestN": -1}}),
    ),
    Step("an unknown kind of template", "POST", "/v1/query", _query(Name="x", Template={"Type": "x"})),
    Step("an expression that is none", "POST", "/v1/query", _template("x", {"Service": "web"}, Regexp="(")),
    Step("another datacenter", "POST", "/v1/query?dc=dc2", _query(Name="x")),
    Step("the list of another datacenter", "GET", "/v1/query?dc=dc2"),
    Step("nothing of all this was kept", "GET", "/v1/query"),
    Step("a query", "POST", "/v1/query", _query(Name="q", DNS={"TTL": "7s"}), save={"q": "body:ID"}),
    Step("it is listed", "GET", "/v1/query", unordered=("body",)),
    Step("its name again", "POST", "/v1/query", _query(Name="q")),
    Step("its name in capitals", "POST", "/v1/query", _query(Name="Q")),
    Step("its id as a name", "POST", "/v1/query", _query(Name="$q")),
    Step("its name for a template", "POST", "/v1/query", _template("q", {"Service": "web"})),
    Step("it is shown by its id", "GET", "/v1/query/$q"),
    Step("but not by its name", "GET", "/v1/query/q"),
    Step("one that is not there", "GET", f"/v1/query/{_UNKNOWN}"),
    Step("no id at all", "GET", "/v1/query/"),
    Step("below an id", "GET", "/v1/query/$q/x"),
    Step("it is of this datacenter", "GET", "/v1/query/$q?dc=dc2"),
    Step(
        "everything",
        "POST",
        "/v1/query",
        {
            "Name": "full",
            "Session": "",
            "Token": "secret",
            "Service": {
                "Service": "web",
                "Failover": {"NearestN": 2, "Datacenters": ["dc2"]},
                "OnlyPassing": True,
                "IgnoreCheckIDs": ["a"],
                "Near": "_agent",
                "Tags": ["a", "!b"],
                "NodeMeta": {"k": "v"},
                "ServiceMeta": {"m": "n"},
                "Connect": False,
            },
            "DNS": {"TTL": "10s"},
            "Template": {"Type": "", "Regexp": "x", "RemoveEmptyTags": True},
        },
        save={"full": "body:ID"},
    ),
    Step("everything is shown", "GET", "/v1/query/$full"),
    Step(
        "nothing where there may be something",
        "POST",
        "/v1/query",
        {"name": "nulls", "service": {"service": "web", "Failover": None, "Tags": None}, "DNS": None, "Template": None},
        save={"nulls": "body:ID"},
    ),
    Step("nothing is shown", "GET", "/v1/query/$nulls"),
    Step(
        "empty lists",
        "PUT",
        "/v1/query/$nulls",
        _query(Name="n", Service={"Service": "web", "Tags": [], "NodeMeta": {}, "Failover": {"Datacenters": []}}),
    ),
    Step("are shown as such", "GET", "/v1/query/$nulls"),
    Step("its former name is free", "POST", "/v1/query", _query(Name="nulls", CreateIndex=5)),
    Step("another one's name is not", "PUT", "/v1/query/$nulls", _query(Name="q")),
    Step("the id in a body counts for nothing", "PUT", "/v1/query/$nulls", _query(ID=_UNKNOWN, Name="nn")),
    Step("it has its own id", "GET", "/v1/query/$nulls"),
    Step("replacing what is not there", "PUT", f"/v1/query/{_UNKNOWN}", _query(Name="x")),
    Step("replacing by a name", "PUT", "/v1/query/q", _query(Name="x")),
    Step("replacing by what is broken", "PUT", "/v1/query/$q", b"{bad"),
    Step("replacing by an unknown key", "PUT", "/v1/query/$q", {"Foo": 1}),
    Step("replacing in another datacenter", "PUT", "/v1/query/$q?dc=dc2", _query(Name="q")),
    Step("deleting what is not there", "DELETE", f"/v1/query/{_UNKNOWN}"),
    Step("deleting by a name", "DELETE", "/v1/query/q"),
    Step("deleting", "DELETE", "/v1/query/$full"),
    Step("it is gone", "GET", "/v1/query/$full"),
    Step("put is no way to make one", "PUT", "/v1/query", _query(Name="x")),
    Step("what may be done to all", "OPTIONS", "/v1/query"),
    Step(
        "what may be done to one",
        "OPTIONS",
        "/v1/query/$q",
        differs={"headers.*": _OPTIONS, "content": _OPTIONS, "body": _OPTIONS},
    ),
    Step("one is not posted to", "POST", "/v1/query/$q", {}, differs={"headers.Allow": _ALLOW}),
    Step("running is no writing", "PUT", "/v1/query/q/execute", {}),
    Step("nor is explaining", "DELETE", "/v1/query/q/explain"),
    Step("a session", "PUT", "/v1/session/create", save={"s": "body:ID"}),
    Step("a query that goes with it", "POST", "/v1/query", _query(Session="$s"), save={"bound": "body:ID"}),
    Step("it is there", "GET", "/v1/query/$bound", save={"index": "header:X-Consul-Index"}),
    Step("it needs no name", "GET", "/v1/query/$bound/explain"),
    Step("it may not lose both", "PUT", "/v1/query/$bound", _query()),
    Step(
        "waiting for its end",
        "GET",
        "/v1/query/$bound?index=$index&wait=10s",
        during=(Step("the session ends", "PUT", "/v1/session/destroy/$s"),),
    ),
    Step(
        "the others are still there", "GET", "/v1/query", unordered=("body",), save={"index": "header:X-Consul-Index"}
    ),
    Step(
        "waiting for another one",
        "GET",
        "/v1/query?index=$index&wait=10s",
        unordered=("body",),
        during=(Step("the other one", "POST", "/v1/query", _query(Name="other")),),
    ),
)

_RUNNING = (
    _instance(1, "passing", tags=["a"], NodeMeta={"z": "1"}),
    _instance(2, "warning", tags=["a", "b"]),
    _instance(3, "critical", tags=["b"]),
    Step(
        "a proxy",
        "PUT",
        "/v1/catalog/register",
        {
            "Node": "o4",
            "Address": "10.0.0.4",
            "Service": {
                "Kind": "connect-proxy",
                "Service": "web-proxy",
                "Port": 83,
                "Proxy": {"DestinationServiceName": "web"},
            },
        },
    ),
    Step("running by name", "GET", "/v1/query/q/execute", unordered=("body.Nodes",)),
    Step("running by id", "GET", "/v1/query/$q/execute", unordered=("body.Nodes",)),
    Step("running by name in capitals", "GET", "/v1/query/Q/execute", unordered=("body.Nodes",)),
    Step("running what is not there", "GET", "/v1/query/nope/execute"),
    Step("running nothing", "GET", "/v1/query/execute"),
    Step("running elsewhere", "GET", "/v1/query/q/execute?dc=dc2"),
    Step("a limit that is none", "GET", "/v1/query/q/execute?limit=x"),
    Step("an empty limit", "GET", "/v1/query/q/execute?limit=", unordered=("body.Nodes",)),
    Step("a limit below zero", "GET", "/v1/query/q/execute?limit=-1", unordered=("body.Nodes",)),
    Step("mesh-capable ones", "GET", "/v1/query/q/execute?connect=true"),
    Step("those that are not", "GET", "/v1/query/q/execute?connect=0", unordered=("body.Nodes",)),
    Step("connect without a value", "GET", "/v1/query/q/execute?connect", unordered=("body.Nodes",)),
    Step("connect that is none", "GET", "/v1/query/q/execute?connect=x"),
    Step("stale", "GET", "/v1/query/q/execute?stale&connect=1"),
    Step("consistent", "GET", "/v1/query/q/execute?consistent&connect=1"),
    Step("it does not wait", "GET", "/v1/query/q/execute?index=100000&wait=9s&connect=1"),
    Step("cached", "GET", "/v1/query/q/execute?cached&connect=1"),
    Step("cached again", "GET", "/v1/query/q/execute?cached&connect=1"),
    Step("near a node", "GET", "/v1/query/q/execute?near=o2"),
    Step("near it, one of them", "GET", "/v1/query/q/execute?near=o2&limit=1"),
    Step("near an address", "GET", "/v1/query/q/execute?near=_ip", headers={"X-Forwarded-For": "10.0.0.2, 192.0.2.1"}),
    Step("near nobody", "GET", "/v1/query/q/execute?near=nobody", unordered=("body.Nodes",)),
    Step("near nobody's address", "GET", "/v1/query/q/execute?near=_ip&limit=0", unordered=("body.Nodes",)),
    Step("near the agent", "GET", "/v1/query/q/execute?near=_agent", unordered=("body.Nodes",)),
    *_runs("passing", "those that pass", OnlyPassing=True),
    *_runs("ignoring", "checks that do not count", OnlyPassing=True, IgnoreCheckIDs=["c2", "C3"]),
    *_runs("tagged", "tags", Tags=["A", "!b"]),
    *_runs("untagged", "a tag that may not be", Tags=["!B"]),
    *_runs("empty-tag", "an empty tag", Tags=[""]),
    *_runs("node-meta", "metadata of nodes", NodeMeta={"z": "1"}),
    *_runs("service-meta", "metadata of instances", ServiceMeta={"n": "2"}),
    *_runs("mesh", "its own connect", Connect=True),
    *_runs("near", "its own near", Near="o2"),
    *_runs("nothing", "a service that is not there", Service="nothing"),
    *_runs("failover", "datacenters that are not there", Service="nothing", Failover={"Datacenters": ["dc2", "dc3"]}),
    *_runs("nearest", "nearest datacenters", Service="nothing", Failover={"NearestN": 3}),
    *_runs("own", "this datacenter", Service="nothing", Failover={"NearestN": 1, "Datacenters": ["dc1"]}),
    *_runs("a/b", "slashes in the name", OnlyPassing=True),
    Step("the caller's near comes first", "GET", "/v1/query/near/execute?near=o1"),
    Step("explaining by name", "GET", "/v1/query/q/explain"),
    Step("explaining by id", "GET", "/v1/query/$q/explain"),
    Step("explaining what is not there", "GET", "/v1/query/nope/explain"),
    Step("explaining nothing", "GET", "/v1/query/explain"),
    Step("explaining elsewhere", "GET", "/v1/query/q/explain?dc=dc2"),
)

_TEMPLATES = (
    Step(
        "a template",
        "POST",
        "/v1/query",
        {
            "Name": "cat",
            "Token": "secret",
            "Service": {
                "Service": "${name.full}",
                "Tags": ["${name.prefix}", "${match(1)}", "${match(9)}", "x${name.suffix}", "${agent.segment}"],
                "NodeMeta": {"k": "${name.full}"},
                "ServiceMeta": {"m${name.full}": "${name.full}"},
                "Near": "${name.full}",
                "Failover": {"Datacenters": ["${name.full}"]},
                "IgnoreCheckIDs": ["${name.full}"],
            },
            "DNS": {"TTL": "1s"},
            "Template": {"Type": "name_prefix_match", "Regexp": "^cat-(.*)$$"},
        },
        save={"cat": "body:ID"},
    ),
    Step("it is shown as it is", "GET", "/v1/query/$cat"),
    Step("filled in", "GET", "/v1/query/cat-foo/explain"),
    Step("filled in for capitals", "GET", "/v1/query/CAT-FOO/explain"),
    Step("filled in for its own name", "GET", "/v1/query/cat/explain"),
    Step("filled in where the expression finds nothing", "GET", "/v1/query/catx/explain"),
    Step("not for less than its name", "GET", "/v1/query/ca/explain"),
    Step("not by its id", "GET", "/v1/query/$cat/explain"),
    Step("nor run by its id", "GET", "/v1/query/$cat/execute"),
    Step("run by a name", "GET", "/v1/query/cat-foo/execute"),
    Step("its name is taken", "POST", "/v1/query", _template("CAT", {"Service": "web"})),
    Step("its name is taken for a query, too", "POST", "/v1/query", _query(Name="cat")),
    Step(
        "a longer one",
        "POST",
        "/v1/query",
        _template("cat-f", {"Service": "longer", "Tags": ["", "${name.suffix}", ""]}, RemoveEmptyTags=True),
    ),
    Step("the longer one is taken", "GET", "/v1/query/cat-foo/explain"),
    Step("a query of that name", "POST", "/v1/query", _query(Name="cat-foo")),
    Step("comes before all templates", "GET", "/v1/query/cat-foo/explain"),
    Step("one for all names", "POST", "/v1/query", _template("", {"Service": "all${name.suffix}"})),
    Step("there can be one alone", "POST", "/v1/query", _template("", {"Service": "all"})),
    Step("it is for all names", "GET", "/v1/query/zzz/explain"),
    Step("also for one that looks like an id", "GET", f"/v1/query/{_UNKNOWN}/explain"),
    *(step for number, text in enumerate(_EXPRESSIONS) for step in _fills(number, text)),
    *(_refused(text) for text in _NO_EXPRESSIONS),
)

SCENARIO = Scenario("queries", "Prepared queries: how they are kept, and what they find.", (*_KEEPING, *_RUNNING))
TEMPLATES = Scenario("queries_templates", "Templates of prepared queries.", _TEMPLATES)
