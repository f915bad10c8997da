"""A small certificate authority for tests: roots, leaves as they should be, and leaves as they should not."""

from __future__ import annotations

import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictor_connect_proxy.contexts import tls_contexts
from lictor_connect_proxy.snapshot import Leaf, TrustRoots
from tests.connect_proxy.build import TRUST_DOMAIN, service_id

_HOUR = datetime.timedelta(hours=1)


class Authority:
    """One CA. Two of them have nothing in common, not even when they name the same trust domain."""

    def __init__(self, name: str = "test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 certificates are checked by OpenSSL's own clock
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _HOUR)
            .not_valid_after(now + 24 * _HOUR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The root's private key."""
        return _key_pem(self._key)

    def roots(self) -> TrustRoots:
        return TrustRoots(trust_domain=TRUST_DOMAIN, pems=(self.pem,))

    def leaf(self, service: str, *, lasts: datetime.timedelta = _HOUR) -> Leaf:
        """The leaf of a service of our trust domain; with a negative `lasts` it has expired."""
        return self.leaf_with(service_id(service).uri(), lasts=lasts)

    def leaf_with(self, *uris: str, lasts: datetime.timedelta = _HOUR) -> Leaf:
        """A leaf with any URI names, or none."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 certificates are checked by OpenSSL's own clock
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * _HOUR)
            .not_valid_after(now + lasts)
            .add_extension(usage, critical=False)
        )
        if uris:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Leaf(
            certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
            private_key_pem=_key_pem(key),
            uri=uris[0] if uris else "",
            serial=f"{certificate.serial_number:x}",
            valid_before=certificate.not_valid_after_utc.isoformat(),
        )

    def client(self, leaf: Leaf) -> ssl.SSLContext:
        """What a client with `leaf` that trusts this CA uses."""
        return tls_contexts(leaf, self.roots()).client

    def anonymous(self) -> ssl.SSLContext:
        """What a client without a certificate uses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=self.pem)
        return context


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
