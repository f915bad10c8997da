"""Which identities the CA gives DNS names to: ingress gateways with TLS, those that their entries ask for."""

from __future__ import annotations

import pytest
from cryptography import x509

from lictor_core.errors import RequestError
from lictor_core.records import JsonObject
from lictor_core.registry import LeafRequest
from tests.server.build import config
from tests.server.ca.build import csr, default_uri
from tests.support.mint import Mint

API: JsonObject = {"Port": 8443, "Protocol": "http", "Services": [{"Name": "api", "Hosts": ["api.example:8443"]}]}


async def minted(*, tls: bool = True, kind: str = "ingress-gateway") -> Mint:
    mint = Mint()
    await mint.authority.initialise()
    body: JsonObject = {"TLS": {"Enabled": tls}, "Listeners": [API]} if kind == "ingress-gateway" else {}
    for command in (config("service-defaults", "api", {"Protocol": "http"}), config(kind, "edge", body)):
        outcome = await mint.propose(command)
        assert outcome.value is True
    return mint


async def named(mint: Mint, *dns: str, service: str = "edge") -> list[str]:
    """The DNS names in the leaf that a request with `dns` gets."""
    uri = default_uri(service, domain=mint.store.ca.trusted().trust_domain)
    issued = await mint.authority.sign(LeafRequest(csr=csr(uri, dns=dns), service=service))
    names = x509.load_pem_x509_certificate(issued.certificate.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == [uri]
    return names.value.get_values_for_type(x509.DNSName)


async def test_a_gateway_gets_the_names_that_its_entry_asks_for() -> None:
    names = ["*.ingress.consul", "*.ingress.dc1.consul", "api.example"]
    assert await named(await minted(), *names) == names


@pytest.mark.parametrize(
    "name", ["www.example", "*.example", "api.example.evil", "*.ingress.dc2.consul", "*.ingress.example", "consul"]
)
async def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="does not have: name it in Hosts"):
        await named(await minted(), "api.example", name)


async def test_without_tls_and_for_other_services_every_name_is_refused() -> None:
    for mint, service in (
        (await minted(tls=False), "edge"),
        (await minted(), "api"),
        (await minted(kind="terminating-gateway"), "edge"),
    ):
        with pytest.raises(RequestError, match="only ingress gateways with TLS"):
            await named(mint, "api.example", service=service)
        assert await named(mint, service=service) == []
