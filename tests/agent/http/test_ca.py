"""`/v1/connect/ca/*`."""

from __future__ import annotations

import pytest
from cryptography import x509

from tests.agent.http.live import Live


async def test_the_roots_are_certificates(live: Live) -> None:
    roots = await live.get("/v1/connect/ca/roots")
    assert roots.at("Roots.0.ID") == roots.at("ActiveRootID")
    certificate = x509.load_pem_x509_certificate(roots.text_at("Roots.0.RootCert").encode())
    assert certificate.serial_number == roots.at("Roots.0.SerialNumber")
    assert "PRIVATE" not in roots.text


async def test_the_roots_come_as_pem_too(live: Live) -> None:
    answer = await live.get("/v1/connect/ca/roots?pem=true")
    assert answer.headers["Content-Type"] == "application/pem-certificate-chain"
    assert len(x509.load_pem_x509_certificates(answer.body)) == 1
    assert (await live.get("/v1/connect/ca/roots?pem=false")).headers["Content-Type"] == "application/json"
    assert (await live.get("/v1/connect/ca/roots?pem=perhaps")).status == 400


async def test_the_lifetime_of_leaves_can_be_changed(live: Live) -> None:
    path = "/v1/connect/ca/configuration"
    answer = await live.put(path, {"Provider": "consul", "Config": {"LeafCertTTL": "24h"}})
    assert (answer.status, answer.body) == (200, b"")
    assert (await live.get(path)).at("Config.LeafCertTTL") == "24h"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Provider": "nobody"}, 500),
        ({"Provider": "consul", "Config": {"LeafCertTTL": "1m"}}, 500),
        ({"Provider": "consul", "Colour": 1}, 400),
        (b"]", 400),
    ],
)
async def test_a_wrong_configuration_is_refused(live: Live, body: object, status: int) -> None:
    assert (await live.put("/v1/connect/ca/configuration", body)).status == status


async def test_status_tells_of_roots_and_leaves(live: Live) -> None:
    path = "/v1/connect/ca/status"
    first = await live.get(path)
    assert (first.at("Provider"), first.at("Problems")) == ("consul", [])
    assert (first.at("Roots.0.LeavesOutstanding"), first.at("Roots.0.Active")) == (0, True)
    await live.get("/v1/agent/connect/ca/leaf/web")
    assert (await live.get(path)).at("Roots.0.LeavesOutstanding") == 1
    await live.put("/v1/connect/ca/configuration", {"Provider": "consul", "Config": {"PrivateKeyBits": 384}})
    after = await live.get(path)
    assert [after.at(f"Roots.{place}.Active") for place in (0, 1)] == [False, True]
    assert after.text_at("Roots.0.ForgottenAt") > after.text_at("Roots.0.RotatedOutAt")


async def test_force_is_kept_with_the_settings(live: Live) -> None:
    path = "/v1/connect/ca/configuration"
    await live.put(path, {"Provider": "consul", "Config": {}, "ForceWithoutCrossSigning": True})
    assert (await live.get(path)).at("ForceWithoutCrossSigning") is True
    await live.put(path, {"Provider": "consul", "Config": {}})
    assert (await live.get(path)).at("ForceWithoutCrossSigning") is False
