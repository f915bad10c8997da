"""How tokens are verified: what cannot be is told, and where."""

from __future__ import annotations

import base64
import json

import pytest

from lictor_core.entries.jwt_provider import CLOCK_SKEW_S, JWTProvider
from lictor_core.entries.reading import body_of
from lictor_core.records import JsonObject
from tests.core.entries.build import entry, flaws

KIND = "jwt-provider"
KEYS = base64.b64encode(json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}]}).encode()).decode()
LOCAL: JsonObject = {"Local": {"JWKS": KEYS}}
REMOTE: JsonObject = {
    "URI": "https://issuer.example:8443/keys",
    "RequestTimeoutMs": 500,
    "CacheDuration": "5m0s",
    "FetchAsynchronously": True,
    "RetryPolicy": {"NumRetries": 2, "RetryPolicyBackOff": {"BaseInterval": "1s", "MaxInterval": "10s"}},
    "JWKSCluster": {
        "DiscoveryType": "STRICT_DNS",
        "ConnectTimeout": "5s",
        "TLSCertificates": {"TrustedCA": {"Filename": "/etc/ca.pem"}},
    },
}
FULL: JsonObject = {
    "JSONWebKeySet": {"Remote": REMOTE},
    "Issuer": "https://issuer.example",
    "Audiences": ["api"],
    "Locations": [
        {"Header": {"Name": "Authorization", "ValuePrefix": "Bearer ", "Forward": True}},
        {"QueryParam": {"Name": "token"}},
        {"Cookie": {"Name": "session"}},
    ],
    "Forwarding": {"HeaderName": "x-claims", "PadForwardPayloadHeader": True},
    "ClockSkewSeconds": 10,
    "CacheConfig": {"Size": 100},
}


def test_an_entry_is_kept_as_it_was_written() -> None:
    found = entry(KIND, "okta", FULL)
    assert list(found.flaws()) == []
    assert body_of(found) == FULL


def test_clocks_may_differ_by_half_a_minute_unless_said() -> None:
    found = entry(KIND, "okta", {"JSONWebKeySet": LOCAL})
    assert isinstance(found, JWTProvider)
    assert found.clock_skew_seconds == CLOCK_SKEW_S
    assert flaws(KIND, {"JSONWebKeySet": LOCAL}) == []


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        (None, ["JSONWebKeySet"]),
        ({}, ["JSONWebKeySet"]),
        ({"Local": {"JWKS": KEYS}, "Remote": {"URI": "http://a"}}, ["JSONWebKeySet"]),
        ({"Local": {}}, ["JSONWebKeySet.Local"]),
        ({"Local": {"JWKS": KEYS, "Filename": "a"}}, ["JSONWebKeySet.Local"]),
        ({"Local": {"JWKS": "%"}}, ["JSONWebKeySet.Local.JWKS"]),
        ({"Local": {"JWKS": base64.b64encode(b"{").decode()}}, ["JSONWebKeySet.Local.JWKS"]),
        ({"Local": {"JWKS": base64.b64encode(b'{"keys": []}').decode()}}, ["JSONWebKeySet.Local.JWKS"]),
        ({"Local": {"JWKS": base64.b64encode(b"[1]").decode()}}, ["JSONWebKeySet.Local.JWKS"]),
        ({"Remote": {}}, ["JSONWebKeySet.Remote.URI"]),
        ({"Remote": {"URI": "issuer/keys"}}, ["JSONWebKeySet.Remote.URI"]),
        ({"Remote": {"URI": "https://a:port/"}}, ["JSONWebKeySet.Remote.URI"]),
        ({"Remote": {**REMOTE, "RequestTimeoutMs": -1}}, ["JSONWebKeySet.Remote.RequestTimeoutMs"]),
        ({"Remote": {**REMOTE, "RetryPolicy": {"NumRetries": -1}}}, ["JSONWebKeySet.Remote.RetryPolicy.NumRetries"]),
        (
            {"Remote": {**REMOTE, "RetryPolicy": {"RetryPolicyBackOff": {"BaseInterval": "2s", "MaxInterval": "1s"}}}},
            ["JSONWebKeySet.Remote.RetryPolicy.RetryPolicyBackOff.MaxInterval"],
        ),
        (
            {"Remote": {**REMOTE, "JWKSCluster": {"DiscoveryType": "GUESS", "TLSCertificates": {}}}},
            ["JSONWebKeySet.Remote.JWKSCluster.DiscoveryType", "JSONWebKeySet.Remote.JWKSCluster.TLSCertificates"],
        ),
        (
            {"Remote": {**REMOTE, "JWKSCluster": {"TLSCertificates": {"TrustedCA": {}}}}},
            ["JSONWebKeySet.Remote.JWKSCluster.TLSCertificates.TrustedCA"],
        ),
    ],
)
def test_keys_that_no_proxy_could_verify_by_are_refused(keys: JsonObject | None, places: list[str]) -> None:
    assert flaws(KIND, {} if keys is None else {"JSONWebKeySet": keys}) == places


def test_places_have_names_and_numbers_count() -> None:
    body: JsonObject = {
        "JSONWebKeySet": LOCAL,
        "Locations": [{}, {"Header": {}}, {"Header": {"Name": "a"}, "Cookie": {"Name": "b"}}],
        "Forwarding": {},
        "ClockSkewSeconds": -1,
        "CacheConfig": {"Size": -1},
    }
    assert flaws(KIND, body) == [
        "Locations[0]",
        "Locations[1].Header.Name",
        "Locations[2]",
        "Forwarding.HeaderName",
        "ClockSkewSeconds",
        "CacheConfig.Size",
    ]
