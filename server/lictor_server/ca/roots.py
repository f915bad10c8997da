"""Root certificates: made by us, or given by the operator together with their key."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from lictor_core.errors import RequestError
from lictor_core.names import SigningId, root_common_name, trust_domain
from lictor_core.records import CARoot
from lictor_server.ca.keys import UNREADABLE, PrivateKey, check_public_key, colon_hex, key_id, key_kind

__all__ = ["CA_USAGE", "CHAIN_MAX", "ROOT_YEARS", "adopt_root", "chain_of", "make_root", "root_record"]

ROOT_YEARS: Final = 10
"""Calendar years that a root of ours is valid, unless `RootCertTTL` says otherwise."""
CHAIN_MAX: Final = 8
"""Certificates that a given chain may have."""
ROOT_NAME: Final = "Consul CA Root Cert"
CA_USAGE: Final = x509.KeyUsage(
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


def make_root(
    key: PrivateKey, *, cluster_id: str, serial: int, unique: str, now: float, lifetime_s: float = 0.0
) -> CARoot:
    """A self-signed root for the cluster, valid from `now` (seconds since 1970) for `lifetime_s`, 0 for ten years.

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
        .not_valid_after(begin + datetime.timedelta(seconds=lifetime_s) if lifetime_s else _years_after(begin))
        .add_extension(CA_USAGE, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(key_id(public)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(key_id(public), None, None), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(SigningId(domain).uri())]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return root_record(certificate, cluster_id)


def adopt_root(pem: str, key: PrivateKey, *, cluster_id: str, now: float) -> CARoot:
    """The root that an operator gave with its key, or with the key of an intermediate.

    `pem` begins with the certificate of the key; if that is an intermediate, those that signed it follow, the root
    last. Raises `RequestError` when this cannot sign leaves with this key.
    """
    chain = _parsed(pem)
    for place, certificate in enumerate(chain):
        _check_authority(certificate, now)
        if place == 0 and certificate.public_key() != key.public_key():
            raise RequestError("PrivateKey is not the key of RootCert")
        issuer = chain[min(place + 1, len(chain) - 1)]
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise RequestError(
                "RootCert does not end in a root that signed itself: put the certificates that lead there behind it"
            ) from None
    return root_record(chain[-1], cluster_id, [chain_of([one]) for one in chain[:-1]])


def chain_of(certificates: Sequence[x509.Certificate]) -> str:
    """The certificates in PEM, one after the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def _parsed(pem: str) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except UNREADABLE:
        raise RequestError("RootCert is not a certificate in PEM that can be used") from None
    if len(chain) > CHAIN_MAX:
        raise RequestError(f"RootCert has {len(chain)} certificates; at most {CHAIN_MAX} are taken")
    return chain


def _check_authority(certificate: x509.Certificate, now: float) -> None:
    """Refuse what is no CA, or none at this time."""
    try:
        public = certificate.public_key()
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise RequestError("RootCert is no CA: it has no basic constraints") from None
    except UNREADABLE:
        raise RequestError("RootCert is not a certificate in PEM that can be used") from None
    if not constraints.ca:
        raise RequestError("RootCert is no CA: its basic constraints say so")
    check_public_key(public, "RootCert")
    if not certificate.not_valid_before_utc.timestamp() <= now < certificate.not_valid_after_utc.timestamp():
        raise RequestError(
            f"RootCert is not valid now: it is from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        )


def _certificate_time(moment: datetime.datetime) -> str:
    """A time in certificates as answers show it: RFC 3339, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_SHOWN_SERIAL: Final = 2**64 - 1


def _years_after(begin: datetime.datetime) -> datetime.datetime:
    try:
        return begin.replace(year=begin.year + ROOT_YEARS)
    except ValueError:  # made on the 29th of February
        return begin.replace(year=begin.year + ROOT_YEARS, month=3, day=1)


def root_record(
    certificate: x509.Certificate, cluster_id: str, intermediates: Sequence[str] = (), *, name: str = ROOT_NAME
) -> CARoot:
    """The root as answers show it, with the certificates that stand between it and leaves, the nearest leaf first."""
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "checked before"
    kind, bits = key_kind(public)
    return CARoot(
        id=colon_hex(certificate.fingerprint(hashes.SHA1())),
        name=name,
        # Usual ones have 20 bytes (RFC 5280, 4.1.2.2); Consul shows the lowest 8 of them, and clients read no more.
        serial_number=certificate.serial_number & _SHOWN_SERIAL,
        signing_key_id=colon_hex(key_id(public)),
        external_trust_domain=cluster_id.lower(),
        not_before=_certificate_time(certificate.not_valid_before_utc),
        not_after=_certificate_time(certificate.not_valid_after_utc),
        root_cert=certificate.public_bytes(Encoding.PEM).decode(),
        intermediate_certs=list(intermediates) or None,
        active=True,
        private_key_type=kind,
        private_key_bits=bits,
        create_index=0,
        modify_index=0,
    )
