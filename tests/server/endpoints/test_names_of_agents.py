"""Which names the CA gives agents beside their identity."""

from __future__ import annotations

import pytest
from cryptography import x509

from lictor_core.errors import PermissionDeniedError, RequestError
from lictor_core.registry import LeafRequest
from tests.server.ca.build import csr, default_uri
from tests.support.mint import Mint


async def signed(*dns: str, addresses: tuple[str, ...] = ()) -> x509.SubjectAlternativeName:
    """The names in the certificate of the agent of n1 that a request with `dns` gets."""
    mint = Mint()
    await mint.authority.initialise()
    uri = f"spiffe://{mint.store.ca.trusted().trust_domain}/agent/client/dc/dc1/id/n1"
    issued = await mint.authority.sign(LeafRequest(csr=csr(uri, dns=dns, addresses=addresses), service=""))
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


async def test_an_agent_may_have_names_and_addresses() -> None:
    names = await signed("localhost", "web.example", addresses=("10.0.0.1",))
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "web.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]


@pytest.mark.parametrize(
    "name", ["server.dc1.consul", "n1.server.dc1.consul", "*.dc1.consul", "ser*.dc1.consul", "SERVER.dc1.Consul"]
)
async def test_no_agent_gets_a_name_by_which_servers_prove_themselves(name: str) -> None:
    with pytest.raises(PermissionDeniedError, match="by which servers prove what they are"):
        await signed("localhost", name)


async def test_a_service_gets_no_addresses() -> None:
    mint = Mint()
    await mint.authority.initialise()
    uri = default_uri("web", domain=mint.store.ca.trusted().trust_domain)
    with pytest.raises(RequestError, match="which certificates of services do not carry"):
        await mint.authority.sign(LeafRequest(csr=csr(uri, addresses=("10.0.0.1",)), service="web"))
