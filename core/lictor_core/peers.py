"""The servers that keep the log together, as the log itself records them (Raft thesis, chapter 4)."""

from __future__ import annotations

import msgspec

__all__ = ["PeerSet", "RaftServer"]


class RaftServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server. `id`, its node id, is who it is; `name` and `address` (`host:port`) may change."""

    id: str
    name: str
    address: str
    voter: bool = True
    """Whether it counts in majorities. One that does not only receives the log, until it is promoted."""


class PeerSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consul's "Raft configuration": who belongs to the cluster since the log entry `index`; 0 before there is one.

    `cluster_id` is made when the cluster is founded: servers of different clusters never talk about a log.
    """

    cluster_id: str = ""
    servers: tuple[RaftServer, ...] = ()
    index: int = 0

    @property
    def voters(self) -> frozenset[str]:
        """The ids of those who count."""
        return frozenset(server.id for server in self.servers if server.voter)

    def server(self, id: str) -> RaftServer | None:
        """The one with this id."""
        return next((server for server in self.servers if server.id == id), None)
