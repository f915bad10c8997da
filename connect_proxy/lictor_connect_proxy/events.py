"""What happens to a connection, in the past tense. Layers take these and answer with commands.

Times: `now` is seconds since 1970, for certificates; `at` is monotonic seconds, for ejection.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from lictor_connect_proxy.layers.stages import PeerCertificate, Refusal

__all__ = [
    "ApplicationFailed",
    "ApplicationOpened",
    "ConnectionEnded",
    "Event",
    "Finished",
    "HandshakeCompleted",
    "InstanceFailed",
    "InstanceReached",
    "LocalAccepted",
    "Lost",
    "PermitRevoked",
    "Side",
]


class Side(enum.Enum):
    """The two ends of a relay: `LOCAL` is the application's, in clear; `MESH` is the other proxy's, under TLS."""

    LOCAL = "local"
    MESH = "mesh"

    @property
    def other(self) -> Side:
        """The opposite end."""
        return Side.MESH if self is Side.LOCAL else Side.LOCAL


@dataclass(frozen=True, slots=True)
class HandshakeCompleted:
    """An incoming TLS handshake is done and the client's chain is verified."""

    certificate: PeerCertificate
    now: float


@dataclass(frozen=True, slots=True)
class ApplicationOpened:
    """The application accepted the connection."""


@dataclass(frozen=True, slots=True)
class ApplicationFailed:
    """The application could not be reached."""

    reason: str


@dataclass(frozen=True, slots=True)
class PermitRevoked:
    """A change of policy denies what was permitted before."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class LocalAccepted:
    """A local program connected to an upstream listener."""

    at: float


@dataclass(frozen=True, slots=True)
class InstanceReached:
    """The dialed instance completed the TLS handshake, and its chain is verified."""

    certificate: PeerCertificate
    now: float
    at: float


@dataclass(frozen=True, slots=True)
class InstanceFailed:
    """The dialed instance could not be reached, or TLS with it failed."""

    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """Nothing more will happen on this connection, however it went. The last event, always."""


@dataclass(frozen=True, slots=True)
class Finished:
    """This side sends no more (FIN, or `close_notify` under TLS); it may still receive."""

    side: Side


@dataclass(frozen=True, slots=True)
class Lost:
    """This side broke: reset, or its TLS stream ended without `close_notify`."""

    side: Side
    reason: str


Event = (
    HandshakeCompleted
    | ApplicationOpened
    | ApplicationFailed
    | PermitRevoked
    | LocalAccepted
    | InstanceReached
    | InstanceFailed
    | ConnectionEnded
    | Finished
    | Lost
)
