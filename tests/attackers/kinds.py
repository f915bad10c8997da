"""The words of the matrix: attackers, doors, and why a cell may be empty."""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["Attacker", "Because", "Door"]


class Attacker(enum.Enum):
    """Who comes."""

    NO_CERTIFICATE = "without a certificate, where one is asked for"
    FOREIGN_CA = "with a certificate of another CA"
    EXPIRED = "with a certificate whose time is over"
    CLIENT_AS_SERVER = "with the certificate of a client, for what servers alone may"
    REVOKED_TOKEN = "with a token that was deleted"
    FOREIGN_TOKEN = "with the token of another datacenter"
    REPLAYED = "with the very bytes of somebody who was let in"
    SPOOFED = "with datagrams in the name of somebody else"
    CROSS_SITE = "a page of another site, by the browser of somebody inside"
    HOST = "by a name that is not this agent's"
    OVERSIZED = "with more than fits"
    TRUNCATED = "with half of it, and then nothing more"
    SLOW = "with one byte, and then silence"


class Door(enum.Enum):
    """Where."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    DNS_UDP = "DNS over UDP"
    DNS_TCP = "DNS over TCP"
    RPC = "RPC at the server port"
    RAFT = "Raft at the server port"
    JOIN = "the port for introductions"
    GRPC = "gRPC (xDS)"
    PROXY = "a proxy's public listener"
    ADMIN = "a proxy's admin port"
    UNIX = "HTTP at a Unix socket"


class Because(NamedTuple):
    """Why there is nothing to try."""

    reason: str
