"""Routers, splitters and resolvers: their forms, and what is refused for its own or for others' sake."""

from tests.compat.scenarios.http.entries import CONFIG, put, refused
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

ROUTER, SPLITTER, RESOLVER = "service-router", "service-splitter", "service-resolver"
DEFAULTS, PROXIES = "service-defaults", "proxy-defaults"

_NAMESPACE = "there is one namespace, which Consul names in some answers and leaves out of others"
_NEGATIVE = "a number of retries, a time or a share below zero means nothing"


def route(fact: str, http: Json = None, destination: Json = None, *, differs: dict[str, str] | None = None) -> Step:
    """Write a router of one route."""
    one: dict[str, Json] = {}
    if http is not None:
        one["Match"] = {"HTTP": http}
    if destination is not None:
        one["Destination"] = destination
    return put(fact, ROUTER, Routes=[one], differs=differs)


def split(fact: str, *splits: Json, name: str = "web", differs: dict[str, str] | None = None) -> Step:
    """Write a splitter."""
    return put(fact, SPLITTER, name, Splits=list(splits), differs=differs)


def resolve(fact: str, name: str = "web", **fields: Json) -> Step:
    """Write a resolver."""
    return Step(fact, "PUT", CONFIG, {"Kind": RESOLVER, "Name": name, **fields})


_SHOWN = f"{CONFIG}/{ROUTER}/web"

ROUTES = (
    put("a router of a tcp service", ROUTER),
    put("the service speaks http", DEFAULTS, Protocol="http"),
    put("so does another one", DEFAULTS, "other", Protocol="http"),
    put("a third one speaks tcp", DEFAULTS, "tcp"),
    put("no routes", ROUTER),
    Step("a router without routes", "GET", _SHOWN),
    put("a route without anything", ROUTER, Routes=[{}]),
    Step("an empty route", "GET", _SHOWN),
    route("a match without anything", {}),
    Step("an empty match", "GET", _SHOWN),
    route("an exact path without its slash", {"PathExact": "a"}),
    route("a prefix without its slash", {"PathPrefix": "a"}),
    route("two paths", {"PathPrefix": "/a", "PathRegex": "b"}),
    route("a header without a name", {"PathExact": "/a", "Header": [{"Name": "", "Exact": "a"}]}),
    route("a header without a form", {"Header": [{"Name": "x"}]}),
    route("a header with two forms", {"Header": [{"Name": "x", "Present": True, "Exact": "b"}]}),
    route("a parameter without a name", {"QueryParam": [{"Name": ""}]}),
    route("a parameter without a form", {"QueryParam": [{"Name": "q"}]}),
    route("a parameter with two forms", {"QueryParam": [{"Name": "a", "Present": True, "Regex": "b"}]}),
    route("a method twice", {"Methods": ["get", "post", "GET"]}),
    route("methods in any case", {"Methods": ["get", "Post"]}),
    Step("methods in capitals", "GET", _SHOWN),
    route("a rewrite of no path", None, {"PrefixRewrite": "/x"}),
    route("a rewrite of a path by regular expression", {"PathRegex": "/x"}, {"PrefixRewrite": "/x"}),
    route("a rewrite of an exact path", {"PathExact": "/x"}, {"PrefixRewrite": "/y"}),
    route("a timeout in nanoseconds", None, {"RequestTimeout": 5_000_000_000}),
    Step("the timeout as text", "GET", _SHOWN),
    route("a timeout that is none", None, {"RequestTimeout": "x"}),
    route("a timeout below zero", None, {"RequestTimeout": "-5s"}, differs=refused(_NEGATIVE)),
    route("retries below zero", None, {"NumRetries": -5}, differs=refused(_NEGATIVE)),
    route("retries as text", None, {"NumRetries": "5"}),
    route("retries with a fraction", None, {"NumRetries": 1.7}),
    Step("retries in whole", "GET", _SHOWN),
    route("a destination that speaks tcp", None, {"Service": "tcp"}),
    route("a destination that nobody knows", None, {"Service": "nothere"}),
    route("a subset of another service that is none", None, {"Service": "other", "ServiceSubset": "v9"}),
    route("a subset of its own that is none", None, {"ServiceSubset": "v9"}),
    resolve(
        "subsets of the other one",
        "other",
        DefaultSubset="v1",
        Subsets={"v1": {"Filter": "Service.Meta.version == v1"}, "v2": {"Filter": "", "OnlyPassing": True}},
    ),
    put(
        "a router with everything",
        ROUTER,
        Meta={"a": "b"},
        Routes=[
            {
                "Match": {
                    "HTTP": {
                        "PathPrefix": "/x",
                        "Header": [
                            {"Name": "a", "Present": True},
                            {"Name": "a", "Exact": "v", "Invert": True},
                            {"Name": "b", "Prefix": "p"},
                            {"Name": "b", "Suffix": "s"},
                            {"Name": "b", "Regex": "r"},
                        ],
                        "QueryParam": [
                            {"Name": "q", "Exact": "v"},
                            {"Name": "r", "Regex": "v"},
                            {"Name": "p", "Present": True},
                        ],
                        "Methods": ["GET"],
                    }
                },
                "Destination": {
                    "Service": "other",
                    "ServiceSubset": "v1",
                    "PrefixRewrite": "/y",
                    "RequestTimeout": "1m30s",
                    "NumRetries": 3,
                    "RetryOnConnectFailure": True,
                    "RetryOnStatusCodes": [500, 503],
                },
            }
        ],
    ),
    Step("all of a router", "GET", _SHOWN, differs={"body.Routes.0.Destination.Namespace": _NAMESPACE}),
    put(
        "a router in snake case",
        ROUTER,
        routes=[
            {
                "match": {
                    "http": {
                        "path_prefix": "/",
                        "header": {"name": "a", "present": "1"},
                        "query_param": [{"name": "z", "exact": "y"}],
                    }
                },
                "destination": {
                    "num_retries": 1,
                    "prefix_rewrite": "/",
                    "request_timeout": "5s",
                    "retry_on_connect_failure": "true",
                    "retry_on_status_codes": ["1"],
                },
            }
        ],
    ),
    Step("snake case in capitals", "GET", _SHOWN),
    put("a service with a router cannot turn to tcp", DEFAULTS, Protocol="tcp"),
    put("it can turn to http2", DEFAULTS, Protocol="http2"),
    put("it can turn to grpc", DEFAULTS, Protocol="grpc"),
    put("it can turn back", DEFAULTS, Protocol="http"),
    Step("its defaults cannot be deleted", "DELETE", f"{CONFIG}/{DEFAULTS}/web"),
    put("all services speak http", PROXIES, "global", Config={"protocol": "http"}),
    Step("now its defaults can be deleted", "DELETE", f"{CONFIG}/{DEFAULTS}/web"),
    put("not all services can turn to tcp", PROXIES, "global", Config={"protocol": "tcp"}),
    Step("the defaults of all proxies cannot be deleted", "DELETE", f"{CONFIG}/{PROXIES}/global"),
    Step("the router can be deleted", "DELETE", f"{CONFIG}/{ROUTER}/web"),
    Step("then the defaults can be deleted", "DELETE", f"{CONFIG}/{PROXIES}/global"),
)

