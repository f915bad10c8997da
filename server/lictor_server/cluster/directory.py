"""Who is where: the servers that introduced themselves, and the places where others may be. Pure.

A server is believed about itself alone. What it says of others is a place to ask, since it may be out of date: after
all addresses have changed, the old ones still circulate for a while.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lictor_core.peers import PeerSet
from lictor_server.cluster.cards import TEXT_MAX, ServerCard

__all__ = ["SERVERS_MAX", "Directory"]

SERVERS_MAX: Final = 64
"""Servers and places remembered; of more the ones heard of longest ago are forgotten."""


class Directory:
    """The cards of other servers by id. Times are seconds of one monotonic clock."""

    def __init__(self, own_id: str, own_address: str) -> None:
        self._own_id = own_id
        self._own_address = own_address
        self._cards: dict[str, ServerCard] = {}
        self._heard_at: dict[str, float] = {}
        self._hints: dict[str, None] = {}

    def move(self, own_address: str) -> None:
        """This server is reached here now."""
        self._own_address = own_address

    def heard(self, card: ServerCard, now: float) -> bool:
        """A server introduced itself; whether that is news.

        Who was known at the same address is forgotten: there is one server at an address, so it has another id now.
        """
        if card.id == self._own_id:
            return False
        news = self._cards.get(card.id) != card
        self._cards.pop(card.id, None)
        for id in [id for id, known in self._cards.items() if known.address == card.address]:
            del self._cards[id], self._heard_at[id]
        self._cards[card.id] = card
        self._heard_at[card.id] = now
        if len(self._cards) > SERVERS_MAX:
            oldest = next(iter(self._cards))
            del self._cards[oldest], self._heard_at[oldest]
        return news

    def hint(self, addresses: Iterable[str]) -> None:
        """Servers may be at these addresses."""
        for address in addresses:
            if address != self._own_address and len(address) <= TEXT_MAX:
                self._hints.pop(address, None)
                self._hints[address] = None
                if len(self._hints) > SERVERS_MAX:
                    del self._hints[next(iter(self._hints))]

    def drop_hint(self, address: str) -> None:
        """Nobody answered there."""
        self._hints.pop(address, None)

    def card(self, id: str) -> ServerCard | None:
        """What the server with this id said of itself."""
        return self._cards.get(id)

    def heard_since(self, moment: float) -> list[ServerCard]:
        """Who introduced itself at or after `moment`, by id."""
        return [card for id, card in sorted(self._cards.items()) if self._heard_at[id] >= moment]

    def addresses(self, peers: PeerSet) -> dict[str, str]:
        """Where the others of `peers`, and whoever else introduced itself, are reached, by id.

        What a server says of itself goes before what the log says.
        """
        known = {server.id: server.address for server in peers.servers}
        known |= {card.id: card.address for card in self._cards.values()}
        known.pop(self._own_id, None)
        return known

    def places(self, peers: PeerSet) -> list[str]:
        """Every address where a server may be asked, without the own one."""
        found = {*self.addresses(peers).values(), *self._hints, *(server.address for server in peers.servers)}
        return sorted(found - {self._own_address})
