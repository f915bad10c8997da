"""Checks that take over the state of another service or node."""

from tests.support.recorder.scenario import Scenario, Step

REGISTER = "/v1/agent/check/register"
SERVICE = "/v1/agent/service/register"
CHECKS = "/v1/agent/checks"

SCENARIO = Scenario(
    "alias_checks",
    "Checks that take over another's state.",
    (
        Step(
            "a service with a check",
            "PUT",
            SERVICE,
            {
                "ID": "web-1",
                "Name": "web",
                "Port": 80,
                "Check": {"CheckID": "alive", "TTL": "90s", "Status": "passing"},
            },
        ),
        Step("a service without checks", "PUT", SERVICE, {"Name": "free", "Port": 81}),
        Step("a service for the alias", "PUT", SERVICE, {"Name": "front", "Port": 82}),
        Step(
            "an alias belongs to a service",
            "PUT",
            REGISTER,
            {"ID": "alias", "Name": "alias", "ServiceID": "front", "AliasService": "web-1"},
        ),
        Step("an alias takes over passing", "GET", CHECKS, only=("alias",), until='"passing"'),
        Step("the aliased service warns", "PUT", "/v1/agent/check/warn/alive?note=hot"),
        Step("the alias warns", "GET", CHECKS, only=("alias",), until='"warning"'),
        Step("the aliased service fails", "PUT", "/v1/agent/check/fail/alive?note=down"),
        Step("the alias fails", "GET", CHECKS, only=("alias",), until='"critical"'),
        Step("the aliased service recovers", "PUT", "/v1/agent/check/pass/alive"),
        Step("the alias recovers", "GET", CHECKS, only=("alias",), until='"passing"'),
        Step("the aliased service goes", "PUT", "/v1/agent/service/deregister/web-1"),
        Step(
            "an alias of nothing",
            "GET",
            CHECKS,
            only=("alias",),
            omit={
                "body.alias.Status": "two loops of Consul race here",
                "body.alias.Output": "two loops of Consul race here",
            },
        ),
        Step(
            "an alias of a service without checks",
            "PUT",
            REGISTER,
            {"ID": "alias-free", "Name": "alias-free", "ServiceID": "front", "AliasService": "free"},
        ),
        Step("no checks is passing", "GET", CHECKS, only=("alias-free",), until='"passing"'),
        Step(
            "an alias of a service that never was",
            "PUT",
            REGISTER,
            {"ID": "alias-none", "Name": "alias-none", "ServiceID": "front", "AliasService": "nobody"},
        ),
        Step("what it says", "GET", CHECKS, only=("alias-none",), until_not='"Output":""'),
        Step(
            "an alias of a node",
            "PUT",
            REGISTER,
            {"ID": "alias-node", "Name": "alias-node", "ServiceID": "front", "AliasNode": "judge"},
        ),
        Step("a healthy node is passing", "GET", CHECKS, only=("alias-node",), until='"passing"'),
        Step(
            "an alias has no interval",
            "PUT",
            REGISTER,
            {"ID": "alias-interval", "Name": "x", "ServiceID": "front", "AliasService": "free", "Interval": "1s"},
        ),
        Step("an alias with a TTL", "PUT", REGISTER, {"ID": "x", "Name": "x", "AliasService": "free", "TTL": "1s"}),
        Step("an alias within a registration", "PUT", SERVICE, {"Name": "back", "Check": {"AliasService": "free"}}),
        Step("it has an id made from the service", "GET", CHECKS, only=("service:back",), until='"passing"'),
    ),
)
