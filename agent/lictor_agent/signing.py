"""Keys of local services and of the agent itself, and the requests to sign them.

Source: SPIFFE X509-SVID section 2 (the identity is the URI in the subject's alternative names, and the only one there;
DNS names may stand beside it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lictor_core.names import NAMESPACE, AgentId, ServiceId, agent_common_name, service_common_name

__all__ = ["SigningRequest", "new_agent_request", "new_request"]


@dataclass(frozen=True)
class SigningRequest:
    """A signing request and the key that it is for, both PEM."""

    csr: str
    private_key: str = field(repr=False)


def new_request(service: str, trust_domain: str, datacenter: str, dns_names: tuple[str, ...] = ()) -> SigningRequest:
    """A new ECDSA P-256 key and a request to sign it as the identity of `service`, which `dns_names` lead to."""
    uri = ServiceId(trust_domain, NAMESPACE, datacenter, service).uri()
    return _request(service_common_name(service, trust_domain), uri, dns_names, ())


def new_agent_request(
    node: str, trust_domain: str, datacenter: str, dns_names: tuple[str, ...], addresses: tuple[str, ...]
) -> SigningRequest:
    """The same for the agent of `node`, which goes by these names and IP addresses."""
    uri = AgentId(trust_domain, datacenter, node).uri()
    return _request(agent_common_name(node, trust_domain), uri, dns_names, addresses)


def _request(common_name: str, uri: str, dns_names: tuple[str, ...], addresses: tuple[str, ...]) -> SigningRequest:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    also = [*(x509.DNSName(one) for one in dns_names), *(x509.IPAddress(ip_address(one)) for one in addresses)]
    names = x509.SubjectAlternativeName([*also, x509.UniformResourceIdentifier(uri)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(names, critical=False)
    csr = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    # The older form of EC keys: the one that Consul gives and that its clients were tried with.
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return SigningRequest(csr, pem)
