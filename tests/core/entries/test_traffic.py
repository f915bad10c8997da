"""What is wrong with headers, balancing, faults, copies, limits and logs, and where it stands."""

from __future__ import annotations

import pytest

from tests.core.entries.build import flaws


def destination(**fields: object) -> dict[str, object]:
    return {"Routes": [{"Destination": fields}]}


ROUTE = "Routes[0].Destination"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (destination(RetryOn=["5xx", "bad-luck"]), [f"{ROUTE}.RetryOn"]),
        (destination(IdleTimeout="-1s"), [f"{ROUTE}.IdleTimeout"]),
        (destination(RequestHeaders={"Set": {"": "x"}}), [f"{ROUTE}.RequestHeaders.Set"]),
        (destination(ResponseHeaders={"Set": {"X-A": "1"}, "Remove": ["x-a"]}), [f"{ROUTE}.ResponseHeaders.Remove"]),
        (destination(Fault={}), [f"{ROUTE}.Fault"]),
        (destination(Fault={"Delay": {"Percent": 10}}), [f"{ROUTE}.Fault.Delay.Duration"]),
        (
            destination(Fault={"Abort": {"Status": 99, "Percent": 101}}),
            [f"{ROUTE}.Fault.Abort.Percent", f"{ROUTE}.Fault.Abort.Status"],
        ),
        (destination(Mirror={"Percent": -1}), [f"{ROUTE}.Mirror.Service", f"{ROUTE}.Mirror.Percent"]),
        (
            destination(
                RetryOn=["reset"],
                RequestHeaders={"Add": {"x": "1"}},
                Fault={"Abort": {"Status": 503, "Percent": 1.5}},
                Mirror={"Service": "shadow"},
            ),
            [],
        ),
    ],
)
def test_flaws_of_a_destination_are_told_with_their_places(body: dict[str, object], where: list[str]) -> None:
    assert flaws("service-router", body) == where


BALANCERS: list[tuple[dict[str, object], list[str]]] = [
    ({"Policy": "fair"}, [".Policy"]),
    ({"Policy": "random", "RingHashConfig": {}}, [".RingHashConfig"]),
    ({"Policy": "ring_hash", "RingHashConfig": {"MinimumRingSize": 9, "MaximumRingSize": 8}}, [".RingHashConfig"]),
    ({"Policy": "least_request", "LeastRequestConfig": {"ChoiceCount": 1}}, [".LeastRequestConfig.ChoiceCount"]),
    ({"Policy": "random", "HashPolicies": [{"SourceIP": True}]}, [".HashPolicies"]),
    ({"Policy": "maglev", "HashPolicies": [{"Field": "body"}]}, [".HashPolicies[0].Field"]),
    ({"Policy": "maglev", "HashPolicies": [{"Field": "header"}]}, [".HashPolicies[0].FieldValue"]),
    ({"Policy": "maglev", "HashPolicies": [{"SourceIP": True, "Field": "header"}]}, [".HashPolicies[0].SourceIP"]),
    (
        {
            "Policy": "ring_hash",
            "HashPolicies": [
                {"Field": "cookie", "FieldValue": "s", "CookieConfig": {"Session": True, "TTL": "1h"}},
                {"Field": "header", "FieldValue": "h", "CookieConfig": {}},
            ],
        },
        [".HashPolicies[0].CookieConfig", ".HashPolicies[1].CookieConfig"],
    ),
    ({"Policy": "least_request", "LeastRequestConfig": {"ChoiceCount": 3}}, []),
]


@pytest.mark.parametrize(("balancer", "where"), BALANCERS)
def test_flaws_of_balancing_are_told_with_their_places(balancer: dict[str, object], where: list[str]) -> None:
    assert flaws("service-resolver", {"LoadBalancer": balancer}) == [f"LoadBalancer{one}" for one in where]


def test_failover_is_written_one_way_or_the_other() -> None:
    both = {"Failover": {"*": {"Service": "b", "Targets": [{"Service": "c"}]}}}
    assert flaws("service-resolver", both) == ["Failover[*].Targets"]
    assert flaws("service-resolver", {"Failover": {"*": {"Targets": [{}, {"ServiceSubset": "none"}]}}}) == [
        "Failover[*].Targets[0]",
        "Failover[*].Targets[1].ServiceSubset",
    ]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"MaxInboundConnections": -1}, ["MaxInboundConnections"]),
        ({"BalanceInboundConnections": "roughly"}, ["BalanceInboundConnections"]),
        ({"UpstreamConfig": {"Defaults": {"Name": "db"}}}, ["UpstreamConfig.Defaults.Name"]),
        (
            {"UpstreamConfig": {"Overrides": [{}, {"Name": "a", "ConnectTimeoutMs": -1}, {"Name": "a"}]}},
            [
                "UpstreamConfig.Overrides[0].Name",
                "UpstreamConfig.Overrides[1].ConnectTimeoutMs",
                "UpstreamConfig.Overrides[2].Name",
            ],
        ),
        (
            {"UpstreamConfig": {"Defaults": {"Limits": {"MaxConnections": -1}}}},
            ["UpstreamConfig.Defaults.Limits.MaxConnections"],
        ),
        (
            {
                "RateLimits": {
                    "InstanceLevel": {"RequestsMaxBurst": 1, "Routes": [{"PathExact": "/", "PathPrefix": "/"}]}
                }
            },
            ["RateLimits.InstanceLevel.RequestsMaxBurst", "RateLimits.InstanceLevel.Routes[0]"],
        ),
    ],
)
def test_flaws_of_a_services_defaults_are_told_with_their_places(body: dict[str, object], where: list[str]) -> None:
    assert flaws("service-defaults", body) == where


def test_flaws_of_access_logs_are_told_with_their_places() -> None:
    assert flaws("proxy-defaults", {"AccessLogs": {"Type": "printer", "Path": "/x"}}, "global") == [
        "AccessLogs.Type",
        "AccessLogs.Path",
    ]
    assert flaws("proxy-defaults", {"AccessLogs": {"JSONFormat": "{}", "TextFormat": "x"}}, "global") == ["AccessLogs"]


def test_headers_of_an_ingress_gateway_need_a_listener_that_sees_them() -> None:
    service = {"Name": "db", "RequestHeaders": {"Add": {"x": "1"}}}
    listener = {"Port": 80, "Protocol": "tcp", "Services": [service]}
    assert flaws("ingress-gateway", {"Listeners": [listener]}) == ["Listeners[0].Services[0].RequestHeaders"]
    assert flaws("ingress-gateway", {"Listeners": [{**listener, "Protocol": "http"}]}) == []
