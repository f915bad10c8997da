"""Who changes the cluster while it is under fire: adds, promotes, demotes and removes servers, also the leader."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from lictor_core.peers import PeerSet, RaftServer
from tests.support.peers import peers

__all__ = ["another_set", "next_set"]


def next_set(current: PeerSet, nodes: Sequence[str], chance: random.Random) -> PeerSet:
    """A set that differs from `current` in one server, drawn by chance; it keeps at least one voter."""
    node = chance.choice(nodes)
    server = current.server(node)
    if server is None:
        return another_set(current, node, voter=chance.random() < 0.3)
    if not server.voter:
        return another_set(current, node, voter=True if chance.random() < 0.7 else None)
    if len(current.voters) <= chance.choice((1, 2, 3)):
        return current
    return another_set(current, node, voter=False if chance.random() < 0.3 else None)


def another_set(current: PeerSet, node: str, *, voter: bool | None) -> PeerSet:
    """`current` with `node` as a voter or not, or without it when `voter` is None."""
    others: list[RaftServer] = [server for server in current.servers if server.id != node]
    if voter is not None:
        (server,) = peers(node).servers
        others.append(msgspec.structs.replace(server, voter=voter))
    return msgspec.structs.replace(current, servers=tuple(others))
