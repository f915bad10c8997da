"""What servers tell one another before they share a log."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.addresses import split_host_port
from lictor_core.errors import RequestError

__all__ = ["TEXT_MAX", "Introduction", "Promise", "ServerCard", "check_card"]

TEXT_MAX: Final = 512
"""Characters in any text of a card: a name in DNS has 253 at most, a node id 36."""


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


def check_card(card: ServerCard) -> None:
    """Raise `RequestError` for what no server says of itself: the card is kept, told to others, and dialed."""
    texts = (card.id, card.name, card.address, card.datacenter, card.cluster_id)
    if max(map(len, texts)) > TEXT_MAX:
        raise RequestError(f"a server introduced itself with a text of more than {TEXT_MAX} characters")
    if not card.id:
        raise RequestError(f"a server at {card.address!r} introduced itself without an id")
    split_host_port(card.address, 0)
