"""Leaf certificates: what a signing request must be, and the certificate for it.

A request proves that its sender holds the key (its signature), and says one SPIFFE id, beside which DNS names and IP
addresses may be: whether it may have them is for whoever knows what the gateways and agents are. Everything else in the
leaf is ours: common name, usages, times, serial number.
Sources: SPIFFE X509-SVID sections 4 and 5; RFC 5280; leaves of Consul.
"""

from __future__ import annotations

import datetime
from ipaddress import ip_address
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from lictor_core.errors import RequestError
from lictor_core.names import AgentId, ServiceId, agent_common_name, parse_spiffe, service_common_name
from lictor_server.ca.keys import UNREADABLE, PrivateKey, check_public_key, colon_hex, key_id

__all__ = ["CLOCK_SKEW", "CSR_BYTES_MAX", "LeafOrder", "SignedLeaf", "read_csr", "sign_leaf", "signer_id"]

CSR_BYTES_MAX: Final = 16 * 1024
"""The largest signing request; one with an RSA key of 8192 bits has a fifth of this."""
CLOCK_SKEW: Final = datetime.timedelta(minutes=1)
"""A leaf is valid from this long before now, for hosts whose clocks are behind."""
_KEY_USAGE: Final = x509.KeyUsage(
    digital_signature=True,
    key_encipherment=True,
    data_encipherment=True,
    key_agreement=True,
    content_commitment=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
_EXTENDED_USAGE: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])


class LeafOrder(NamedTuple):
    """What a good signing request asks for: a leaf on this key for this identity. `csr` is the request itself, PEM.

    `dns_names` and `addresses` are what else it is to carry, which only some identities may.
    """

    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    identity: ServiceId | AgentId
    csr: str = ""
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class SignedLeaf(NamedTuple):
    """A leaf in PEM and what answers say of it; times in seconds since 1970."""

    certificate: str
    serial_number: str
    uri: str
    valid_after: float
    valid_before: float


def read_csr(pem: str) -> LeafOrder:
    """Check a signing request. Raises `RequestError` with what is wrong with it."""
    if len(pem) > CSR_BYTES_MAX:
        raise RequestError(f"the CSR has {len(pem)} bytes; at most {CSR_BYTES_MAX} are taken")
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        key = request.public_key()
        extensions = request.extensions
    except UNREADABLE:
        raise RequestError("the CSR is not a certificate signing request in PEM") from None
    check_public_key(key, "the CSR's key")  # before the signature: verifying with a huge key is what it prevents
    try:
        signed = request.is_signature_valid
    except UNREADABLE:
        signed = False
    if not signed:
        raise RequestError("the CSR's signature does not fit its key")
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "checked above"
    return LeafOrder(key, *_names(extensions, pem))


def _names(extensions: x509.Extensions, pem: str) -> tuple[ServiceId | AgentId, str, tuple[str, ...], tuple[str, ...]]:
    try:
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    dns_names = tuple(dict.fromkeys(name.value.lower() for name in names if isinstance(name, x509.DNSName)))
    addresses = tuple(dict.fromkeys(str(name.value) for name in names if isinstance(name, x509.IPAddress)))
    match [name for name in names if not isinstance(name, x509.DNSName | x509.IPAddress)]:
        case [x509.UniformResourceIdentifier() as uri]:
            identity = parse_spiffe(uri.value)
        case _:
            raise RequestError(
                "the CSR must name exactly one SPIFFE id, as a URI, and beside it DNS names and addresses only"
            )
    if not isinstance(identity, ServiceId | AgentId):
        raise RequestError(f"{identity.uri()} is the id of a CA, which nobody can ask for")
    return identity, pem, dns_names, addresses


def sign_leaf(
    order: LeafOrder, *, issuer_pem: str, key: PrivateKey, serial: int, now: float, lifetime_s: float
) -> SignedLeaf:
    """The leaf for `order`, signed by the `key` of a root or intermediate, never outliving that."""
    issuer = x509.load_pem_x509_certificate(issuer_pem.encode())
    identity = order.identity
    if isinstance(identity, ServiceId):
        common_name = service_common_name(identity.service, identity.trust_domain)
    else:
        common_name = agent_common_name(identity.node, identity.trust_domain)
    begin = datetime.datetime.fromtimestamp(int(now), datetime.UTC) - CLOCK_SKEW
    end = min(begin + datetime.timedelta(seconds=lifetime_s), issuer.not_valid_after_utc)
    if end <= begin + CLOCK_SKEW:
        raise RequestError("what signs leaves has expired: set a new root with the CA's configuration")
    signer = key.public_key()
    also = [x509.DNSName(name) for name in order.dns_names]
    where = [x509.IPAddress(ip_address(one)) for one in order.addresses]
    names = x509.SubjectAlternativeName([*also, *where, x509.UniformResourceIdentifier(identity.uri())])
    certificate = (
        x509.CertificateBuilder()
        .serial_number(serial)
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer.subject)
        .public_key(order.key)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(_EXTENDED_USAGE, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(key_id(order.key)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(signer_id(issuer, signer), None, None), critical=False)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return SignedLeaf(
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
        serial_number=colon_hex(serial.to_bytes((serial.bit_length() + 7) // 8 or 1, "big")),
        uri=identity.uri(),
        valid_after=begin.timestamp(),
        valid_before=end.timestamp(),
    )


def signer_id(issuer: x509.Certificate, signer: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    """The issuer's own key identifier, so that chains are found; RFC 5280 section 4.2.1.1."""
    try:
        return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return key_id(signer)
