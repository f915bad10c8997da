"""Root certificates: made by us, or given by the operator together with their key."""

from __future__ import annotations

import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from lictor_core.errors import RequestError
from lictor_core.names import SigningId, root_common_name, trust_domain
from lictor_core.records import CARoot
from lictor_server.ca.keys import PrivateKey, check_public_key, colon_hex, key_id, key_kind

__all__ = ["ROOT_YEARS", "adopt_root", "certificate_time", "make_root"]

ROOT_YEARS: Final = 10
"""Calendar years that a root of ours is valid."""
_NAME: Final = "Consul CA Root Cert"
_KEY_USAGE: Final = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def make_root(key: PrivateKey, *, cluster_id: str, serial: int, unique: str, now: float) -> CARoot:
    """A self-signed root for the cluster, valid ten years from `now` (seconds since 1970).

    `unique` tells roots of one cluster apart in their common names.
    """
    domain = trust_domain(cluster_id)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, root_common_name(unique, domain))])
    public = key.public_key()
    begin = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .serial_number(serial)
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .not_valid_before(begin)
        .not_valid_after(_years_after(begin))
        .add_extension(_KEY_USAGE, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(key_id(public)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(key_id(public), None, None), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(SigningId(domain).uri())]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return _record(certificate, cluster_id)


def adopt_root(pem: str, key: PrivateKey, *, cluster_id: str, now: float) -> CARoot:
    """The root that an operator gave with its key. Raises `RequestError` when it cannot sign leaves with this key."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        public = certificate.public_key()
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise RequestError("RootCert is no CA: it has no basic constraints") from None
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise RequestError("RootCert is not a certificate in PEM that can be used") from None
    if not constraints.ca:
        raise RequestError("RootCert is no CA: its basic constraints say so")
    if public != key.public_key():
        raise RequestError("PrivateKey is not the key of RootCert")
    check_public_key(public, "RootCert")
    if not certificate.not_valid_before_utc.timestamp() <= now < certificate.not_valid_after_utc.timestamp():
        raise RequestError(
            f"RootCert is not valid now: it is from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    return _record(certificate, cluster_id)


def certificate_time(moment: datetime.datetime) -> str:
    """A time in certificates as answers show it: RFC 3339, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _years_after(begin: datetime.datetime) -> datetime.datetime:
    try:
        return begin.replace(year=begin.year + ROOT_YEARS)
    except ValueError:  # made on the 29th of February
        return begin.replace(year=begin.year + ROOT_YEARS, month=3, day=1)


def _record(certificate: x509.Certificate, cluster_id: str) -> CARoot:
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "checked before"
    kind, bits = key_kind(public)
    return CARoot(
        id=colon_hex(certificate.fingerprint(hashes.SHA1())),
        name=_NAME,
        serial_number=certificate.serial_number,
        signing_key_id=colon_hex(key_id(public)),
        external_trust_domain=cluster_id.lower(),
        not_before=certificate_time(certificate.not_valid_before_utc),
        not_after=certificate_time(certificate.not_valid_after_utc),
        root_cert=certificate.public_bytes(Encoding.PEM).decode(),
        intermediate_certs=None,
        active=True,
        private_key_type=kind,
        private_key_bits=bits,
        create_index=0,
        modify_index=0,
    )
