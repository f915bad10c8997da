"""What configuration entries say of sidecars and gateways, as the agent and the catalog show these."""

from tests.compat.scenarios.http.entries import CONFIG, put
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/agent/service/register"
SERVICE = "/v1/agent/service"
PROXY = "web-sidecar-proxy"
DEFAULTS = "proxy-defaults"
SERVICE_DEFAULTS = "service-defaults"

_EMPTY: dict[str, Json] = {"zero": 0, "no": False, "empty": "", "nothing": []}
_FULL: dict[str, Json] = {"zero": 5, "no": True, "empty": "full", "nothing": [4, 5]}
_SAYS = "what a registration says holds, also where that is 0 or false: Consul 1.8.7 takes it for nothing"
_UPSTREAM = "Consul 1.8.7 notices another protocol of an upstream only when something else changes"
_LEFT = "Consul 1.8.7 goes on with paths of an entry that is deleted"
_FIRST_RUN = "the first run of a check comes at any time"


def register(fact: str, **body: Json) -> Step:
    """Register through the agent."""
    return Step(fact, "PUT", REGISTER, dict(body))


def shown(fact: str, id: str = PROXY, *, until: str = "", until_not: str = "") -> Step:
    """One instance as the agent shows it."""
    return Step(fact, "GET", f"{SERVICE}/{id}", until=until, until_not=until_not)


SCENARIO = Scenario(
    "central_config",
    "Configuration entries and the proxies that they speak of.",
    (
        register(
            "a sidecar with upstreams",
            Name="web",
            Port=9000,
            Connect={
                "SidecarService": {
                    "Proxy": {
                        "Config": {"own": "mine", "none": None, "list": [1], "deep": {"own": 1}},
                        "Upstreams": [
                            {"DestinationName": "db", "LocalBindPort": 9191},
                            {
                                "DestinationName": "cache",
                                "LocalBindPort": 9192,
                                "Config": {"protocol": "opaque", "mine": 1},
                                "MeshGateway": {"Mode": "none"},
                            },
                            {"DestinationType": "prepared_query", "DestinationName": "near", "LocalBindPort": 9193},
                        ],
                    }
                }
            },
        ),
        shown("without entries it is as it was registered"),
        put(
            "defaults of all proxies",
            DEFAULTS,
            "global",
            Config={
                "protocol": "http",
                "own": "theirs",
                "none": "some",
                "list": [2, 3],
                "deep": {"own": 2, "other": 3},
                "more": {"a": {"b": 1}},
                **_FULL,
            },
            MeshGateway={"Mode": "local"},
            Expose={"Checks": True, "Paths": [{"Path": "/metrics", "ListenerPort": 21500, "LocalPathPort": 9000}]},
        ),
        shown("the agent follows", until="local"),
        Step("the agent's list of services shows it, too", "GET", "/v1/agent/services"),
        Step(
            "so does the catalog",
            "GET",
            f"/v1/catalog/service/{PROXY}",
            until="local",
            omit={"body.0.ModifyIndex": _FIRST_RUN},
        ),
        Step(
            "and the list of what takes mesh connections",
            "GET",
            "/v1/health/connect/web",
            until="local",
            omit={"body.0.Checks": _FIRST_RUN, "body.0.Service.ModifyIndex": _FIRST_RUN},
        ),
        register(
            "a sidecar that says nothing at length",
            Name="terse",
            Port=9001,
            Connect={"SidecarService": {"Proxy": {"Config": dict(_EMPTY)}}},
        ),
        Step(
            "what it says holds, too",
            "GET",
            f"{SERVICE}/terse-sidecar-proxy",
            differs={f"body.Proxy.Config.{name}": _SAYS for name in _EMPTY},
        ),
        put("a protocol of the service", SERVICE_DEFAULTS, "web", Protocol="http2"),
        shown("it goes before that of all proxies", until="http2"),
        put("a protocol of an upstream", SERVICE_DEFAULTS, "db", Protocol="grpc"),
        Step(
            "the upstream has it",
            "GET",
            f"{SERVICE}/{PROXY}",
            until='"protocol": "grpc"',
            differs={"body.Proxy.Upstreams.0.Config.protocol": _UPSTREAM},
        ),
        put("a protocol of another upstream", SERVICE_DEFAULTS, "cache", Protocol="tcp"),
        put(
            "gateways and paths of the service",
            SERVICE_DEFAULTS,
            "web",
            MeshGateway={"Mode": "remote"},
            Expose={"Paths": [{"Path": "/own"}]},
        ),
        shown("they go before those of all proxies", until="remote"),
        Step(
            "the protocol of all proxies goes",
            "PUT",
            CONFIG,
            {"Kind": DEFAULTS, "Name": "global", "Config": {"left": 1}},
        ),
        shown("what went is not shown", until="left", until_not="http"),
        register(
            "a sidecar that says all itself",
            Name="api",
            Port=9100,
            Connect={
                "SidecarService": {
                    "Proxy": {
                        "Config": {"protocol": "tcp", "left": 2},
                        "MeshGateway": {"Mode": "none"},
                        "Expose": {"Paths": [{"Path": "/mine", "ListenerPort": 21501, "LocalPathPort": 9100}]},
                        "Upstreams": [{"DestinationName": "db", "LocalBindPort": 9194}],
                    }
                }
            },
        ),
        shown("what it says holds", "api-sidecar-proxy"),
        put(
            "a service that says otherwise",
            SERVICE_DEFAULTS,
            "api",
            Protocol="http",
            MeshGateway={"Mode": "local"},
            Expose={"Checks": True, "Paths": [{"Path": "/theirs"}]},
        ),
        shown("what it says still holds", "api-sidecar-proxy", until='"Checks": true'),
        register(
            "a proxy of no instance",
            Kind="connect-proxy",
            Name="loose",
            Port=9200,
            Proxy={"DestinationServiceName": "web", "Upstreams": [{"DestinationName": "db", "LocalBindPort": 9195}]},
        ),
        shown("nothing is said of it", "loose"),
        register(
            "a proxy of an instance that is not here",
            Kind="connect-proxy",
            Name="far",
            Port=9201,
            Proxy={"DestinationServiceName": "web", "DestinationServiceID": "elsewhere"},
        ),
        shown("the settings of its service hold", "far"),
        register("a gateway of the mesh", Kind="mesh-gateway", Name="gate", Port=9300),
        shown("the settings of all proxies hold for it", "gate"),
        put("settings of the gateway", SERVICE_DEFAULTS, "gate", Protocol="tcp", MeshGateway={"Mode": "local"}),
        shown("they hold for it", "gate", until="local"),
        register("a gateway that lets out", Kind="terminating-gateway", Name="out", Port=9301),
        shown("the settings of all proxies hold for this one", "out"),
        register("a gateway that lets in", Kind="ingress-gateway", Name="in", Port=9302),
        shown("the settings of all proxies hold for that one", "in"),
        register("a service without a proxy", Name="plain", Port=9400),
        put("settings of that service", SERVICE_DEFAULTS, "plain", Protocol="http", MeshGateway={"Mode": "local"}),
        shown("it has no proxy that they would hold for", "plain"),
        Step("the defaults of all proxies go", "DELETE", f"{CONFIG}/{DEFAULTS}/global"),
        shown("a gateway is as it was registered", "out", until_not="left"),
        Step("the settings of a service go", "DELETE", f"{CONFIG}/{SERVICE_DEFAULTS}/web"),
        Step(
            "what they said is not shown any more",
            "GET",
            f"{SERVICE}/far",
            until_not="remote",
            differs={"body.Proxy.Expose.Paths": _LEFT},
        ),
        Step("the settings of an upstream go", "DELETE", f"{CONFIG}/{SERVICE_DEFAULTS}/db"),
        Step("and of the other", "DELETE", f"{CONFIG}/{SERVICE_DEFAULTS}/cache"),
        shown("without entries it is as it was registered again", until_not="remote"),
        Step("the service goes with its sidecar", "PUT", "/v1/agent/service/deregister/web"),
        put("settings that nobody waits for", DEFAULTS, "global", Config={"late": 1}),
        shown("others follow them", "out", until="late"),
    ),
    config={"enable_central_service_config": True},
)

