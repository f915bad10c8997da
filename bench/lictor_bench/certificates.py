"""Certificates for servers that are measured: one CA, one server certificate that all of them share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lictor_core.clock import Clock
from lictor_server.tls import TlsSettings

__all__ = ["server_tls"]

_LIFE: Final = timedelta(days=1)


def server_tls(directory: Path, clock: Clock, *, datacenter: str = "dc1", domain: str = "consul") -> TlsSettings:
    """Material in `directory`, with which servers prove themselves to one another and talk to nobody else."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench CA")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    settings = TlsSettings(
        ca_file=str(directory / "ca.pem"),
        cert_file=str(directory / "server.pem"),
        key_file=str(directory / "server-key.pem"),
        verify_incoming_rpc=True,
        verify_outgoing=True,
        verify_server_hostname=True,
        datacenter=datacenter,
        domain=domain,
    )
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, settings.server_name)])
    server = (
        _builder(name, ca_name, key.public_key(), now)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(settings.server_name)]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    Path(settings.ca_file).write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    Path(settings.cert_file).write_bytes(server.public_bytes(serialization.Encoding.PEM))
    Path(settings.key_file).write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return settings


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
    )
