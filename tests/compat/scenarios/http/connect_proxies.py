"""Services of the mesh at the agent: sidecars, proxies with upstreams, native services, gateways."""

from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/agent/service/register"

_FIRST_RUN = "the first run of a check comes at any time"
_PANIC = "Consul closes the connection: its encoder cannot write nested values"

SCENARIO = Scenario(
    "connect_proxies",
    "Sidecar services and proxies registered through the agent.",
    (
        Step(
            "an empty sidecar gets everything by default",
            "PUT",
            REGISTER,
            {"Name": "api", "Port": 9000, "Tags": ["t"], "Meta": {"m": "1"}, "Connect": {"SidecarService": {}}},
        ),
        Step("the sidecar is a service of its own", "GET", "/v1/agent/service/api-sidecar-proxy"),
        Step("the service does not show its sidecar", "GET", "/v1/agent/service/api"),
        Step(
            "a sidecar has a TCP and an alias check",
            "GET",
            "/v1/agent/checks",
            until='"passing"',
            omit={"body.service:api-sidecar-proxy:1.Output": _FIRST_RUN},
        ),
        Step("the catalog shows the proxy", "GET", "/v1/catalog/service/api-sidecar-proxy", until="api-sidecar-proxy"),
        Step(
            "connect lists the proxy under the service's name",
            "GET",
            "/v1/catalog/connect/api",
            until="api-sidecar-proxy",
        ),
        Step(
            "health connect lists it with its checks",
            "GET",
            "/v1/health/connect/api",
            until="service:api-sidecar-proxy:2",
            omit={
                "body.0.Checks.1.Output": _FIRST_RUN,
                "body.0.Checks.1.ModifyIndex": _FIRST_RUN,
                "body.0.Checks.2.Output": _FIRST_RUN,
                "body.0.Checks.2.Status": _FIRST_RUN,
                "body.0.Checks.2.ModifyIndex": _FIRST_RUN,
            },
        ),
        Step(
            "a second sidecar gets the next port",
            "PUT",
            REGISTER,
            {
                "ID": "web-1",
                "Name": "web",
                "Port": 9001,
                "Connect": {
                    "SidecarService": {
                        "Proxy": {
                            "Config": {"local_connect_timeout_ms": 900, "fraction": 2.5, "text": "x", "truth": True},
                            "Upstreams": [
                                {"DestinationName": "api", "LocalBindPort": 9191},
                                {
                                    "DestinationType": "prepared_query",
                                    "DestinationName": "near",
                                    "Datacenter": "dc2",
                                    "LocalBindAddress": "127.0.0.5",
                                    "LocalBindPort": 9192,
                                    "Config": {"connect_timeout_ms": 1000},
                                    "MeshGateway": {"Mode": "local"},
                                },
                            ],
                        }
                    }
                },
            },
        ),
        Step("its upstreams are shown with defaults", "GET", "/v1/agent/service/web-1-sidecar-proxy"),
        Step("the catalog shows upstreams", "GET", "/v1/catalog/connect/web", until="web-1-sidecar-proxy"),
        Step("the agent's services with proxies", "GET", "/v1/agent/services"),
        Step(
            "a sidecar may say everything itself",
            "PUT",
            REGISTER,
            {
                "Name": "own",
                "Port": 9002,
                "Connect": {
                    "SidecarService": {
                        "Name": "own-proxy",
                        "Port": 19002,
                        "Tags": ["p"],
                        "Meta": {"x": "y"},
                        "Checks": [{"TTL": "120s", "Name": "mine"}],
                        "Proxy": {"LocalServiceAddress": "127.0.0.3"},
                    }
                },
            },
        ),
        Step("what it said is kept", "GET", "/v1/agent/service/own-sidecar-proxy"),
        Step("its own checks replace the default ones", "GET", "/v1/agent/checks", omit={"body.*.Output": _FIRST_RUN}),
        Step(
            "a sidecar may not name an id",
            "PUT",
            REGISTER,
            {"Name": "bad", "Port": 1, "Connect": {"SidecarService": {"ID": "mine"}}},
        ),
        Step(
            "a sidecar may not have a sidecar",
            "PUT",
            REGISTER,
            {"Name": "bad", "Port": 1, "Connect": {"SidecarService": {"Connect": {"SidecarService": {}}}}},
        ),
        Step(
            "a sidecar of a service without a port",
            "PUT",
            REGISTER,
            {"Name": "noport", "Connect": {"SidecarService": {}}},
        ),
        Step("its proxy has no local port", "GET", "/v1/agent/service/noport-sidecar-proxy"),
        Step(
            "a proxy registers by its kind",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "ID": "db-proxy",
                "Name": "db-proxy",
                "Port": 9300,
                "Proxy": {
                    "DestinationServiceName": "db",
                    "DestinationServiceID": "db-1",
                    "LocalServiceAddress": "127.0.0.1",
                    "LocalServicePort": 5432,
                    "Upstreams": [{"DestinationName": "api", "LocalBindPort": 9400}],
                    "Expose": {
                        "Checks": True,
                        "Paths": [{"Path": "/health", "LocalPathPort": 8, "ListenerPort": 21500, "Protocol": "http"}],
                    },
                },
            },
        ),
        Step("the proxy is shown", "GET", "/v1/agent/service/db-proxy"),
        Step("the proxy is found by its destination", "GET", "/v1/health/connect/db", until="db-proxy"),
        Step("a proxy needs a destination", "PUT", REGISTER, {"Kind": "connect-proxy", "Name": "p", "Port": 1}),
        Step(
            "a proxy needs a port",
            "PUT",
            REGISTER,
            {"Kind": "connect-proxy", "Name": "p", "Proxy": {"DestinationServiceName": "db"}},
        ),
        Step(
            "a proxy may not stand for the wildcard",
            "PUT",
            REGISTER,
            {"Kind": "connect-proxy", "Name": "p", "Port": 1, "Proxy": {"DestinationServiceName": "*"}},
        ),
        Step(
            "an upstream needs a destination",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "Name": "p",
                "Port": 1,
                "Proxy": {"DestinationServiceName": "db", "Upstreams": [{"LocalBindPort": 1}]},
            },
        ),
        Step(
            "an upstream needs a port",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "Name": "p",
                "Port": 1,
                "Proxy": {"DestinationServiceName": "db", "Upstreams": [{"DestinationName": "x"}]},
            },
        ),
        Step(
            "two upstreams may not bind the same port",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "Name": "p",
                "Port": 1,
                "Proxy": {
                    "DestinationServiceName": "db",
                    "Upstreams": [
                        {"DestinationName": "x", "LocalBindPort": 7},
                        {"DestinationName": "y", "LocalBindPort": 7},
                    ],
                },
            },
        ),
        Step(
            "two upstreams to one destination",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "Name": "p",
                "Port": 1,
                "Proxy": {
                    "DestinationServiceName": "db",
                    "Upstreams": [
                        {"DestinationName": "x", "LocalBindPort": 7},
                        {"DestinationName": "x", "LocalBindPort": 8},
                    ],
                },
            },
        ),
        Step(
            "a native service speaks for itself",
            "PUT",
            REGISTER,
            {"Name": "native", "Port": 77, "Connect": {"Native": True}},
        ),
        Step("native is shown", "GET", "/v1/agent/service/native"),
        Step("a native service is found by connect", "GET", "/v1/catalog/connect/native", until='"native"'),
        Step(
            "a proxy may not be native",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "Name": "p",
                "Port": 1,
                "Proxy": {"DestinationServiceName": "db"},
                "Connect": {"Native": True},
            },
        ),
        Step("deregistering a service takes its sidecar away", "PUT", "/v1/agent/service/deregister/api"),
        Step("the sidecar is gone", "GET", "/v1/agent/service/api-sidecar-proxy"),
        Step("connect finds nobody any more", "GET", "/v1/catalog/connect/api", until_not="api-sidecar-proxy"),
        Step("registering without the sidecar again", "PUT", REGISTER, {"Name": "own", "Port": 9002}),
        Step("its sidecar after that", "GET", "/v1/agent/service/own-sidecar-proxy"),
        Step(
            "a proxy whose configuration is nested",
            "PUT",
            REGISTER,
            {
                "Kind": "connect-proxy",
                "Name": "deep",
                "Port": 1,
                "Proxy": {"DestinationServiceName": "db", "Config": {"nested": {"list": [1, "x", None, {"a": 1}]}}},
            },
        ),
        Step("it is in the catalog", "GET", "/v1/catalog/services", until='"deep"', unordered=("body.*",)),
        Step("the nested configuration is shown by the agent", "GET", "/v1/agent/service/deep"),
        Step(
            "the nested configuration is shown by the catalog",
            "GET",
            "/v1/catalog/service/deep",
            differs={"status": _PANIC, "headers": _PANIC, "content": _PANIC, "body": _PANIC},
        ),
        Step("the checks that are left", "GET", "/v1/agent/checks", omit={"body.*.Output": _FIRST_RUN}),
    ),
)
