"""Keys of local services, and the requests to sign them.

Source: SPIFFE X509-SVID section 2 (the identity is the URI in the subject's alternative names, and the only one there;
DNS names may stand beside it).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lictor_core.names import NAMESPACE, ServiceId, service_common_name

__all__ = ["SigningRequest", "new_request"]


@dataclass(frozen=True)
class SigningRequest:
    """A signing request and the key that it is for, both PEM."""

    csr: str
    private_key: str = field(repr=False)


def new_request(service: str, trust_domain: str, datacenter: str, dns_names: tuple[str, ...] = ()) -> SigningRequest:
    """A new ECDSA P-256 key and a request to sign it as the identity of `service`, which `dns_names` lead to."""
    key = ec.generate_private_key(ec.SECP256R1())
    uri = ServiceId(trust_domain, NAMESPACE, datacenter, service).uri()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, service_common_name(service, trust_domain))])
    also = [x509.DNSName(one) for one in dns_names]
    names = x509.SubjectAlternativeName([*also, x509.UniformResourceIdentifier(uri)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(names, critical=False)
    csr = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    # The older form of EC keys: the one that Consul gives and that its clients were tried with.
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return SigningRequest(csr, pem)