_SPLITS = f"{CONFIG}/{SPLITTER}/web"

SPLITS = (
    split("a splitter of a tcp service", {"Weight": 100}),
    put("a service to split speaks http", DEFAULTS, Protocol="http"),
    put("no splits", SPLITTER),
    put("an empty list of splits", SPLITTER, Splits=[]),
    split("a split without a weight", {}),
    split("all to itself", {"Weight": 100}),
    split("a half to another one", {"Weight": 50}, {"Weight": 50, "Service": "other"}),
    Step("two halves", "GET", _SPLITS),
    split("thirds", {"Weight": 33.333}, {"Weight": 66.667, "Service": "other"}),
    Step("weights in hundredths", "GET", _SPLITS),
    split("almost a whole", {"Weight": 33.33}, {"Weight": 66.66, "Service": "other"}),
    split("next to nothing", {"Weight": 0.001}, {"Weight": 99.999, "Service": "other"}),
    split("less than nothing", {"Weight": -1}, {"Weight": 101, "Service": "other"}, differs=refused(_NEGATIVE)),
    split("the same twice", {"Weight": 50}, {"Weight": 50}),
    split("the same twice, once by name", {"Weight": 50}, {"Weight": 50, "Service": "web"}),
    split("nothing to one", {"Weight": 0}, {"Weight": 100, "Service": "other"}),
    split("a service that speaks tcp", {"Weight": 100, "Service": "tcp"}),
    split("a service that nobody knows", {"Weight": 50}, {"Weight": 50, "Service": "nothere"}),
    split("a subset that is none", {"Weight": 100, "ServiceSubset": "x"}),
    split("a weight as text", {"Weight": "100"}),
    put("one split for a list", SPLITTER, Splits={"Weight": 100}),
    split("a key of a split that nobody knows", {"Weight": 100, "Bogus": 1}),
    split("keys in any case", {"weight": 50, "service": "other"}, {"WEIGHT": 50}),
    Step("keys as they should be", "GET", _SPLITS),
    split("a splitter that leads back", {"Weight": 100, "Service": "web"}, name="other"),
    Step("the splitter can be deleted", "DELETE", _SPLITS),
)

_RESOLVED = f"{CONFIG}/{RESOLVER}/web"

