"""The certificates by which servers and agents know each other: the harness makes them, ends and renews them.

They are for the connections between agents and servers (`verify_incoming_rpc`, `verify_outgoing`,
`verify_server_hostname`); clients of the harness speak plain HTTP as ever. The keys of the configuration are those that
Consul 1.8 has, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictor_jepsen.net import Node
from lictor_jepsen.op import SERVER

__all__ = ["LIFE_S", "Certificates"]

LIFE_S: Final = 30 * 86_400.0
"""How long certificates last that are to outlast a run."""
_EARLIER: Final = timedelta(hours=1)
"""By how much they begin before now, so that no clock finds them of the future."""


class Certificates:
    """A CA, and a certificate for each node, in one folder. Files are exchanged whole."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Makes the CA, good for `LIFE_S` after `now`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jepsen")])
        ends = now + timedelta(seconds=LIFE_S)
        self._authority = (
            _builder(self._name, self._name, self._key.public_key(), now - _EARLIER, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        _write(folder / "ca.pem", self._authority.public_bytes(serialization.Encoding.PEM))

    def settings(self, node: Node, now: datetime) -> Mapping[str, object]:
        """What stands in the configuration of a node; its certificate is made when it has none."""
        if not self._certificate(node).exists():
            self.issue(node, now, now + timedelta(seconds=LIFE_S))
        return {
            "ca_file": str(self._folder / "ca.pem"),
            "cert_file": str(self._certificate(node)),
            "key_file": str(self._certificate(node).with_suffix(".key")),
            "verify_incoming_rpc": True,
            "verify_outgoing": True,
            "verify_server_hostname": True,
        }

    def issue(self, node: Node, now: datetime, ends: datetime) -> None:
        """A certificate with the key that the node has, or a first one; whoever reads its files now gets it."""
        key_path = self._certificate(node).with_suffix(".key")
        if key_path.exists():
            key = serialization.load_pem_private_key(key_path.read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            _write(key_path, _pem(key))
        names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address(node.address))]
        names += [x509.DNSName("server.dc1.consul")] if node.name.startswith(SERVER) else []
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node.name)])
        certificate = (
            _builder(subject, self._name, key.public_key(), now - _EARLIER, ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        _write(self._certificate(node), certificate.public_bytes(serialization.Encoding.PEM))

    def _certificate(self, node: Node) -> Path:
        return self._folder / f"{node.name}.pem"


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, text: bytes) -> None:
    whole = path.with_name(path.name + ".new")
    whole.write_bytes(text)
    whole.replace(path)
