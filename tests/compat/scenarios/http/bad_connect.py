"""Wrong requests to the mesh: certificates, judgements, intentions."""

from tests.compat.scenarios.http.wrong import bad_bodies, bad_fields, bad_reads, bad_requests
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_INTENTIONS = "/v1/connect/intentions"
_AUTHORIZE = "/v1/agent/connect/authorize"
_CONFIGURATION = "/v1/connect/ca/configuration"
_NOBODY = "00000000-0000-0000-0000-000000000000"
_INDEX: dict[str, str] = dict.fromkeys(
    ("headers.X-Consul-Index", "headers.X-Consul-Knownleader", "headers.X-Consul-Lastcontact"),
    "a proxy can wait here for a change of what it needs",
)
_ALLOW: dict[str, Json] = {"SourceName": "web", "DestinationName": "db", "Action": "allow"}
_URI = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web"

SCENARIO = Scenario(
    "bad_connect",
    "Wrong requests to the mesh: certificates, judgements, intentions.",
    (
        *bad_requests(
            [
                ("PUT", _INTENTIONS),
                ("DELETE", _INTENTIONS),
                ("POST", f"{_INTENTIONS}/{_NOBODY}"),
                ("GET", f"{_INTENTIONS}/"),
                ("GET", f"{_INTENTIONS}/x"),
                ("GET", f"{_INTENTIONS}/{_NOBODY}"),
                ("DELETE", f"{_INTENTIONS}/x"),
                ("DELETE", f"{_INTENTIONS}/{_NOBODY}"),
                ("GET", f"{_INTENTIONS}/{_NOBODY}?dc=elsewhere"),
                ("PUT", f"{_INTENTIONS}/match"),
                ("GET", f"{_INTENTIONS}/match"),
                ("GET", f"{_INTENTIONS}/match?by=source"),
                ("GET", f"{_INTENTIONS}/match?name=web"),
                ("GET", f"{_INTENTIONS}/match?by=neither&name=web"),
                ("GET", f"{_INTENTIONS}/match?by=source&name="),
                ("GET", f"{_INTENTIONS}/match?by=source&name=a/b/c"),
                ("PUT", f"{_INTENTIONS}/check"),
                ("GET", f"{_INTENTIONS}/check"),
                ("GET", f"{_INTENTIONS}/check?source=web"),
                ("GET", f"{_INTENTIONS}/check?destination=db"),
                ("GET", f"{_INTENTIONS}/check?source=&destination="),
                ("GET", f"{_INTENTIONS}/check?source=a/b/c&destination=db"),
                ("GET", f"{_INTENTIONS}/check?source=web&destination=a/b/c"),
                ("GET", f"{_INTENTIONS}/check?source=web&destination=db&source-type=bogus"),
                ("GET", _AUTHORIZE),
                ("PUT", "/v1/agent/connect/ca/roots"),
                ("PUT", "/v1/agent/connect/ca/leaf/web"),
                ("GET", "/v1/agent/connect/ca/leaf/"),
                ("PUT", "/v1/connect/ca/roots"),
                ("GET", "/v1/connect/ca/roots?pem=maybe"),
                ("POST", _CONFIGURATION),
                ("DELETE", _CONFIGURATION),
            ],
            differs={f"GET {_INTENTIONS}/match?by=source&name=": _INDEX},
        ),
        *bad_reads(_INTENTIONS),
        *bad_reads(f"{_INTENTIONS}/match?by=source&name=web", differs={"ns=team": _INDEX}),
        *bad_reads(f"{_INTENTIONS}/check?source=web&destination=db"),
        *bad_reads(f"{_INTENTIONS}/{_NOBODY}"),
        *bad_reads("/v1/connect/ca/roots"),
        *bad_reads(_CONFIGURATION),
        *bad_bodies("POST", _INTENTIONS),
        *bad_bodies("PUT", f"{_INTENTIONS}/{_NOBODY}"),
        *bad_bodies("POST", _AUTHORIZE),
        *bad_bodies("PUT", _CONFIGURATION),
        Step("POST with an unknown datacenter", "POST", f"{_INTENTIONS}?dc=elsewhere", dict(_ALLOW)),
        Step("PUT of nobody", "PUT", f"{_INTENTIONS}/{_NOBODY}", dict(_ALLOW)),
        Step("PUT of nobody with an index that is none", "PUT", f"{_INTENTIONS}/{_NOBODY}?index=x", dict(_ALLOW)),
        Step("DELETE of nobody with an index that is none", "DELETE", f"{_INTENTIONS}/{_NOBODY}?index=x"),
        Step("PUT of what is no id", "PUT", f"{_INTENTIONS}/x", dict(_ALLOW)),
        *bad_fields(
            "POST",
            _INTENTIONS,
            _ALLOW,
            {
                "ID": ["x", _NOBODY, 1],
                "SourceName": ["", None, 1, "we*", ["web"]],
                "DestinationName": ["", None, 1, "d*"],
                "SourceNS": [1, "a*", "*"],
                "DestinationNS": [1, "a*", "*"],
                "SourceType": ["bogus", 1],
                "Action": ["", "maybe", 1, None, "ALLOW"],
                "Description": [1, "d" * 513],
                "Meta": ["x", {"k": 1}, {"k" * 129: "v"}, {"k": "v" * 513}, {f"k{n}": "v" for n in range(65)}],
                "DefaultPort": ["x"],
                "Precedence": ["x"],
                "Permissions": [[]],
                "Bogus": [1],
            },
        ),
        Step("a first intention", "POST", _INTENTIONS, {**_ALLOW, "SourceName": "first"}),
        Step("the same pair again", "POST", _INTENTIONS, {**_ALLOW, "SourceName": "first"}),
        *bad_fields(
            "POST",
            _AUTHORIZE,
            {"Target": "db", "ClientCertURI": _URI, "ClientCertSerial": "01"},
            {
                "Target": ["", None, 1],
                "ClientCertURI": ["", None, 1, "x", "http://web", "spiffe://x", "spiffe://x/ns/default/dc/dc1/svc/"],
                "ClientCertSerial": [1],
                "Bogus": [1],
            },
        ),
        *bad_fields(
            "PUT",
            _CONFIGURATION,
            {"Provider": "consul", "Config": {}},
            {
                "Provider": ["", "bogus", 1, None],
                "Config": ["x", [], {"LeafCertTTL": "x"}, {"LeafCertTTL": "1m"}, {"PrivateKeyType": "dsa"}],
                "Bogus": [1],
            },
        ),
        Step("what came of all this", "GET", _INTENTIONS, unordered=("body",)),
    ),
)
