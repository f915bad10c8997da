"""Keys and signing requests of local services."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lictor_agent.signing import new_agent_request, new_request


def test_a_request_says_who_and_nothing_else() -> None:
    made = new_request("Web", "x.consul", "dc1")
    assert "PRIVATE KEY" not in repr(made)
    csr = x509.load_pem_x509_csr(made.csr.encode())
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["spiffe://x.consul/ns/default/dc/dc1/svc/Web"]
    assert csr.is_signature_valid
    key = load_pem_private_key(made.private_key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert made.private_key.startswith("-----BEGIN EC PRIVATE KEY-----")
    assert csr.public_key() == key.public_key()


def test_a_request_of_an_agent_says_its_node_names_and_addresses() -> None:
    made = new_agent_request("n1", "x.consul", "dc1", ("localhost",), ("127.0.0.1", "::1"))
    csr = x509.load_pem_x509_csr(made.csr.encode())
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://x.consul/agent/client/dc/dc1/id/n1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
