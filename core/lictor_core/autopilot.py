"""What operators see and set of the servers: the Raft peers, autopilot's settings, and how healthy each server is.

Keys and defaults are those of Consul 1.8.7. Source: its documents `api-docs/operator/{raft,autopilot}`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core import topics as on
from lictor_core.durations import parse_duration
from lictor_core.peers import PeerSet
from lictor_core.query import Query
from lictor_core.records import Record
from lictor_core.topics import Topic

__all__ = [
    "NEVER",
    "NO_CONTACT",
    "AutopilotConfiguration",
    "AutopilotHealth",
    "AutopilotQuery",
    "RaftConfiguration",
    "RaftPeer",
    "RaftServers",
    "ServerHealth",
]

NEVER: Final = "0001-01-01T00:00:00Z"
"""The moment that Consul shows for what has not happened: Go's zero time."""
NO_CONTACT: Final = "-1ns"
"""The duration that Consul shows since a server was heard of, when it never was."""


class AutopilotConfiguration(Record, frozen=True, kw_only=True, omit_defaults=False):
    """How the leader looks after the servers. Durations are Go's text; indexes are 0 until it is stored.

    `min_quorum` is the number of voters below which dead ones are kept. `redundancy_zone_tag`,
    `disable_upgrade_migration` and `upgrade_version_tag` are kept and shown; Consul uses them in its Enterprise version
    alone.
    """

    cleanup_dead_servers: bool = True
    last_contact_threshold: str = "200ms"
    max_trailing_logs: int = 250
    min_quorum: int = 0
    server_stabilization_time: str = "10s"
    redundancy_zone_tag: str = ""
    disable_upgrade_migration: bool = False
    upgrade_version_tag: str = ""
    create_index: int = 0
    modify_index: int = 0

    @property
    def last_contact_s(self) -> float:
        """A server silent for longer is not healthy."""
        return parse_duration(self.last_contact_threshold)

    @property
    def stabilization_s(self) -> float:
        """How long a new server must have been healthy before it is given a vote."""
        return parse_duration(self.server_stabilization_time)


class AutopilotQuery(Query[AutopilotConfiguration], frozen=True, kw_only=True, tag="Autopilot"):
    """The settings by which the leader looks after the servers; the defaults while nobody stored any."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.AUTOPILOT,)


class RaftServers(msgspec.Struct, frozen=True, kw_only=True):
    """The peers as the log of one server has them, and the id of the leader it knows, empty for none."""

    peers: PeerSet
    leader: str


class RaftPeer(Record, frozen=True, kw_only=True):
    """One row of `GET /v1/operator/raft/configuration`."""

    id: str = msgspec.field(name="ID")
    node: str
    address: str
    leader: bool
    protocol_version: str
    voter: bool


class RaftConfiguration(Record, frozen=True, kw_only=True):
    """The answer of `GET /v1/operator/raft/configuration`; `index` is that of the log entry that says so."""

    servers: list[RaftPeer]
    index: int


class ServerHealth(Record, frozen=True, kw_only=True):
    """How one server does, as the leader sees it. `last_contact` is a duration, `stable_since` a moment, in text."""

    id: str = msgspec.field(name="ID")
    name: str
    address: str
    serf_status: str
    version: str
    leader: bool
    last_contact: str
    last_term: int
    last_index: int
    healthy: bool
    voter: bool
    stable_since: str


class AutopilotHealth(Record, frozen=True, kw_only=True):
    """How the servers do. `failure_tolerance` is how many healthy voters may fail while a majority goes on.

    `servers` is None as long as a new leader has not looked yet.
    """

    healthy: bool
    failure_tolerance: int
    servers: list[ServerHealth] | None
