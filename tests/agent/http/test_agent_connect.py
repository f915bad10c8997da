"""`/v1/agent/connect/*`."""

from __future__ import annotations

import asyncio

import pytest
from cryptography import x509

from tests.agent.http.live import Live


async def client_uri(live: Live, service: str) -> str:
    roots = await live.get("/v1/agent/connect/ca/roots")
    return f"spiffe://{roots.at('TrustDomain')}/ns/default/dc/dc1/svc/{service}"


async def test_a_leaf_comes_with_its_key_and_stays_the_same(live: Live) -> None:
    first = await live.get("/v1/agent/connect/ca/leaf/web")
    certificate = x509.load_pem_x509_certificate(first.text_at("CertPEM").encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [await client_uri(live, "web")]
    assert first.text_at("PrivateKeyPEM").startswith("-----BEGIN EC PRIVATE KEY-----")
    assert first.at("ServiceURI") == await client_uri(live, "web")
    second = await live.get("/v1/agent/connect/ca/leaf/web")
    assert second.json == first.json
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["MISS", "HIT"]


async def test_a_private_key_is_never_logged(live: Live) -> None:
    await live.get("/v1/agent/connect/ca/leaf/web")
    assert "PRIVATE KEY" not in str(live.logged.entries)


async def test_the_wait_for_a_new_leaf_ends(live: Live) -> None:
    index = (await live.get("/v1/agent/connect/ca/leaf/web")).index
    async with asyncio.timeout(30):
        answer = await live.get(f"/v1/agent/connect/ca/leaf/web?index={index}&wait=50ms")
    assert (answer.status, answer.index) == (200, index)


async def test_authorize_judges_by_intentions(live: Live) -> None:
    body = {"Target": "db", "ClientCertURI": await client_uri(live, "web"), "ClientCertSerial": "01"}
    allowed = (await live.ask("POST", "/v1/agent/connect/authorize", body)).json
    assert allowed == {"Authorized": True, "Reason": "ACLs disabled, access is allowed by default"}
    intention = {"SourceName": "web", "DestinationName": "db", "Action": "deny"}
    await live.ask("POST", "/v1/connect/intentions", intention)
    denied = await live.ask("POST", "/v1/agent/connect/authorize", body)
    assert denied.at("Authorized") is False
    assert denied.text_at("Reason").startswith("Matched intention: DENY default/web => default/db (ID: ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"ClientCertURI": "spiffe://x.consul/ns/default/dc/dc1/svc/web"}, "Target service must be specified"),
        ({"Target": "db", "ClientCertURI": "web"}, "ClientCertURI not a valid Connect identifier"),
        ({"Target": "db"}, "ClientCertURI not a valid Connect identifier"),
        ({"Target": "db", "Colour": 1}, 'unknown field "Colour"'),
        (b"", "Request decode failed: EOF"),
    ],
)
async def test_a_wrong_question_is_a_bad_request(live: Live, body: object, words: str) -> None:
    answer = await live.ask("POST", "/v1/agent/connect/authorize", body)
    assert answer.status == 400
    assert answer.text.startswith("Bad request: ")
    assert words in answer.text


async def test_a_leaf_of_nobody_is_refused(live: Live) -> None:
    answer = await live.get("/v1/agent/connect/ca/leaf/")
    assert (answer.status, answer.text) == (500, "URI must be either service or agent")


async def test_a_gateway_with_tls_gets_its_names_and_without_such_an_entry_the_leaf_is_refused(live: Live) -> None:
    asked = "/v1/agent/connect/ca/leaf/edge?ingress=a.example:8443,b.example"
    refused = await live.get(asked)
    assert (refused.status, "only ingress gateways with TLS" in refused.text) == (500, True)
    services = [{"Name": "web", "Hosts": ["a.example:8443", "b.example"]}]
    listeners = [{"Port": 8443, "Protocol": "http", "Services": services}]
    entries: list[dict[str, object]] = [
        {"Kind": "service-defaults", "Name": "web", "Protocol": "http"},
        {"Kind": "ingress-gateway", "Name": "edge", "TLS": {"Enabled": True}, "Listeners": listeners},
    ]
    for entry in entries:
        assert (await live.ask("PUT", "/v1/config", entry)).status == 200
    certificate = x509.load_pem_x509_certificate((await live.get(asked)).text_at("CertPEM").encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        "*.ingress.consul",
        "*.ingress.dc1.consul",
        "a.example",
        "b.example",
    ]
