"""`/v1/connect/ca` and `/v1/agent/connect`."""

from tests.support.recorder.scenario import Scenario, Step

CONFIGURATION = "/v1/connect/ca/configuration"
AUTHORIZE = "/v1/agent/connect/authorize"


SCENARIO = Scenario(
    "connect",
    "The certificate authority, leaves, and who may talk.",
    (
        Step(
            "the roots",
            "GET",
            "/v1/connect/ca/roots",
            save={"trust_domain": "body:TrustDomain", "root": "body:ActiveRootID"},
        ),
        Step("the agent's roots are the same and cached", "GET", "/v1/agent/connect/ca/roots"),
        Step("the roots as one PEM", "GET", "/v1/connect/ca/roots?pem=true"),
        Step("the roots take no PUT", "PUT", "/v1/connect/ca/roots"),
        Step("the agent's roots take no POST", "POST", "/v1/agent/connect/ca/roots"),
        Step("the configuration", "GET", CONFIGURATION),
        Step("a leaf", "GET", "/v1/agent/connect/ca/leaf/web", save={"serial": "body:SerialNumber"}),
        Step("the leaf again is the same from the cache", "GET", "/v1/agent/connect/ca/leaf/web"),
        Step("a leaf of another service", "GET", "/v1/agent/connect/ca/leaf/db"),
        Step("a leaf of a name with capitals", "GET", "/v1/agent/connect/ca/leaf/Web"),
        Step("a leaf of nothing", "GET", "/v1/agent/connect/ca/leaf/"),
        Step("a leaf takes no PUT", "PUT", "/v1/agent/connect/ca/leaf/web"),
        Step(
            "authorize allows by default",
            "POST",
            AUTHORIZE,
            {
                "Target": "db",
                "ClientCertURI": "spiffe://$trust_domain/ns/default/dc/dc1/svc/web",
                "ClientCertSerial": "04:00",
            },
        ),
        Step(
            "a denial",
            "POST",
            "/v1/connect/intentions",
            {"SourceName": "web", "DestinationName": "db", "Action": "deny"},
            save={"intention": "body:ID"},
        ),
        Step(
            "authorize denies and names the intention",
            "POST",
            AUTHORIZE,
            {
                "Target": "db",
                "ClientCertURI": "spiffe://$trust_domain/ns/default/dc/dc1/svc/web",
                "ClientCertSerial": "04:00",
            },
            until="false",
        ),
        Step(
            "authorize looks at the pair",
            "POST",
            AUTHORIZE,
            {
                "Target": "api",
                "ClientCertURI": "spiffe://$trust_domain/ns/default/dc/dc1/svc/web",
                "ClientCertSerial": "04:00",
            },
        ),
        Step(
            "another trust domain",
            "POST",
            AUTHORIZE,
            {
                "Target": "db",
                "ClientCertURI": "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web",
                "ClientCertSerial": "04:00",
            },
        ),
        Step(
            "an agent's identity is no service",
            "POST",
            AUTHORIZE,
            {
                "Target": "db",
                "ClientCertURI": "spiffe://$trust_domain/agent/client/dc/dc1/id/judge",
                "ClientCertSerial": "04:00",
            },
        ),
        Step(
            "an identity that is none",
            "POST",
            AUTHORIZE,
            {"Target": "db", "ClientCertURI": "web", "ClientCertSerial": "04:00"},
        ),
        Step(
            "an identity of another form",
            "POST",
            AUTHORIZE,
            {"Target": "db", "ClientCertURI": "spiffe://$trust_domain/svc/web", "ClientCertSerial": "04:00"},
        ),
        Step("no identity", "POST", AUTHORIZE, {"Target": "db"}),
        Step("no target", "POST", AUTHORIZE, {"ClientCertURI": "spiffe://$trust_domain/ns/default/dc/dc1/svc/web"}),
        Step(
            "no serial",
            "POST",
            AUTHORIZE,
            {"Target": "api", "ClientCertURI": "spiffe://$trust_domain/ns/default/dc/dc1/svc/web"},
        ),
        Step("no body", "POST", AUTHORIZE),
        Step("malformed JSON", "POST", AUTHORIZE, b"{{"),
        Step("authorize takes no GET", "GET", AUTHORIZE),
        Step("authorize takes no PUT", "PUT", AUTHORIZE, {"Target": "db"}),
        Step(
            "a shorter life of leaves",
            "PUT",
            CONFIGURATION,
            {"Provider": "consul", "Config": {"LeafCertTTL": "48h", "RotationPeriod": "2160h"}},
        ),
        Step("the configuration was changed", "GET", CONFIGURATION),
        Step("the root after a change of the configuration", "GET", "/v1/connect/ca/roots"),
        Step("a leaf that lives shorter", "GET", "/v1/agent/connect/ca/leaf/fresh"),
        Step("an unknown provider", "PUT", CONFIGURATION, {"Provider": "nobody", "Config": {}}),
        Step(
            "a life that is no duration",
            "PUT",
            CONFIGURATION,
            {"Provider": "consul", "Config": {"LeafCertTTL": "long"}},
        ),
        Step("a life that is too short", "PUT", CONFIGURATION, {"Provider": "consul", "Config": {"LeafCertTTL": "1m"}}),
        Step(
            "a life that is too long", "PUT", CONFIGURATION, {"Provider": "consul", "Config": {"LeafCertTTL": "20000h"}}
        ),
        Step(
            "an unknown kind of key",
            "PUT",
            CONFIGURATION,
            {"Provider": "consul", "Config": {"PrivateKeyType": "dsa", "PrivateKeyBits": 7}},
        ),
        Step("configuration without a body", "PUT", CONFIGURATION),
        Step("configuration with malformed JSON", "PUT", CONFIGURATION, b"]"),
        Step("configuration takes no POST", "POST", CONFIGURATION, {}),
        Step("the configuration is as it was", "GET", CONFIGURATION),
        Step("the proxies' old path", "GET", "/v1/agent/connect/proxy/web"),
        Step("nothing else is below", "GET", "/v1/connect/ca/nothing"),
    ),
)
