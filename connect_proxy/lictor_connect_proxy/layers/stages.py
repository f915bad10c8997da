"""The proofs that a connection collects on its way in. Each holds the one before it."""

from __future__ import annotations

from dataclasses import dataclass

from lictor_core.intentions import Decision
from lictor_core.names import ServiceId

__all__ = ["Accepted", "Identified", "PeerCertificate", "Permitted", "Refusal", "Unsuited"]


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What the layers need of a certificate whose chain TLS has verified. Times are seconds since 1970 (UTC)."""

    uris: tuple[str, ...]
    not_before: float
    not_after: float
    serial: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Somebody connected from `peer` (`host:port`)."""

    peer: str


@dataclass(frozen=True, slots=True)
class Identified:
    """The peer proved to be this service of our trust domain."""

    accepted: Accepted
    identity: ServiceId
    uri: str


@dataclass(frozen=True, slots=True)
class Permitted:
    """The identified peer may reach the application. Cannot be made from a decision that denies."""

    identified: Identified
    decision: Decision

    def __post_init__(self) -> None:
        assert self.decision.allowed, "a permit needs a decision that allows"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection goes no further. `decision` is there when an intention or the default policy decided."""

    reason: str
    uri: str = ""
    source: str = ""
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Unsuited:
    """What a proxy for connections cannot carry out: the `setting` that needs a proxy for HTTP, and why."""

    setting: str
    reason: str
