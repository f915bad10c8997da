"""The facts by which it is judged what is open."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["CertificateFact", "Facts", "FileFact", "beyond_loopback"]


@dataclass(frozen=True, kw_only=True)
class CertificateFact:
    """A certificate in use: what it is for, when it begins and ends (seconds since 1970), and what renews it."""

    name: str
    begins: float
    ends: float
    renewal: str
    renews_itself: bool = False
    """Whether this agent or the servers make the next one by themselves, well before this one ends."""


@dataclass(frozen=True, kw_only=True)
class FileFact:
    """A file or directory with secrets in it: where it is, the bits of its mode, and what it holds."""

    path: str
    mode: int
    holds: str
    is_directory: bool = False
    """The files in it have modes of their own."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known of one agent and its cluster. Addresses are `host:port` that are reached from elsewhere."""

    now: float
    server: bool = False
    http_plain: tuple[str, ...] = ()
    http_secured: tuple[str, ...] = ()
    https_demands_certificates: bool = False
    write_networks: tuple[str, ...] = ()
    debug: bool = False
    grpc_plain: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    recursors: tuple[str, ...] = ()
    rpc_listening: str = ""
    """Where the server port listens beyond loopback; empty for an agent that is no server, and where it does not."""
    rpc_dialed: str = ""
    """A server beyond loopback that this agent talks to; empty for none."""
    rpc_takes_tls: bool = False
    rpc_dials_tls: bool = False
    verify_incoming: bool = False
    verify_server_hostname: bool = False
    keys: int = 0
    """Keys in the ring; 0 without `encrypt`."""
    key_demanded: bool = True
    key_offered: bool = True
    acls: bool = False
    allows_by_default: bool = True
    down_policy: str = "extend-cache"
    anonymous_reads: tuple[str, ...] = ()
    anonymous_writes: tuple[str, ...] = ()
    """What a request without a token may do by rules: lines of policies."""
    scripts_by_api: bool = False
    remote_exec: bool = False
    certificates: tuple[CertificateFact, ...] = ()
    files: tuple[FileFact, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be found out, with the reason."""

    @property
    def http_open(self) -> tuple[str, ...]:
        """Where the API is reached from elsewhere, plain or not."""
        return (*self.http_plain, *self.http_secured)


def beyond_loopback(addresses: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Those of `addresses` that are reached from other machines, as `host:port`. A name may be anywhere."""
    return tuple(
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses if not _is_loopback(host)
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