RESOLVERS = (
    resolve("a resolver without anything"),
    Step("an empty resolver", "GET", _RESOLVED),
    resolve("a resolver without a name", ""),
    resolve("a default subset that is none", DefaultSubset="v1"),
    resolve("a subset without a name", Subsets={"": {}}),
    resolve("a subset in capitals", Subsets={"V_1": {}}),
    resolve("a subset that begins with a hyphen", Subsets={"-a": {}}),
    resolve("a subset with a dot", Subsets={"a.b": {}}),
    resolve("a subset of 64 characters", Subsets={"a" * 64: {}}),
    resolve("a subset of 63 characters", Subsets={"a" * 63: {}}),
    resolve("a key of a subset that nobody knows", Subsets={"v1": {"X": 1}}),
    resolve(
        "subsets in snake case",
        subsets={"v1": {"filter": "Node.Meta.a == x", "only_passing": True}},
        default_subset="v1",
        connect_timeout="5s",
    ),
    Step("all of the subsets", "GET", _RESOLVED),
    resolve("a redirect without anything", Redirect={}),
    resolve("a redirect to itself", Redirect={"Service": "web"}),
    resolve("a subset without a service", Redirect={"ServiceSubset": "v1"}),
    resolve("a redirect beside subsets", Redirect={"Service": "other"}, Subsets={"v1": {}}),
    resolve("a redirect beside failover", Redirect={"Service": "other"}, Failover={"*": {"Service": "x"}}),
    resolve("a redirect to a namespace", Redirect={"Namespace": "other"}),
    resolve("a redirect to a datacenter", Redirect={"Datacenter": "dc2"}),
    Step("the redirect is shown", "GET", _RESOLVED),
    resolve(
        "a redirect to a subset that is none", Redirect={"Datacenter": "dc9", "Service": "other", "ServiceSubset": "zz"}
    ),
    resolve("no failover", Failover={}),
    resolve("a failover without anything", Failover={"*": {}}),
    resolve("a failover to no datacenter", Failover={"*": {"Datacenters": []}}),
    resolve("a failover to an empty datacenter", Failover={"*": {"Datacenters": [""]}}),
    resolve("a failover to datacenters", Failover={"*": {"Datacenters": ["dc2", "dc3"]}}),
    Step("the failover is shown", "GET", _RESOLVED),
    resolve("a failover of a subset that is none", Failover={"v1": {"Datacenters": ["dc2", "dc3"]}}),
    resolve("a failover of a subset", Failover={"v1": {"Service": "other"}}, Subsets={"v1": {}}),
    resolve("a failover to a subset", Failover={"*": {"ServiceSubset": "v1"}}, Subsets={"v1": {}}),
    resolve("a failover to a subset that is none", Failover={"*": {"ServiceSubset": "v2"}}, Subsets={"v1": {}}),
    resolve(
        "a failover to another one's subset that is none",
        Failover={"*": {"Service": "other", "ServiceSubset": "v9"}},
        Subsets={"v1": {}},
    ),
    resolve("a timeout below zero, too", ConnectTimeout="-1s"),
    resolve(
        "a timeout in nanoseconds, too",
        ConnectTimeout=1_500_000_000,
        Meta={"a": "b"},
        Failover={"*": {"Service": "other", "Datacenters": ["a"]}},
    ),
    Step("a failover with a timeout", "GET", _RESOLVED),
    resolve("a timeout of milliseconds", ConnectTimeout="250ms"),
    Step("a short timeout", "GET", _RESOLVED),
    resolve("a key that nobody knows", LoadBalancing={"Policy": "maglev"}),
    resolve("a redirect from http to tcp", "other", Redirect={"Service": "third"}),
    resolve("a redirect from tcp to http", "third", Redirect={"Service": "other"}),
    resolve("a failover from tcp to http", "third", Failover={"*": {"Service": "other"}}),
    resolve("a redirect ahead", "w1", Redirect={"Service": "w2"}),
    resolve("a redirect that leads back", "w2", Redirect={"Service": "w1"}),
    resolve("a failover ahead", "w3", Failover={"*": {"Service": "w4"}}),
    resolve("a failover that leads back", "w4", Failover={"*": {"Service": "w3"}}),
    resolve("a subset that others use", "w5", Subsets={"v1": {}}),
    resolve("a redirect to that subset", "w6", Redirect={"Service": "w5", "ServiceSubset": "v1"}),
    resolve("the subset cannot be taken away", "w5", Subsets={"v2": {}}),
    Step("its resolver cannot be deleted", "DELETE", f"{CONFIG}/{RESOLVER}/w5"),
    Step("what uses it can be deleted", "DELETE", f"{CONFIG}/{RESOLVER}/w6"),
    Step("then its resolver can be deleted", "DELETE", f"{CONFIG}/{RESOLVER}/w5"),
    put("a service outside", DEFAULTS, "outside", ExternalSNI="outside.example"),
    resolve("subsets of a service outside", "outside", Subsets={"v1": {}}),
    resolve("a failover of a service outside", "outside", Failover={"*": {"Service": "w2"}}),
    resolve("a redirect of a service outside", "outside", Redirect={"Service": "w2"}),
    resolve("a timeout of a service outside", "outside", ConnectTimeout="1s"),
    Step("all resolvers", "GET", f"{CONFIG}/{RESOLVER}"),
    Step("all entries", "GET", f"{CONFIG}/"),
)

SCENARIO = Scenario("config_routing", "Routers, splitters and resolvers.", (*ROUTES, *SPLITS, *RESOLVERS))
