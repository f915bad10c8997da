"""Signing requests and roots for tests."""

from __future__ import annotations

import functools
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lictor_core.records import CARoot
from lictor_server import ca

__all__ = ["CLUSTER", "DOMAIN", "NOW", "csr", "default_uri", "root_and_key"]

CLUSTER = "AbCdEf01-0000-4000-8000-000000000000"
DOMAIN = f"{CLUSTER.lower()}.consul"
NOW = 1_767_225_600.0


def default_uri(service: str = "web", *, datacenter: str = "dc1", domain: str = DOMAIN) -> str:
    return f"spiffe://{domain}/ns/default/dc/{datacenter}/svc/{service}"


def csr(
    *uris: str, key: ca.PrivateKey | None = None, dns: tuple[str, ...] = (), addresses: tuple[str, ...] = ()
) -> str:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    names += [x509.DNSName(name) for name in dns]
    names += [x509.IPAddress(ip_address(one)) for one in addresses]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    request = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


@functools.cache
def root_and_key() -> tuple[CARoot, ca.PrivateKey]:
    key = ca.new_key()
    return ca.make_root(key, cluster_id=CLUSTER, serial=7, unique="abc12345", now=NOW), key
