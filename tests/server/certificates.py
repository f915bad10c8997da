"""A CA and its certificates as files, as `consul tls` makes them, with what a test wants to be otherwise."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictor_server import TlsSettings

__all__ = ["Authority", "Pair", "strict"]

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """The paths of a certificate and its key."""

    cert_file: str
    key_file: str


class Authority:
    """A CA in a directory; `ca_file` is its certificate."""

    def __init__(self, directory: Path, name: str = "ca", *, expired: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            _builder(subject, subject, self._key, expired=expired)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = str(_written(directory / f"{name}.pem", self._certificate.public_bytes(_PEM)))

    @property
    def key_pem(self) -> str:
        """Its private key."""
        plain = serialization.NoEncryption()
        return self._key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, plain).decode()

    def server(
        self, name: str = "server", *, node_id: str = "", datacenter: str = "dc1", expired: bool = False
    ) -> Pair:
        """The certificate of a server; with `node_id` it is made out to that node alone."""
        role = f"server.{datacenter}.consul"
        names = [role, "localhost", *([f"{node_id}.{role}"] if node_id else [])]
        return self.issue(name, names, expired=expired)

    def client(self, name: str = "client") -> Pair:
        """The certificate of an agent that is no server."""
        return self.issue(name, ["client.dc1.consul", "localhost"])

    def issue(
        self,
        name: str,
        dns_names: Sequence[str],
        *,
        uris: Sequence[str] = (),
        expired: bool = False,
        password: bytes = b"",
    ) -> Pair:
        """A certificate with these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, dns_names[0])])
        names: list[x509.GeneralName] = [x509.DNSName(one) for one in dns_names]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        names += [x509.UniformResourceIdentifier(one) for one in uris]
        certificate = (
            _builder(subject, self._certificate.subject, key, expired=expired)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        key_pem = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)
        return Pair(
            str(_written(self._directory / f"{name}.pem", certificate.public_bytes(_PEM))),
            str(_written(self._directory / f"{name}-key.pem", key_pem)),
        )


_PEM = serialization.Encoding.PEM


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 certificates are checked by OpenSSL, which asks the machine
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 3 * DAY)
        .not_valid_after(now - DAY if expired else now + DAY)
    )


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def strict(authority: Authority, pair: Pair) -> TlsSettings:
    """Everything must be proven."""
    return TlsSettings(
        ca_file=authority.ca_file,
        cert_file=pair.cert_file,
        key_file=pair.key_file,
        verify_incoming_rpc=True,
        verify_server_hostname=True,
    )
