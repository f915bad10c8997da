"""What calls to the servers carry that have more than one argument: msgpack of these records, at both ends."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.commands import ReadMode
from lictor_core.coordinates import NodeCoordinate
from lictor_core.hiding import Bearing, shown_without
from lictor_core.queries import AnyQuery
from lictor_core.records import JsonObject
from lictor_core.registry import ReadOptions

__all__ = [
    "AGENT_CA",
    "ATTEND",
    "FEED",
    "KEYS",
    "KEYS_TOLD",
    "LOOK",
    "PROPOSE",
    "PROXIES",
    "PROXIES_TOLD",
    "SIGN_AGENT",
    "STAMPS",
    "STAMPS_MAX",
    "TELL_KEYS",
    "TELL_PROXIES",
    "TICKS",
    "AgentCA",
    "Attendance",
    "Bulletin",
    "ConfigureRequest",
    "ForceLeaveRequest",
    "PeerRequest",
    "PlaceRequest",
    "Proposed",
    "ProxiesRequest",
    "RaftServersRequest",
    "ReadRequest",
    "RestoreOrder",
    "RestorePart",
    "SavedHead",
    "SessionRequest",
    "StampsRequest",
    "WriteRequest",
]

AGENT_CA: Final = "agent_ca"
"""Without a payload to an `AgentCA`."""
SIGN_AGENT: Final = "sign_agent"
"""From core's `LeafRequest` of no service to an `IssuedLeaf` for the agent itself."""
ATTEND: Final = "attend"
"""The stream by which an agent holds on to a server: from an `Attendance` to a `Bulletin`, and another when it changes.
"""
FEED: Final = "feed"
"""The stream that feeds a view, from a core's `FeedRequest`."""
TICKS: Final = "ticks"
"""The stream of core's `feed.Tick`, which tells how old what was fed is. Without a payload."""
LOOK: Final = "look"
"""From an `Attendance` to a `Bulletin`, once."""
PROPOSE: Final = "propose"
"""From a `Proposed` to an `Outcome`, and how much of the log the server had applied."""
PROXIES: Final = "proxies"
"""From a `ProxiesRequest` to a list of core's `ProxyPolicy`: all known in the cluster."""
PROXIES_TOLD: Final = "proxies_told"
"""The same of one server, which others ask by the name of the service alone."""
KEYS: Final = "keys"
"""From nothing to a list of core's `KeyTidings`: of all agents that told of theirs."""
KEYS_TOLD: Final = "keys_told"
"""The same of one server, which others ask."""
TELL_KEYS: Final = "tell_keys"
"""From core's `KeyTidings`; it is good as long as the connection lasts."""
TELL_PROXIES: Final = "tell_proxies"
"""From core's `ProxyTidings`; it is good as long as the connection lasts."""
STAMPS: Final = "stamps"
"""From a `StampsRequest` to a list of stamps, in its order.

Behind them stand, where the mode is stale, the milliseconds since the server heard from the leader, and 1 where it
knows one, else 0.
"""
STAMPS_MAX: Final = 1024
"""Queries of one `StampsRequest`."""


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`read`: the answer is a `Reading` of the query's answer."""

    query: AnyQuery
    options: ReadOptions


class StampsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stamp a reading of each query would have now, as fresh as `mode` asks: an answer with it still holds.

    `tokens` are those of the queries, in their order; none at all where none has one.
    """

    queries: tuple[AnyQuery, ...]
    mode: ReadMode
    tokens: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return shown_without(self, "tokens")


class WriteRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`write`: a command in its form for the log; the answer is an `Outcome`."""

    command: bytes


class Proposed(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal (core's `Proposal`, encoded), carried out once however often it is sent."""

    proposal: bytes


class ConfigureRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`configure_ca`: the answer is null."""

    provider: str
    config: JsonObject
    forced: bool = False


class ForceLeaveRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`force_leave`: the answer is null."""

    name: str
    prune: bool = False


class PeerRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`remove_peer` and `transfer_leader`: a server by its id, or for the first by `host:port`. Answered by null."""

    id: str


class SessionRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`renew_session`: the answer is a list with the session, or an empty one."""

    id: str


class PlaceRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`place`: the answer is null."""

    update: NodeCoordinate


class ProxiesRequest(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`proxies`: those of a service, of all for an empty one. The answer is a list of core's `ProxyPolicy`."""

    service: str


class RaftServersRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`raft_servers`: the answer is a `RaftServers`."""

    stale: bool = False


class AgentCA(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent must know to ask for its certificate: who signs it, and what else that signs is to be believed."""

    trust_domain: str
    datacenter: str
    roots: tuple[str, ...]
    """All roots of the mesh, PEM."""
    active_root_id: str
    verify_server_hostname: bool = False
    """Whether servers are to prove their role to the agent, whatever it was told itself."""


class Attendance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to know of the servers."""

    name: str
    datacenter: str


class Bulletin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one server says of itself and of the others."""

    name: str
    address: str
    """`host:port` of this server, as agents reach it."""
    servers: tuple[str, ...]
    """`host:port` of all servers, itself among them."""
    is_ready: bool
    """Whether it knows a leader and has caught up."""
    applied_index: int
    """How much of the log it had applied."""
    attended: int = 0
    """How many agents hold on to it: so many look for another server when it is lost."""


class SavedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`save_state`, from `ReadOptions`: what was saved. `saved_part`, from `id`, gives its bytes, one part a call."""

    id: int
    size_bytes: int
    index: int
    last_contact_ms: int
    known_leader: bool


class RestorePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`restore_part`: the next bytes of the archive for which `restore_begin` gave this id."""

    id: int
    data: bytes


class RestoreOrder(Bearing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`restore_finish`: put the archive that came in place."""

    id: int
    datacenter: str = ""
