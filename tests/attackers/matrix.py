"""The matrix: each attacker at each door, with the attacks that are tried there, or why there is nothing to try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from tests.attackers.attacks import (
    Attack,
    as_client,
    by_name,
    cross_site,
    expired,
    foreign,
    other_protocol,
    oversized,
    slow,
    stranger,
    truncated,
    unproven,
    with_foreign_token,
    with_revoked_token,
)
from tests.attackers.discovery import denied_discovery
from tests.attackers.kinds import Attacker, Because, Door
from tests.attackers.recordings import replayed, replayed_key
from tests.attackers.spoofing import amplified, forged
from tests.attackers.visits import SECURED

__all__ = ["CELLS", "Cell", "cells"]

Cell = tuple[Attack, ...] | Because
"""Attacks, all of which must end in a refusal."""

_PLAIN: Final = {
    Door.HTTP: Because("it is plain, for loopback: `lictor operator security` names it anywhere else"),
    Door.UNIX: Because("the mode and owner of the socket say who may come"),
    Door.ADMIN: Because("it is plain, and listens at loopback alone"),
    Door.DNS_UDP: Because("DNS asks for no certificate: it tells what the agent's DNS token may see"),
    Door.DNS_TCP: Because("DNS asks for no certificate: it tells what the agent's DNS token may see"),
}
_NO_TOKENS: Final = {
    Door.DNS_UDP: Because("questions carry no token: answers hold what the agent's own may see"),
    Door.DNS_TCP: Because("questions carry no token: answers hold what the agent's own may see"),
    Door.RAFT: Because("servers prove their role by certificate, and carry no tokens"),
    Door.PROXY: Because("services prove themselves by their leaf, and carry no tokens"),
    Door.ADMIN: Because("it shows figures, to loopback alone, and takes no token"),
}
_NO_BROWSER: Final = Because("no browser gets there: it neither sends datagrams nor opens Unix sockets")
_NO_NAME: Final = Because("what is spoken there names no host that anything is decided by")
_TCP: Final = Because("who spoofs an address hears nothing of the handshake of TCP, and cannot end it")


def _all(doors: Iterable[Door], *attacks: Attack) -> dict[Door, Cell]:
    return dict.fromkeys(doors, attacks)


CELLS: Final[Mapping[Attacker, Mapping[Door, Cell]]] = {
    Attacker.NO_CERTIFICATE: {**_all(SECURED, unproven), **_PLAIN},
    Attacker.FOREIGN_CA: {**_all(SECURED, foreign), **_PLAIN},
    Attacker.EXPIRED: {**_all(SECURED, expired), **_PLAIN},
    Attacker.CLIENT_AS_SERVER: {
        **_all((Door.RPC, Door.RAFT, Door.JOIN), as_client),
        Door.PROXY: (stranger,),
        Door.HTTPS: Because("whoever the CA knows may speak; what is answered is the token's affair"),
        Door.GRPC: Because("whoever the CA knows may speak; what is answered is the token's affair"),
        **_PLAIN,
    },
    Attacker.REVOKED_TOKEN: {
        **_all((Door.HTTP, Door.HTTPS, Door.UNIX, Door.RPC, Door.JOIN), with_revoked_token),
        Door.GRPC: (denied_discovery,),
        **_NO_TOKENS,
    },
    Attacker.FOREIGN_TOKEN: {
        **_all((Door.HTTP, Door.HTTPS, Door.UNIX, Door.RPC, Door.JOIN), with_foreign_token),
        Door.GRPC: (denied_discovery,),
        **_NO_TOKENS,
    },
    Attacker.REPLAYED: {
        **_all(SECURED, replayed),
        Door.RPC: (replayed, replayed_key),
        Door.HTTP: Because("it is plain: who can record there has the token as well"),
        Door.UNIX: Because("nobody hears what passes over a Unix socket but its two ends"),
        Door.ADMIN: Because("it only reads: what is asked twice is told twice"),
        Door.DNS_UDP: Because("it only reads: what is asked twice is told twice"),
        Door.DNS_TCP: Because("it only reads: what is asked twice is told twice"),
    },
    Attacker.SPOOFED: dict.fromkeys(Door, _TCP)
    | {
        Door.DNS_UDP: (forged, amplified),
        Door.UNIX: Because("a Unix socket has no addresses that could be spoofed"),
    },
    Attacker.CROSS_SITE: {
        **_all((Door.HTTP, Door.HTTPS, Door.ADMIN), cross_site),
        **_all((Door.RPC, Door.RAFT, Door.JOIN, Door.GRPC, Door.PROXY, Door.DNS_TCP), other_protocol),
        Door.DNS_UDP: _NO_BROWSER,
        Door.UNIX: _NO_BROWSER,
    },
    Attacker.HOST: dict.fromkeys(Door, _NO_NAME)
    | {
        **_all((Door.HTTP, Door.HTTPS, Door.ADMIN), by_name),
        Door.UNIX: Because("nobody is led to a Unix socket by a name"),
    },
    Attacker.OVERSIZED: _all(Door, oversized),
    Attacker.TRUNCATED: _all(Door, truncated),
    Attacker.SLOW: _all(Door, slow)
    | {
        Door.DNS_UDP: Because("a datagram comes whole or not at all"),
        Door.ADMIN: Because("who is at loopback may hold its connections; none of the mesh waits for them"),
    },
}


def cells() -> list[tuple[Attacker, Door]]:
    """Those in which something is tried."""
    return [
        (attacker, door) for attacker in Attacker for door in Door if not isinstance(CELLS[attacker][door], Because)
    ]
