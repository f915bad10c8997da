"""`/v1/discovery-chain`: what entries of all shapes come to."""

from tests.compat.scenarios.http.entries import CHAIN, put
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

ROUTER, SPLITTER, RESOLVER = "service-router", "service-splitter", "service-resolver"
DEFAULTS, PROXIES = "service-defaults", "proxy-defaults"


def chain(fact: str, service: str, body: "Json | bytes" = None, *, query: str = "") -> Step:
    """Read a chain."""
    hashed = {"body.Chain.CustomizationHash": "a hash by which chains are told apart; each product makes its own"}
    if body is None:
        return Step(fact, "GET", f"{CHAIN}/{service}{query}")
    return Step(fact, "POST", f"{CHAIN}/{service}{query}", body, omit=hashed)


SCENARIO = Scenario(
    "discovery_chain",
    "Discovery chains.",
    (
        chain("of what nobody knows", "plain"),
        chain("with a name in capitals", "Plain"),
        chain("with a slash", "a/b"),
        chain("without a name", ""),
        chain("an empty mapping changes nothing", "plain", {}),
        chain("an empty body", "plain", b""),
        chain("half of a body", "plain", b"{"),
        chain("null", "plain", b"null"),
        chain("a list", "plain", b"[]"),
        chain("a key that nobody knows", "plain", {"Bogus": 1}),
        chain("a protocol, in lower case", "plain", {"overrideprotocol": "http"}),
        chain("a protocol, in snake case", "plain", {"override_protocol": "http"}),
        chain(
            "everything",
            "plain",
            {"OverrideProtocol": "http", "OverrideConnectTimeout": "7s", "OverrideMeshGateway": {"Mode": "local"}},
        ),
        chain("a timeout in nanoseconds", "plain", {"OverrideConnectTimeout": 7_000_000_000}),
        chain("a timeout that is none", "plain", {"OverrideConnectTimeout": "x"}),
        chain("a mode that nobody knows", "plain", {"OverrideMeshGateway": {"Mode": "bogus"}}),
        chain("a mode that is no mapping", "plain", {"OverrideMeshGateway": "local"}),
        chain("as seen from another datacenter", "plain", query="?compile-dc=dc2"),
        chain("in an unknown datacenter", "plain", query="?dc=dc2"),
        chain("from any server", "plain", query="?stale"),
        Step("it takes no PUT", "PUT", f"{CHAIN}/plain", {}),
        put(
            "all speak http, gateways are remote",
            PROXIES,
            "global",
            Config={"protocol": "http"},
            MeshGateway={"Mode": "remote"},
        ),
        chain("of a service that speaks http", "plain"),
        put("a service outside", DEFAULTS, Protocol="http", MeshGateway={"Mode": "local"}, ExternalSNI="ext.sni"),
        chain("of a service outside", "web"),
        put("the service is inside", DEFAULTS, Protocol="http"),
        put(
            "subsets with failover",
            RESOLVER,
            DefaultSubset="v1",
            ConnectTimeout="15s",
            Subsets={
                "v1": {"Filter": "Service.Meta.version == v1"},
                "v3": {},
                "v2": {"Filter": "Service.Meta.version == v2", "OnlyPassing": True},
            },
            Failover={
                "v2": {"Datacenters": ["dc2", "dc3"]},
                "*": {"Service": "back", "Datacenters": ["dc4"]},
                "v3": {"ServiceSubset": "v1"},
            },
        ),
        chain("of a default subset", "web"),
        put(
            "shares",
            SPLITTER,
            Splits=[
                {"Weight": 60, "ServiceSubset": "v1"},
                {"Weight": 30, "ServiceSubset": "v2"},
                {"Weight": 10, "Service": "other"},
            ],
        ),
        chain("of shares", "web"),
        put("shares of a share", SPLITTER, "other", Splits=[{"Weight": 50, "Service": "third"}, {"Weight": 50}]),
        chain("of shares of a share", "web"),
        put(
            "a router",
            ROUTER,
            Routes=[
                {
                    "Match": {"HTTP": {"PathPrefix": "/admin"}},
                    "Destination": {
                        "Service": "admin",
                        "PrefixRewrite": "/",
                        "RequestTimeout": "5s",
                        "NumRetries": 2,
                        "RetryOnConnectFailure": True,
                        "RetryOnStatusCodes": [503],
                    },
                },
                {"Match": {"HTTP": {"PathExact": "/v2"}}, "Destination": {"ServiceSubset": "v2"}},
                {"Match": {"HTTP": {"Header": [{"Name": "x", "Present": True}]}}},
                {"Match": {"HTTP": {"PathPrefix": "/o"}}, "Destination": {"Service": "other"}},
            ],
        ),
        chain("of a router", "web"),
        put("a redirect elsewhere", RESOLVER, "admin", Redirect={"Service": "adm2", "Datacenter": "dc9"}),
        chain("of a redirect", "admin"),
        chain("tcp leaves out routers and splitters", "web", {"OverrideProtocol": "tcp"}),
        chain("http2 keeps them", "web", {"OverrideProtocol": "http2"}),
        chain("a timeout for all", "web", {"OverrideConnectTimeout": "1s"}),
        chain("gateways for all", "web", {"OverrideMeshGateway": {"Mode": "none"}}),
        chain("a router from another datacenter", "web", query="?compile-dc=dc9"),
    ),
)

