"""The registry as agents see it, whether the server is in the same process or behind a connection.

`Registry` is the one interface between an agent and the servers; `lictor_server` gives the in-process one and the
RPC client the other. `CatalogView` is what DNS and the local endpoints read without waiting for anybody.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from lictor_core.acl.granted import Grants
from lictor_core.acl.requests import AclAnswer, AclOrder
from lictor_core.autopilot import AutopilotHealth, RaftServers
from lictor_core.commands import Command, Outcome, ReadMode
from lictor_core.coordinates import Coordinate, NodeCoordinate, Position
from lictor_core.feed import FeedRequest
from lictor_core.hiding import Bearing
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.peers import PeerSet
from lictor_core.prepared import PreparedQuery
from lictor_core.proxy_status import ProxyPolicy, ProxyTidings
from lictor_core.queries import Query
from lictor_core.records import AddressHolders, Member, Node, ServiceHealth, Session
from lictor_core.sealed_ring import KeyTidings
from lictor_core.topics import Topic

__all__ = [
    "CatalogView",
    "ColdViewError",
    "Confirmation",
    "FeedSource",
    "IssuedLeaf",
    "LeaderStatus",
    "LeafRequest",
    "Pause",
    "ReadOptions",
    "Reading",
    "Registry",
    "SavedState",
]

T = TypeVar("T")


class ReadOptions(Bearing, frozen=True, kw_only=True):
    """How to read: how fresh, and whether to wait for something newer than `min_index` first.

    With `max_stale_s` above 0 a stale read that would be older becomes a default one.

    `min_index` 0 answers at once. Otherwise the answer comes as soon as its index is above `min_index`, or after
    `wait_s` seconds (bounded by `limits.WAIT_MAX_S`; jitter is added by the reader) with what there is then.
    """

    mode: ReadMode = ReadMode.DEFAULT
    max_stale_s: float = 0.0
    min_index: int = 0
    wait_s: float = 0.0
    datacenter: str = ""


class Reading(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """An answer and how fresh it is.

    `index` is what a blocking query hands back: at least 1, never smaller than an earlier one of the same query.
    `stamp` changes with every change of `value`, also those that wake nobody (a check's output); it tells caches
    whether what they encoded still holds. `scope` is empty where `value` is all there is; otherwise it names what the
    reader's token lets through: readings of one query with equal stamps and scopes have equal values.
    `last_contact_ms` is how long ago the server that answers was surely current, 0 on the leader.
    """

    value: T
    index: int
    stamp: int
    last_contact_ms: int = 0
    known_leader: bool = True
    scope: str = ""


class Confirmation(NamedTuple):
    """The stamps that readings of some queries would have now, in their order, and what they would say of themselves.

    As in `Reading`: one that was made before with the same stamp has the same value.
    """

    stamps: list[int]
    last_contact_ms: int = 0
    known_leader: bool = True


class LeafRequest(Bearing, frozen=True, kw_only=True):
    """A certificate signing request, PEM, for a service or (when `service` is empty) an agent."""

    csr: str
    service: str


class IssuedLeaf(msgspec.Struct, frozen=True, kw_only=True):
    """A signed leaf. `valid_after` and `valid_before` are seconds since 1970; `index` is when it was issued."""

    serial_number: str
    certificate: str
    service: str
    uri: str
    valid_after: float
    valid_before: float
    root_id: str
    index: int


class LeaderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Who leads (`address` is `host:port`, empty when nobody), who belongs to the cluster, and where its log is.

    `peers` are the addresses of the voters, as far as is known where they are now; `peer_set` is what the log says.
    """

    address: str
    is_self: bool
    peers: tuple[str, ...]
    peer_set: PeerSet
    term: int
    applied_index: int
    commit_index: int
    last_index: int
    last_contact_s: float | None
    """Seconds since the leader was heard; 0 on it, None when none was since the start."""
    snapshot_index: int = 0
    """Up to which entry this server's newest snapshot reaches; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """A saved state: an archive (core's `archive`) in a file that has no name, and how fresh it is.

    `archive` stands at its beginning; whoever is given it closes it, and the file is gone then.
    """

    archive: BinaryIO
    size_bytes: int
    index: int
    last_contact_ms: int = 0
    known_leader: bool = True


class Pause(Protocol):
    """What a blocking read waits for, apart from the read itself: who waits need not hold anything else meanwhile."""

    async def over(self) -> None:
        """Return when the answer has changed, when time is up, or when there is nothing more to wait for."""
        ...


class CatalogView(Protocol):
    """A consistent picture of the catalog in memory; reading it never waits.

    On a server all reads made without an `await` between them see one index. On other agents each thing is at an index
    of its own; what is not here yet is refused with `ColdViewError`, also when it is asked for the stamp. Names ignore
    case. `stamp` of topics grows with every change of what depends on them.
    """

    @property
    def version(self) -> int:
        """Grows with every change of anything: equal versions mean that nothing changed at all."""
        ...

    @property
    def age_s(self) -> float:
        """Seconds since this picture was known to be current; 0 on the leader."""
        ...

    def stamp(self, topics: Sequence[Topic]) -> int:
        """A number that grows with every change of any of `topics`."""
        ...

    def wake_index(self, topics: Sequence[Topic]) -> int:
        """The same for changes that wake who watches `topics`: `stamp`, but for checks' outputs."""
        ...

    def service_health(self, name: str, *, connect: bool = False) -> Sequence[ServiceHealth]:
        """The instances of a service (or its mesh-capable ones) with their checks, in a stable order."""
        ...

    def ingress_health(self, name: str) -> Sequence[ServiceHealth]:
        """The instances of the gateways that let traffic in to a service, in a stable order."""
        ...

    def node(self, name: str) -> Node | None:
        """A node by name."""
        ...

    def prepared_query(self, id_or_name: str) -> PreparedQuery | None:
        """The prepared query that runs under an id or a name, a template filled in; None when there is none.

        Raises `RequestError` for a template that is named by its id, or that cannot be filled in.
        """
        ...

    def coordinates(self) -> Mapping[str, Coordinate]:
        """Where the nodes stand, those that are placed, by name in lower case."""
        ...

    def virtual_address(self, service: str) -> str | None:
        """The virtual IP of a service of the mesh; None when it has none."""
        ...

    def holders_at(self, address: str) -> AddressHolders:
        """Who has this IP: nodes by their address, services by an instance with that address of its own."""
        ...


class ColdViewError(Exception):
    """A `CatalogView` has not got yet what it was asked for. `bring` gets it, once however many ask for it.

    `bring(call)` calls `call` later, in bounded time: with True when it is there, with False when it could not be had.
    It raises `LictorError` when too many wait already.
    """

    def __init__(self, bring: Callable[[Callable[[bool], None]], None]) -> None:
        super().__init__("it has to be fetched first")
        self.bring = bring


class FeedSource(Protocol):
    """What views are fed from: one of the servers, near or far. Streams raise only `LictorError`."""

    def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
        """The items (core's `feed`) that lead from `request.after` to the newest answer, and on with each change.

        It ends with an error when the server is lost or the caller is too slow, and the caller then asks anew, from
        where it stands; `CatchingUpError` and `NoLeaderError` when no server can vouch for what it has.
        """
        ...

    def ticks(self) -> AsyncGenerator[bytes]:
        """How fresh the server is from which feeds come (core's `feed.Tick`), now and about once a second."""
        ...


class Registry(Protocol):
    """What an agent asks of the servers. Every method raises only `LictorError`."""

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        """Answer `query`, waiting as `options` say."""
        ...

    async def write(self, command: Command, *, token: str = "") -> Outcome:
        """Put `command` through the log. A rejection by the state is raised as the error it names."""
        ...

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root."""
        ...

    async def configure_ca(
        self, provider: str, config: dict[str, object], *, forced: bool = False, token: str = ""
    ) -> None:
        """Change the CA's settings; a new provider or key makes a new root."""
        ...

    async def leader_status(self) -> LeaderStatus:
        """Who leads now."""
        ...

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name."""
        ...

    async def renew(self, renewal: Renewal) -> LeaseGrant:
        """Take or renew this agent's lease, at one server and by one attempt: a repetition needs a new counter.

        Raises `RequestError` while a living member with another id has the name.
        """
        ...

    async def renew_session(self, session_id: str, *, token: str = "") -> Session | None:
        """Begin the TTL of a session anew; None when there is no such session any more."""
        ...

    async def resolve_token(self, secret: str) -> Grants:
        """What the token of `secret` comes to; the empty one is the anonymous token.

        As fresh as a default read while somebody leads, else as the server that answers has it. Raises
        `PermissionDeniedError` for a secret that no token has, or one that has expired.
        """
        ...

    async def acl(self, order: AclOrder, *, token: str = "") -> AclAnswer:
        """Change access control as the bearer of `token`, at the leader; not repeated when the outcome is unknown.

        Raises `PermissionDeniedError` for who may not, `AclRefusedError` for what cannot be written,
        `AuthenticationError` where access control is off.
        """
        ...

    async def leave(self, name: str) -> None:
        """Give up the lease of `name`: it left on purpose, and its registrations go with it."""
        ...

    async def join(self, addresses: tuple[str, ...]) -> int:
        """Look for servers at `addresses` (`host` or `host:port`) once; how many answered.

        This is about the agent itself, which asks no server to do it. Raises `ClusterError` when none answered.
        """
        ...

    async def force_leave(self, name: str, *, prune: bool = False, token: str = "") -> None:
        """Declare a member that failed gone, with `prune` forget it, too; a living one stays.

        Raises `NotFoundError` when no member has the name.
        """
        ...

    async def save_state(self, options: ReadOptions) -> SavedState:
        """The whole state at one index, verified by loading it; `options` say how fresh, nothing is waited for."""
        ...

    async def restore_state(self, archive: BinaryIO, *, datacenter: str = "", token: str = "") -> None:
        """Put the state in `archive` in place of the current one. Raises `RequestError` when it cannot be that."""
        ...

    async def raft_servers(self, *, stale: bool = False) -> RaftServers:
        """The servers that keep the log together, as the leader has them; `stale` as whoever is asked has them."""
        ...

    async def remove_peer(self, id_or_address: str, *, token: str = "") -> None:
        """Take a server, named by its id or `host:port`, out of those that keep the log. It does not come back for a
        minute, even if it lives. Raises `NotFoundError` for one that is not among them."""
        ...

    async def transfer_leader(self, id: str = "", *, token: str = "") -> None:
        """Hand the lead to the voter `id`, or to the one that has most of the log; returns when another leads."""
        ...

    async def autopilot_health(self) -> AutopilotHealth:
        """How the servers do, as the leader sees it."""
        ...

    async def position(self) -> Position:
        """Where the server that answers stands in the network; who asks measures how long that takes."""
        ...

    async def tell_proxies(self, tidings: ProxyTidings) -> None:
        """Say which policies the proxies of this agent run; to be said again when the connection is another one."""
        ...

    async def proxies(self, service: str, *, token: str = "") -> list[ProxyPolicy]:
        """Which policies the proxies of a service run, all proxies when it is empty, as agents told: those that told
        nothing are not among them."""
        ...

    async def tell_keys(self, tidings: KeyTidings) -> None:
        """Say which keys this agent knows; to be said again when the connection is another one."""
        ...

    async def keys(self) -> list[KeyTidings]:
        """Which keys the agents know that told of theirs, by node."""
        ...

    async def place(self, update: NodeCoordinate, *, token: str = "") -> None:
        """Say where a node stands. It is written within seconds, unless too many are; a node that the catalog does not
        know is passed over. Raises `RequestError` for a coordinate that cannot be compared with others."""
        ...
