"""Founding a cluster: blank servers that expect one another agree on who its first voters are. Pure.

The blank server with the lowest id coordinates. It asks every founder, itself included, for a promise to belong to this
cluster and to no other, and founds only when all have given it; so no server founds two clusters, and two sets of
founders that share a server cannot both come to be. A promise holds until its coordinator releases it or the promiser
ends: better a founding that waits for an operator than two clusters that each believe to be the only one.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.errors import RequestError
from lictor_core.peers import PeerSet, RaftServer
from lictor_server.cluster.cards import Promise, ServerCard

__all__ = ["Founding", "founders_among", "founding_set"]


class Founding:
    """What one blank server has promised."""

    def __init__(self, own_id: str) -> None:
        self._own_id = own_id
        self._promised: Promise | None = None

    @property
    def cluster_id(self) -> str:
        """The cluster that this server has promised itself to; empty for none."""
        return "" if self._promised is None else self._promised.cluster_id

    def asked(self, promise: Promise, *, own_cluster_id: str) -> None:
        """Give or release a promise. Raises `RequestError` when it cannot be given."""
        held = self._promised
        if not promise.founders:
            # Of the same cluster: a release that comes late must not free who has promised itself again since.
            if held is not None and (held.coordinator, held.cluster_id) == (promise.coordinator, promise.cluster_id):
                self._promised = None
            return
        if own_cluster_id:
            raise RequestError(f"server {self._own_id} belongs to the cluster {own_cluster_id} already")
        if self._own_id not in promise.founders:
            raise RequestError(f"server {self._own_id} was asked to found a cluster that it is not to belong to")
        if held is not None and held.coordinator != promise.coordinator:
            raise RequestError(
                f"server {self._own_id} has promised itself to the cluster that server {held.coordinator} is founding: "
                "restart it if that server is gone for good"
            )
        self._promised = promise


def founders_among(own: ServerCard, others: Iterable[ServerCard]) -> tuple[ServerCard, ...]:
    """The founders of a new cluster, by id, when `own` is to coordinate it; else none.

    None while too few have met, when one of them belongs to a cluster already (that one is to be joined), or when
    another one coordinates. Servers that expect another number, or none, are not counted.
    """
    if own.cluster_id or own.expect < 1:
        return ()
    met = [card for card in others if card.datacenter == own.datacenter]
    if any(card.cluster_id for card in met):
        return ()
    blank = sorted((own, *(card for card in met if card.expect == own.expect)), key=lambda card: card.id)
    founders = tuple(blank[: own.expect])
    return founders if len(founders) == own.expect and founders[0].id == own.id else ()


def founding_set(cluster_id: str, founders: Iterable[ServerCard]) -> PeerSet:
    """The first peer set of a cluster: all founders are voters."""
    return PeerSet(
        cluster_id=cluster_id,
        servers=tuple(RaftServer(id=card.id, name=card.name, address=card.address, voter=True) for card in founders),
    )
