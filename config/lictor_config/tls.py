"""What is said of TLS, door by door: between agents and servers, at HTTPS, and at the gRPC port.

Field names are those of the keys in Consul's documents; `lictor_config.tls_reading` fills them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["AutoEncrypt", "DoorTls", "Tls"]


@dataclass(frozen=True, kw_only=True)
class DoorTls:
    """What one door shows and demands. `key` tells where it was said, for messages."""

    ca_file: str = ""
    ca_path: str = ""
    cert_file: str = ""
    key_file: str = ""
    verify_incoming: bool = False
    verify_outgoing: bool = False
    """Of `internal_rpc` alone."""
    verify_server_hostname: bool = False
    """Of `internal_rpc` alone."""
    min_version: str = ""
    """`tls10` to `tls13`, or empty."""
    cipher_suites: str = ""
    use_auto_cert: bool = False
    """Of `grpc` alone: show the certificate that `auto_encrypt` brought."""
    said: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)
    """Paths of keys by the names that keys have within a section."""

    @property
    def has_certificate(self) -> bool:
        """Whether there is a certificate to show to who dials this agent."""
        return bool(self.cert_file and self.key_file)

    @property
    def has_ca(self) -> bool:
        """Whether it is said whose certificates are good."""
        return bool(self.ca_file or self.ca_path)

    def key(self, name: str) -> str:
        """The path of the key that said `name`, as `tls.https.ca_file`; the older key where none did."""
        return self.said.get(name, name)


_NO_DOOR: Final = DoorTls()


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Certificates and what must be proven, at each door."""

    internal_rpc: DoorTls = _NO_DOOR
    https: DoorTls = _NO_DOOR
    grpc: DoorTls = _NO_DOOR
    prefer_server_cipher_suites: bool = False
    server_name: str = ""

    @property
    def doors(self) -> tuple[DoorTls, DoorTls, DoorTls]:
        """All three."""
        return self.internal_rpc, self.https, self.grpc


@dataclass(frozen=True, kw_only=True)
class AutoEncrypt:
    """Certificates of agents from the servers: `tls` asks for one, `allow_tls` gives them.

    `dns_san` and `ip_san` are names and addresses that it carries beside the usual ones.
    """

    tls: bool = False
    allow_tls: bool = False
    dns_san: tuple[str, ...] = ()
    ip_san: tuple[str, ...] = ()
