"""A client of the mesh's CA: it fetches leaves and roots, changes which root signs, and talks through the mesh."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography import x509

from lictor_jepsen.clients.base import TIMEOUT_S, checked, decoded
from lictor_jepsen.clients.mesh import MeshClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.op import Invocation, Kind, Outcome, Value

__all__ = ["CAClient"]

_ROTATE_S: Final = 6.0
"""How long a change of the root may take: the servers make keys, and sign."""


class _Root(msgspec.Struct):
    """A root as the API tells it."""

    ID: str
    RootCert: str


class _Roots(msgspec.Struct):
    """All of them."""

    ActiveRootID: str
    Roots: list[_Root]


class _Leaf(msgspec.Struct):
    """A leaf, with what stands between it and its root."""

    CertPEM: str


class CAClient(MeshClient):
    """Tells each certificate once, by its fingerprint after that: a history holds thousands of answers."""

    def __init__(
        self,
        base_url: str,
        cluster: Cluster,
        *,
        timeout_s: float = TIMEOUT_S,
        wall_s: Callable[[], float] = time.time,  # noqa: TID251 lives of certificates are told by the harness's own clock
    ) -> None:
        super().__init__(base_url, cluster, timeout_s=timeout_s)
        self._wall_s = wall_s
        self._told: set[str] = set()

    async def do(self, asked: Invocation) -> Outcome:
        """`rotate`, `leaf`, `roots` and `known`, beside what the mesh's client does."""
        match asked.f, asked.value:
            case "rotate", int() as bits:
                config = {"PrivateKeyType": "ec", "PrivateKeyBits": bits, "LeafCertTTL": "72h"}
                body = json.dumps({"Provider": "consul", "Config": config})
                checked(await self.ask("PUT", "/v1/connect/ca/configuration", body, timeout_s=_ROTATE_S))
                return Outcome(Kind.OK, bits)
            case "leaf", _:
                found = decoded(checked(await self.ask("GET", f"/v1/agent/connect/ca/leaf/{asked.key}")), _Leaf)
                return Outcome(Kind.OK, self._leaf(found.CertPEM))
            case "roots", _:
                return await self._roots("/v1/connect/ca/roots?consistent")
            case "known", _:
                return await self._roots("/v1/agent/connect/ca/roots")
            case _:
                return await super().do(asked)

    async def _roots(self, path: str) -> Outcome:
        """Which root signs, all of them, and the certificates of those that were not told yet."""
        found = decoded(checked(await self.ask("GET", path)), _Roots)
        new: list[Value] = [(root.ID, root.RootCert) for root in found.Roots if self._is_new(root.ID)]
        return Outcome(Kind.OK, (found.ActiveRootID, tuple(root.ID for root in found.Roots), tuple(new)))

    def _leaf(self, pem: str) -> Value:
        """Its fingerprint, its certificates unless they were told, for how many seconds it was valid, and will be."""
        name = hashlib.sha256(pem.encode()).hexdigest()[:16]
        certificate, now = x509.load_pem_x509_certificate(pem.encode()), self._wall_s()
        since_s = now - certificate.not_valid_before_utc.timestamp()
        left_s = certificate.not_valid_after_utc.timestamp() - now
        return name, pem if self._is_new(name) else "", round(since_s, 1), round(left_s, 1)

    def _is_new(self, name: str) -> bool:
        is_new = name not in self._told
        self._told.add(name)
        return is_new
