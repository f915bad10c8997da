"""Peer sets in few words."""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.peers import PeerSet, RaftServer

__all__ = ["peers"]


def peers(*voters: str, others: Iterable[str] = (), index: int = 0) -> PeerSet:
    """A set of these `voters`, and of `others` that do not count."""
    return PeerSet(
        cluster_id="c1",
        servers=tuple(
            RaftServer(id=id, name=id, address=f"{id}.test:8300", voter=voter)
            for ids, voter in ((voters, True), (others, False))
            for id in ids
        ),
        index=index,
    )
