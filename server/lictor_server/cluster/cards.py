"""What servers tell one another before they share a log."""

from __future__ import annotations

import msgspec

__all__ = ["Introduction", "Promise", "ServerCard"]


class ServerCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server, in its own words."""

    id: str
    name: str
    address: str
    """`host:port` of its server port, as others reach it."""
    datacenter: str
    cluster_id: str = ""
    """The cluster that it belongs to; empty while it is blank: no log, no cluster."""
    expect: int = 0
    """Its `bootstrap_expect`."""


class Introduction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a card: the answerer's own, where other servers were last seen, and who leads if it knows."""

    card: ServerCard
    others: tuple[str, ...] = ()
    leader: ServerCard | None = None


class Promise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`coordinator` asks: will you belong to this cluster and no other? Without `founders` it releases the promise."""

    coordinator: str
    cluster_id: str
    founders: tuple[str, ...]
