"""What entries say of the proxies of a service: those of the service over those of all."""

from __future__ import annotations

from lictor_core.config_records import ServiceConfig
from lictor_core.entries.resolved import resolved
from lictor_core.records import Expose, ExposePath, MeshGateway
from tests.core.entries.build import entries, entry, http

EVERYONE = entry(
    "proxy-defaults",
    "global",
    {
        "Config": {"protocol": "HTTP", "a": 1},
        "MeshGateway": {"Mode": "local"},
        "Expose": {"Checks": True, "Paths": [{"Path": "/all"}]},
    },
)


def path(text: str) -> ExposePath:
    return ExposePath(path=text, parsed_from_check=False)


def test_no_entries_say_nothing() -> None:
    nothing = ServiceConfig(proxy_config=None, upstream_configs={}, mesh_gateway=MeshGateway(), expose=Expose())
    assert resolved(entries(), "web", ["db"]) == nothing


def test_the_settings_of_all_proxies_hold_for_each() -> None:
    found = resolved(entries(EVERYONE), "web", ["db"])
    assert found.proxy_config == {"protocol": "HTTP", "a": 1}
    assert found.mesh_gateway.mode == "local"
    assert found.expose == Expose(checks=True, paths=[path("/all")])


def test_those_of_the_service_go_first() -> None:
    own = entry(
        "service-defaults",
        "Web",
        {"Protocol": "grpc", "MeshGateway": {"Mode": "remote"}, "Expose": {"Paths": [{"Path": "/own"}]}},
    )
    found = resolved(entries(EVERYONE, own), "web", [])
    assert found.proxy_config == {"protocol": "grpc", "a": 1}
    assert found.mesh_gateway.mode == "remote"
    assert found.expose == Expose(checks=True, paths=[path("/own")])


def test_a_service_that_leaves_something_open_takes_it_from_all() -> None:
    found = resolved(entries(EVERYONE, entry("service-defaults", "web")), "web", [])
    assert found == resolved(entries(EVERYONE), "web", [])


def test_an_upstream_has_its_protocol() -> None:
    assert resolved(entries(*http("db")), "web", ["db", "x"]).upstream_configs == {"db": {"protocol": "http"}}


def test_limits_of_a_service_are_in_the_configuration_of_its_proxies() -> None:
    own = entry(
        "service-defaults",
        "web",
        {
            "Protocol": "http",
            "MaxInboundConnections": 7,
            "LocalRequestTimeoutMs": 1500,
            "RateLimits": {"InstanceLevel": {"RequestsPerSecond": 10}},
        },
    )
    assert resolved(entries(own), "web", []).proxy_config == {
        "protocol": "http",
        "max_inbound_connections": 7,
        "local_request_timeout_ms": 1500,
        "rate_limits": {"InstanceLevel": {"RequestsPerSecond": 10}},
    }


def test_what_a_service_asks_of_one_upstream_goes_over_what_it_asks_of_all() -> None:
    own = entry(
        "service-defaults",
        "web",
        {
            "UpstreamConfig": {
                "Defaults": {"ConnectTimeoutMs": 1000, "Limits": {"MaxConnections": 3}},
                "Overrides": [{"Name": "db", "ConnectTimeoutMs": 250, "PassiveHealthCheck": {"MaxFailures": 2}}],
            }
        },
    )
    assert resolved(entries(own, *http("db")), "web", ["cache", "db"]).upstream_configs == {
        "cache": {"connect_timeout_ms": 1000, "limits": {"max_connections": 3}},
        "db": {
            "protocol": "http",
            "connect_timeout_ms": 250,
            "limits": {"max_connections": 3},
            "passive_health_check": {"max_failures": 2},
        },
    }


def test_access_logs_of_all_proxies_are_in_the_configuration_of_each_once_they_are_enabled() -> None:
    logs = {"Enabled": True, "Type": "file", "Path": "/var/log/access"}
    of = entries(entry("proxy-defaults", "global", {"AccessLogs": logs}))
    assert resolved(of, "web", []).proxy_config == {"access_logs": logs}
    silent = entries(entry("proxy-defaults", "global", {"AccessLogs": {**logs, "Enabled": False}}))
    assert resolved(silent, "web", []).proxy_config is None