FOLLOWED = Scenario(
    "discovery_chain_followed",
    "Discovery chains that go through redirects, failovers and splitters.",
    (
        put(
            "all speak http, gateways are remote",
            PROXIES,
            "global",
            Config={"protocol": "http"},
            MeshGateway={"Mode": "remote"},
        ),
        put("a redirect elsewhere", RESOLVER, "admin", Redirect={"Service": "adm2", "Datacenter": "dc9"}),
        put("subsets", RESOLVER, Subsets={"v2": {}}, Failover={"v2": {"Datacenters": ["dc2"]}}),
        put("shares", SPLITTER, Splits=[{"Weight": 60, "ServiceSubset": "v2"}, {"Weight": 40, "Service": "other"}]),
        put("a router to pass by", ROUTER, Routes=[{"Destination": {"Service": "other"}}]),
        put(
            "a redirect's target with a subset",
            RESOLVER,
            "adm2",
            DefaultSubset="s",
            Subsets={"s": {}},
            Failover={"*": {"Service": "adm3"}},
        ),
        put("a failover's redirect", RESOLVER, "adm3", Redirect={"Service": "adm4"}),
        put("a failover's failover", RESOLVER, "adm4", ConnectTimeout="2s", Failover={"*": {"Datacenters": ["x"]}}),
        chain("of a redirect to a subset", "admin"),
        chain("a failover goes through a redirect", "adm2"),
        put("a failover to here and there", RESOLVER, "dcf", Failover={"*": {"Datacenters": ["dc1", "dc2"]}}),
        chain("a failover to itself is left out", "dcf"),
        put("a failover to itself", RESOLVER, "samef", Failover={"*": {"Service": "samef"}}),
        chain("a failover to itself alone", "samef"),
        put("a redirect to a subset", RESOLVER, "red", Redirect={"Service": "web", "ServiceSubset": "v2"}),
        chain("a redirect passes by splitters", "red"),
        put("a redirect to a datacenter", RESOLVER, "reddc", Redirect={"Datacenter": "dc2"}),
        chain("of a redirect to a datacenter", "reddc"),
        put("a share of a share", SPLITTER, "sp1", Splits=[{"Weight": 100, "Service": "sp2"}]),
        put("thirds", SPLITTER, "sp2", Splits=[{"Weight": 33.33, "Service": "x1"}, {"Weight": 66.67, "Service": "x2"}]),
        chain("a splitter becomes part of another", "sp1"),
        put(
            "halves of thirds",
            SPLITTER,
            "sp3",
            Splits=[{"Weight": 50, "Service": "sp2"}, {"Weight": 50, "Service": "x1"}],
        ),
        chain("shares are rounded", "sp3"),
        put("a router without routes", ROUTER, "r0"),
        chain("of a router without routes", "r0"),
        put("a router to a splitter", ROUTER, "r1", Routes=[{"Destination": {"Service": "web"}}]),
        chain("a router leads to another's splitter, not its router", "r1"),
        put(
            "a router of everything",
            ROUTER,
            "r3",
            Routes=[{"Match": {"HTTP": {"PathPrefix": "/"}}, "Destination": {"Service": "x9"}}],
        ),
        chain("of a router of everything", "r3"),
        put(
            "a router with a failover",
            ROUTER,
            "r4",
            Routes=[
                {"Match": {"HTTP": {"PathPrefix": "/a"}}, "Destination": {"Service": "dcf"}},
                {"Match": {"HTTP": {"PathPrefix": "/b"}}, "Destination": {"Service": "dcf"}},
            ],
        ),
        chain("of a router with a failover", "r4", query="?cached"),
        Step("a wait for a change", "GET", f"{CHAIN}/waits", save={"index": "header:X-Consul-Index"}),
        Step(
            "a change wakes who waits",
            "GET",
            f"{CHAIN}/waits?index=$index&wait=10s",
            during=(put("the change that wakes", RESOLVER, "waits", ConnectTimeout="1s"),),
        ),
    ),
)
