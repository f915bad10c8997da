"""Snapshots with everything that Envoys are given, each with what is to become of it in `expected/<name>.json`.

`python -m tests.connect_proxy.xds.examples` writes what becomes of them now; the difference is to be read.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final

import msgspec

from lictor_connect_proxy.snapshot import (
    BindAddress,
    Endpoint,
    ExposedPath,
    IngressListener,
    IngressService,
    Leaf,
    Limits,
    MeshGatewayServices,
    PassiveHealth,
    ProxySnapshot,
    QueryResult,
    TerminatedService,
    UpstreamListener,
)
from lictor_connect_proxy.xds.builders import build
from lictor_core.entries.traffic import HeaderModifiers
from lictor_core.intentions import stated_rule
from lictor_core.records import JsonObject, ServiceKind
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import TRUST_DOMAIN, endpoint, policy, rule, snapshot
from tests.connect_proxy.xds.chains import compiled
from tests.connect_proxy.xds.issuer import KEYS

__all__ = ["EXAMPLES", "EXPECTED", "genuine", "written"]

EXPECTED: Final = Path(__file__).with_name("expected")


def genuine(one: ProxySnapshot, authority: Authority) -> ProxySnapshot:
    """The snapshot with certificates that a real Envoy loads."""

    def real(leaf: Leaf | None) -> Leaf | None:
        return None if leaf is None else authority.leaf_with(leaf.uri)

    terminated = tuple(msgspec.structs.replace(each, leaf=real(each.leaf)) for each in one.terminated)
    return msgspec.structs.replace(one, leaf=real(one.leaf), roots=authority.roots(), terminated=terminated)


def written(one: ProxySnapshot) -> str:
    """What becomes of a snapshot, as it is kept."""
    return json.dumps(build(one), indent=1, sort_keys=True) + "\n"


def _connections() -> ProxySnapshot:
    upstream = UpstreamListener(
        service="cache",
        bind_port=9191,
        limits=Limits(max_connections=3, max_pending_requests=4, max_concurrent_requests=5),
        passive_health=PassiveHealth(interval_s=2, failures_max=7),
    )
    query = UpstreamListener(service="nearest", is_query=True, socket_path="/run/nearest.sock", socket_mode=0o660)
    ill = endpoint(2)._replace(healthy=False)
    return msgspec.structs.replace(
        snapshot(rule("web", "allow"), rule("*", "deny"), rule("a b", "allow")),
        upstreams=(upstream, query),
        endpoints={
            upstream.key: (endpoint(1)._replace(weight=500), ill, endpoint(3)._replace(weight=0)),
            query.key: (endpoint(4), endpoint(5)._replace(host="db.example")),
        },
        queried={query.key: QueryResult("api", "dc2")},
    )


def _requests() -> ProxySnapshot:
    """A service of http with rules about requests, and an upstream with everything that a chain can say."""
    chain = compiled("api", *_CHAIN)
    upstream = UpstreamListener(service="api", bind_port=9191, config_json=json.dumps(_PASSIVE))
    one = snapshot(
        rule("*", "deny"),
        rule("web", "allow"),
        stated_rule(rule("mobile", "deny"), _PERMISSIONS, None),
        stated_rule(rule("partner", "allow"), None, {"Providers": [{"Name": "okta"}]}),
        default_allow=False,
    )
    assert one.public is not None
    return msgspec.structs.replace(
        one,
        public=msgspec.structs.replace(one.public, protocol="http"),
        upstreams=(upstream,),
        chains={upstream.key: chain},
        instances={id: (endpoint(number),) for number, id in enumerate(chain.targets)},
        jwt_providers={"okta": _OKTA, "remote": _REMOTE},
        config={
            "access_logs": {"Enabled": True},
            "rate_limits": _RATES,
            "otlp_url": "http://127.0.0.1:4317",
            "local_request_timeout_ms": 2500,
            "local_idle_timeout_ms": 60000,
            "balance_inbound_connections": "exact_balance",
        },
        exposed=(
            ExposedPath(path="/health", listener_port=21500, application_port=8080),
            ExposedPath(path="/check", listener_port=21501, application_port=8080, protocol="http2", from_check=True),
        ),
    )


_RATES: Final[JsonObject] = {
    "InstanceLevel": {
        "RequestsPerSecond": 100,
        "RequestsMaxBurst": 150,
        "Routes": [
            {"PathPrefix": "/slow", "RequestsPerSecond": 5},
            {"PathExact": "/free"},
            {"PathRegex": "/v[12]/.*", "RequestsPerSecond": 7},
        ],
    }
}
_PASSIVE: Final[JsonObject] = {
    "passive_health_check": {
        "enforcing_consecutive_5xx": 80,
        "max_ejection_percent": 50,
        "base_ejection_time": "7s",
    }
}
_PERMISSIONS: Final[list[JsonObject]] = [
    {"Action": "deny", "HTTP": {"PathPrefix": "/admin"}},
    {
        "Action": "allow",
        "HTTP": {
            "PathRegex": "/v[0-9]+/.*",
            "Methods": ["GET", "HEAD"],
            "Header": [
                {"Name": "X-Tenant", "Exact": "a", "IgnoreCase": True},
                {"Name": "X-Debug", "Present": True, "Invert": True},
                {"Name": "X-Any", "Contains": "b"},
                {"Name": ":path", "Suffix": ".json"},
            ],
        },
    },
    {
        "Action": "allow",
        "HTTP": {"PathExact": "/mine"},
        "JWT": {
            "Providers": [
                {"Name": "okta", "VerifyClaims": [{"Path": ["perms", "role"], "Value": "admin"}]},
                {"Name": "remote"},
                {"Name": "unknown"},
            ]
        },
    },
]
_OKTA: Final[JsonObject] = {
    "Issuer": "https://okta.example",
    "Audiences": ["lictor"],
    "JSONWebKeySet": {"Local": {"JWKS": base64.b64encode(json.dumps(KEYS).encode()).decode()}},
    "Locations": [
        {"Header": {"Name": "Authorization", "ValuePrefix": "Bearer", "Forward": True}},
        {"QueryParam": {"Name": "token"}},
        {"Cookie": {"Name": "token"}},
    ],
    "Forwarding": {"HeaderName": "X-Claims", "PadForwardPayloadHeader": True},
    "ClockSkewSeconds": 45,
    "CacheConfig": {"Size": 10},
}
_REMOTE: Final[JsonObject] = {
    "JSONWebKeySet": {
        "Remote": {
            "URI": "https://keys.example:8443/jwks.json",
            "RequestTimeoutMs": 250,
            "CacheDuration": "5m",
            "FetchAsynchronously": True,
            "RetryPolicy": {"NumRetries": 3, "RetryPolicyBackOff": {"BaseInterval": "1s", "MaxInterval": "10s"}},
            "JWKSCluster": {"DiscoveryType": "STRICT_DNS", "ConnectTimeout": "2s"},
        }
    }
}
_CHAIN: Final[tuple[JsonObject, ...]] = (
    {"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "http"}},
    {
        "Kind": "service-router",
        "Name": "api",
        "Routes": [
            {
                "Match": {
                    "HTTP": {
                        "PathExact": "/exact",
                        "Methods": ["GET", "PUT"],
                        "Header": [
                            {"Name": "x-one", "Present": True},
                            {"Name": "x-two", "Prefix": "a", "Invert": True},
                            {"Name": "x-three", "Suffix": "b"},
                            {"Name": "x-four", "Regex": "c+"},
                            {"Name": "x-five", "Exact": "d"},
                        ],
                        "QueryParam": [
                            {"Name": "p", "Present": True},
                            {"Name": "q", "Exact": "1"},
                            {"Name": "r", "Regex": "2+"},
                        ],
                    }
                },
                "Destination": {
                    "Service": "other",
                    "PrefixRewrite": "/rewritten",
                    "RequestTimeout": "3s",
                    "IdleTimeout": "90s",
                    "NumRetries": 3,
                    "RetryOnConnectFailure": True,
                    "RetryOnStatusCodes": [502, 503],
                    "RetryOn": ["reset", "unavailable"],
                    "RequestHeaders": {"Add": {"x-added": "1"}, "Set": {"x-set": "2"}, "Remove": ["x-gone"]},
                    "ResponseHeaders": {"Set": {"x-answer": "3"}},
                },
            },
            {
                "Match": {"HTTP": {"PathPrefix": "/faulty"}},
                "Destination": {
                    "Fault": {
                        "Delay": {"Duration": "250ms", "Percent": 50},
                        "Abort": {"Status": 418, "Percent": 0.5},
                    },
                    "Mirror": {"Service": "shadow", "Percent": 10},
                },
            },
            {"Match": {"HTTP": {"PathRegex": "/r.*"}}, "Destination": {"ServiceSubset": "v2"}},
        ],
    },
    {
        "Kind": "service-splitter",
        "Name": "api",
        "Splits": [
            {"Weight": 99.75, "ServiceSubset": "v1", "RequestHeaders": {"Set": {"x-split": "v1"}}},
            {"Weight": 0.25, "ServiceSubset": "v2"},
        ],
    },
    {
        "Kind": "service-resolver",
        "Name": "api",
        "ConnectTimeout": "1500ms",
        "RequestTimeout": "4s",
        "Subsets": {"v1": {"Filter": "Service.Meta.version == 1"}, "v2": {"OnlyPassing": True}},
        "Failover": {"v2": {"Service": "spare"}},
        "LoadBalancer": {
            "Policy": "ring_hash",
            "RingHashConfig": {"MinimumRingSize": 100, "MaximumRingSize": 200},
            "HashPolicies": [
                {"Field": "header", "FieldValue": "x-user", "Terminal": True},
                {"Field": "cookie", "FieldValue": "user", "CookieConfig": {"TTL": "8s", "Path": "/a"}},
                {"Field": "query_parameter", "FieldValue": "user"},
                {"SourceIP": True},
            ],
        },
    },
    {
        "Kind": "service-resolver",
        "Name": "other",
        "LoadBalancer": {"Policy": "least_request", "LeastRequestConfig": {"ChoiceCount": 3}},
    },
)


def _calls() -> ProxySnapshot:
    """A service of gRPC that calls another one, which has no chain."""
    upstream = UpstreamListener(service="ledger", bind_port=9191, protocol="grpc")
    one = snapshot(rule("web", "allow"))
    assert one.public is not None
    return msgspec.structs.replace(
        one,
        public=msgspec.structs.replace(one.public, protocol="grpc"),
        upstreams=(upstream,),
        endpoints={upstream.key: (endpoint(1),)},
    )


def _by_hand() -> ProxySnapshot:
    """Escape hatches in every place."""
    config = {"envoy_listener_json": json.dumps(_listener(9191)), "envoy_cluster_json": json.dumps(_CLUSTER)}
    upstream = UpstreamListener(service="cache", bind_port=9191, config_json=json.dumps(config))
    return msgspec.structs.replace(
        snapshot(rule("web", "allow"), default_allow=False),
        upstreams=(upstream,),
        endpoints={upstream.key: (endpoint(1),)},
        config={
            "envoy_public_listener_json": json.dumps(_listener(21000)),
            "envoy_local_cluster_json": json.dumps(_CLUSTER),
        },
    )


def _listener(port: int) -> JsonObject:
    proxy: JsonObject = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "by_hand",
        "cluster": "local_app",
    }
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": f"by_hand_{port}",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "tcp", "typed_config": proxy}]}],
    }


_CLUSTER: Final[JsonObject] = {
    "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    "name": "by_hand",
    "type": "STATIC",
    "connect_timeout": "3s",
}


def _ingress() -> ProxySnapshot:
    """A port for two services of http, one with TLS, one for connections."""
    api, web = UpstreamListener(service="api"), UpstreamListener(service="web", protocol="http")
    db = UpstreamListener(service="db", limits=Limits(max_connections=9))
    chain = compiled("api", *_CHAIN)
    headers = HeaderModifiers(set={"x-from": "outside"}, remove=("x-inner",))
    return msgspec.structs.replace(
        snapshot(service="gateway"),
        kind=ServiceKind.INGRESS_GATEWAY,
        public=None,
        chains={api.key: chain},
        instances={id: (endpoint(number),) for number, id in enumerate(chain.targets)},
        endpoints={web.key: (endpoint(8),), db.key: (endpoint(9),)},
        ingress=(
            IngressListener(
                bind_address="127.0.0.1",
                port=8080,
                protocol="http",
                services=(
                    IngressService(upstream=api, hosts=("api.example", "*.api.example"), request_headers=headers),
                    IngressService(upstream=web),
                ),
            ),
            IngressListener(
                bind_address="127.0.0.1",
                port=8443,
                protocol="http2",
                services=(IngressService(upstream=web, hosts=("*",)),),
                tls=True,
            ),
            IngressListener(
                bind_address="127.0.0.1", port=5432, protocol="tcp", services=(IngressService(upstream=db),)
            ),
        ),
    )


def _terminating() -> ProxySnapshot:
    """Three services outside the mesh: one plain with subsets, one of http by TLS, one by its name."""
    subsets: JsonObject = {"v1": {"Filter": "Service.Meta.version == 1"}}
    resolver: JsonObject = {"Kind": "service-resolver", "Name": "old", "Subsets": subsets, "DefaultSubset": "v1"}
    http: JsonObject = {"Kind": "service-defaults", "Name": "billing", "Protocol": "http"}
    chains = {"old": compiled("old", resolver), "billing": compiled("billing", http), "named": compiled("named")}
    targets = [target for chain in chains.values() for target in chain.targets]
    ruled = stated_rule(rule("web", "deny", "billing"), _PERMISSIONS, None)
    services = {
        "old": TerminatedService(service="old", policy=policy(rule("web", "allow", "old"))),
        "billing": TerminatedService(
            service="billing", policy=policy(ruled), ca_file=_CA_FILE, sni="billing.example", protocol="http"
        ),
        "named": TerminatedService(service="named", policy=None, ca_file=_CA_FILE),
    }
    hosts = {target: (endpoint(number),) for number, target in enumerate(targets)}
    hosts["named.default.dc1"] = (Endpoint("named.example", 443, "named"),)
    return msgspec.structs.replace(
        snapshot(service="gateway"),
        kind=ServiceKind.TERMINATING_GATEWAY,
        public=None,
        instances=hosts,
        terminated=tuple(
            msgspec.structs.replace(one, leaf=snapshot(service=name).leaf, chain=chains[name])
            for name, one in services.items()
        ),
        bind_addresses=(BindAddress(name="default", address="127.0.0.1", port=8443),),
        jwt_providers={"okta": _OKTA, "remote": _REMOTE},
        knows_behind=True,
    )


def _mesh() -> ProxySnapshot:
    """A gateway between datacenters, on two addresses."""
    sni, other = f"db.default.dc1.internal.{TRUST_DOMAIN}", f"dc2.internal.{TRUST_DOMAIN}"
    return msgspec.structs.replace(
        snapshot(service="gateway"),
        kind=ServiceKind.MESH_GATEWAY,
        public=None,
        mesh=MeshGatewayServices(
            services={sni: (endpoint(1), endpoint(2)._replace(healthy=False))},
            datacenters={other: (Endpoint("gateway.example", 443, "gateway"),)},
        ),
        bind_addresses=(
            BindAddress(name="default", address="127.0.0.1", port=8443),
            BindAddress(name="wan", address="127.0.0.1", port=8444),
        ),
        config={"connect_timeout_ms": 700, "envoy_dns_discovery_type": "STRICT_DNS"},
        knows_behind=True,
    )


_CA_FILE: Final = "/etc/ssl/certs/ca-certificates.crt"
EXAMPLES: Final[dict[str, ProxySnapshot]] = {
    "connections": _connections(),
    "nobody": snapshot(has_policy=False),
    "all_but": msgspec.structs.replace(
        snapshot(default_allow=True), policy=policy(rule("web", "deny"), rule("a b", "deny"))
    ),
    "no_certificate": msgspec.structs.replace(_connections(), leaf=None),
    "requests": _requests(),
    "calls": _calls(),
    "by_hand": _by_hand(),
    "ingress": _ingress(),
    "terminating": _terminating(),
    "mesh": _mesh(),
}


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for name, one in EXAMPLES.items():
        EXPECTED.joinpath(f"{name}.json").write_text(written(one))
