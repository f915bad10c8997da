"""Certificates of CAs that another CA signs: intermediates, and roots that an older root vouches for.

Sources: RFC 5280 sections 4.2.1.9 (path lengths) and 6.1; Consul's document `docs/connect/ca` ("Root Certificate
Rotation") and the certificates that Consul 1.8.7 makes then.
"""

from __future__ import annotations

import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from lictor_core.errors import RequestError
from lictor_core.names import SigningId, parse_spiffe
from lictor_server.ca.keys import UNREADABLE, PrivateKey, check_public_key, key_id
from lictor_server.ca.leaves import CLOCK_SKEW, CSR_BYTES_MAX, signer_id
from lictor_server.ca.roots import CA_USAGE, chain_of

__all__ = ["cross_sign", "intermediate_request", "sign_intermediate"]

_NO_URI: Final = "the CA's signing request must name the trust domain, as a URI: spiffe://<trust domain>"


def intermediate_request(key: PrivateKey, *, common_name: str, trust_domain: str) -> str:
    """A request to be made an intermediate of the trust domain; PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    uri = x509.UniformResourceIdentifier(SigningId(trust_domain).uri())
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def sign_intermediate(
    csr: str, *, issuer_pem: str, key: PrivateKey, trust_domain: str, serial: int, now: float, lifetime_s: float
) -> str:
    """The intermediate that `csr` asks for; it may sign leaves and no further CA. PEM, never outliving the issuer.

    Raises `RequestError` for a request that is none, or is for another trust domain.
    """
    request, public = _read(csr, trust_domain)
    issuer = x509.load_pem_x509_certificate(issuer_pem.encode())
    begin, end = _times(issuer, now, lifetime_s)
    return _signed(
        issuer,
        key,
        subject=request.subject,
        public=public,
        names=x509.SubjectAlternativeName([x509.UniformResourceIdentifier(SigningId(trust_domain).uri())]),
        path_length=0,
        serial=serial,
        begin=begin,
        end=end,
    )


def cross_sign(root_pem: str, *, issuer_pem: str, key: PrivateKey, serial: int, now: float, lifetime_s: float) -> str:
    """The root in `root_pem` with its own name and key, vouched for by the issuer; PEM, never outliving either.

    Raises `RequestError` when the issuer's own life is over.
    """
    root = x509.load_pem_x509_certificate(root_pem.encode())
    issuer = x509.load_pem_x509_certificate(issuer_pem.encode())
    public = root.public_key()
    check_public_key(public, "the new root")
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "checked above"
    begin, end = _times(issuer, now, lifetime_s)
    end = min(end, root.not_valid_after_utc)
    try:
        names: x509.SubjectAlternativeName | None = root.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
    except x509.ExtensionNotFound:
        names = None
    return _signed(
        issuer,
        key,
        subject=root.subject,
        public=public,
        names=names,
        path_length=None,
        serial=serial,
        begin=begin,
        end=end,
        subject_id=signer_id(root, public),
    )


def _read(
    csr: str, trust_domain: str
) -> tuple[x509.CertificateSigningRequest, ec.EllipticCurvePublicKey | rsa.RSAPublicKey]:
    if len(csr) > CSR_BYTES_MAX:
        raise RequestError(f"the CA's signing request has {len(csr)} bytes; at most {CSR_BYTES_MAX} are taken")
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        public = request.public_key()
        names = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        raise RequestError(_NO_URI) from None
    except UNREADABLE:
        raise RequestError("the CA's signing request is none in PEM") from None
    check_public_key(public, "the CA's signing request's key")
    try:
        sound = request.is_signature_valid
    except (*UNREADABLE, InvalidSignature):
        sound = False
    if not sound:
        raise RequestError("the CA's signing request's signature does not fit its key")
    match names:
        case [x509.UniformResourceIdentifier() as uri] if parse_spiffe(uri.value) == SigningId(trust_domain):
            pass
        case _:
            raise RequestError(_NO_URI)
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "checked above"
    return request, public


def _times(issuer: x509.Certificate, now: float, lifetime_s: float) -> tuple[datetime.datetime, datetime.datetime]:
    begin = datetime.datetime.fromtimestamp(int(now), datetime.UTC) - CLOCK_SKEW
    end = min(begin + datetime.timedelta(seconds=lifetime_s), issuer.not_valid_after_utc)
    if end <= begin + CLOCK_SKEW:
        raise RequestError("the CA that was to sign another one has expired")
    return begin, end


def _signed(
    issuer: x509.Certificate,
    key: PrivateKey,
    *,
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    names: x509.SubjectAlternativeName | None,
    path_length: int | None,
    serial: int,
    begin: datetime.datetime,
    end: datetime.datetime,
    subject_id: bytes | None = None,
) -> str:
    builder = (
        x509.CertificateBuilder()
        .serial_number(serial)
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(public)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(CA_USAGE, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(subject_id or key_id(public)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(signer_id(issuer, key.public_key()), None, None), critical=False)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return chain_of([builder.sign(key, hashes.SHA256())])