OFF = Scenario(
    "central_config_off",
    "Sidecars of an agent that was not told to look at configuration entries.",
    (
        put("defaults of all proxies", DEFAULTS, "global", Config={"protocol": "http"}, MeshGateway={"Mode": "local"}),
        register("a sidecar", Name="web", Port=9000, Connect={"SidecarService": {}}),
        shown("it is as it was registered"),
    ),
)

BOOTSTRAP = Scenario(
    "config_bootstrap",
    "Configuration entries that an agent's configuration brings along.",
    (
        Step("defaults of all proxies", "GET", f"{CONFIG}/{DEFAULTS}/global", until="Kind"),
        Step("services, by name", "GET", f"{CONFIG}/{SERVICE_DEFAULTS}", until="web"),
        Step("a router of one of them", "GET", f"{CONFIG}/service-router/web", until="Kind"),
        put("one is written anew", SERVICE_DEFAULTS, "web", Protocol="grpc"),
        Step("an agent that reads its configuration again", "PUT", "/v1/agent/reload"),
        Step("leaves it as it is", "GET", f"{CONFIG}/{SERVICE_DEFAULTS}/web"),
        Step("one is deleted", "DELETE", f"{CONFIG}/{DEFAULTS}/global"),
        Step("an agent that reads its configuration once more", "PUT", "/v1/agent/reload"),
        Step("writes it again", "GET", f"{CONFIG}/{DEFAULTS}/global", until="Kind"),
    ),
    config={
        "config_entries": {
            "bootstrap": [
                {"kind": DEFAULTS, "name": "global", "config": {"a_b": 1, "Deep": {"x": "y"}}},
                {"Kind": SERVICE_DEFAULTS, "Name": "web", "Protocol": "HTTP"},
                {"kind": SERVICE_DEFAULTS, "name": "web", "protocol": "tcp"},
                {"kind": SERVICE_DEFAULTS, "name": "db", "mesh_gateway": {"mode": "local"}},
                {
                    "kind": "service-router",
                    "name": "web",
                    "routes": [{"match": {"http": {"path_prefix": "/a"}}, "destination": {"service": "web"}}],
                },
            ]
        }
    },
)
