"""`RemoteRegistry`: core's `Registry` over a connection to one of the servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import BinaryIO, Final, TypeVar

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_agent.remote.allowance import Allowance
from lictor_agent.remote.archives import RemoteArchives
from lictor_agent.remote.calls import ANSWER_S_MAX, RemoteCalls
from lictor_agent.remote.finding import LOOK_S_MAX
from lictor_agent.remote.link import ServerLink
from lictor_agent.remote.settings import RemoteSettings
from lictor_core.acl.granted import Grants
from lictor_core.acl.requests import ACL, RESOLVE, AclAnswer, AclOrder, AclRequest
from lictor_core.autopilot import AutopilotHealth, RaftServers
from lictor_core.calls import (
    FEED,
    KEYS,
    PROPOSE,
    PROXIES,
    STAMPS,
    TELL_KEYS,
    TELL_PROXIES,
    TICKS,
    ConfigureRequest,
    ForceLeaveRequest,
    PeerRequest,
    PlaceRequest,
    Proposed,
    ProxiesRequest,
    RaftServersRequest,
    ReadRequest,
    SessionRequest,
    StampsRequest,
)
from lictor_core.clock import Clock, Rng
from lictor_core.codec import encode_proposal, pack, pack_given, unpack
from lictor_core.commands import Command, Outcome, Proposal, ReadMode
from lictor_core.coordinates import NodeCoordinate, Position
from lictor_core.errors import LictorError, OutcomeUnknownError, PeerError, RequestError
from lictor_core.feed import FeedRequest
from lictor_core.limits import WAIT_JITTER_FRACTION, WAIT_MAX_S
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.metrics import Meter
from lictor_core.proxy_status import ProxyPolicy, ProxyTidings
from lictor_core.queries import AnyQuery, Query, answer_type
from lictor_core.records import JsonObject, Member, Session
from lictor_core.registry import Confirmation, IssuedLeaf, LeaderStatus, LeafRequest, Reading, ReadOptions, SavedState
from lictor_core.sealed_ring import KeyTidings
from lictor_core.vivaldi import ROUND_TRIP_S_MAX
from lictor_server import PLAIN, UNKEYED, Keyed, RpcPool, Tls

__all__ = ["RemoteRegistry"]

T = TypeVar("T")

_RENEWED_S_MAX: Final = 2.0
_SIGN_OF_LIFE_S_MAX: Final = 1.0
"""How long a server may take to renew a lease, and then to show that it lives."""
_STAMPS_S_MAX: Final = 1.0
"""How long a server may take to confirm answers; after that they are read anew, by which it may be left."""
_COUNTER_BYTES: Final = 6
_OWN_BITS: Final = 80


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A `Reading` whose value is read once it is known of which type it is."""

    value: msgspec.Raw
    index: int
    stamp: int
    last_contact_ms: int = 0
    known_leader: bool = True
    scope: str = ""


class RemoteRegistry:
    """The servers behind one connection. All methods belong to the event loop on which `start` ran."""

    def __init__(
        self,
        settings: RemoteSettings,
        *,
        tls: Tls = PLAIN,
        keyed: Keyed = UNKEYED,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._pool = RpcPool(rng=rng, tls=tls, keyed=keyed, source=settings.source, connect_s=LOOK_S_MAX)
        self._link = ServerLink(settings, self._pool, clock=clock, rng=rng, log=log)
        self._allowance = Allowance(settings.rate, settings.burst_max, clock)
        self._calls = RemoteCalls(
            self._link, self._pool, hold_s=settings.hold_s, clock=clock, rng=rng, allowance=self._allowance
        )
        self._archives = RemoteArchives(self._link, self._pool, hold_s=settings.hold_s)
        self._own = rng.bits(_OWN_BITS).to_bytes(_OWN_BITS // 8, "big")
        self._requests = 0
        self._run: asyncio.Task[None] | None = None
        self.before_join: Callable[[tuple[str, ...]], Awaitable[None]] = _nothing_first
        """What is done with addresses before servers are looked for there; may raise `ClusterError`."""

    # Life.

    async def start(self) -> None:
        """Begin to look for servers. Raises `ClusterError` when none of `start_join` answers."""
        if self._settings.start_join:
            await self._link.join(self._settings.start_join)
        self._run = asyncio.get_running_loop().create_task(self._link.run(), name="agent-servers")

    async def stop(self) -> None:
        """Close the connection; called twice it does nothing."""
        run, self._run = self._run, None
        if run is not None:
            run.cancel()
            await asyncio.wait([run])
            if not run.cancelled():
                run.exception()  # whoever wanted to know has asked `failed`
        self._link.stop()
        await self._pool.stop()

    async def failed(self) -> None:
        """Wait until this agent gives up looking for servers, and raise why; ends quietly when it is stopped."""
        assert self._run is not None, "start comes first"
        run = self._run
        await asyncio.wait([run])
        if not run.cancelled():
            run.result()

    # The connection.

    @property
    def server(self) -> str:
        """`host:port` of the server in use; empty while there is none."""
        return self._link.current

    @property
    def servers(self) -> tuple[str, ...]:
        """All known servers, `host:port`."""
        return self._link.servers

    def at_connection(self, callback: Callable[[], None]) -> None:
        """Call `callback` each time when a server was found, the first or another one: leases and views begin anew."""
        self._link.at_connection(callback)

    async def join(self, addresses: tuple[str, ...]) -> int:
        """Look for servers at each of `addresses`; how many answered. Raises `ClusterError` when none did."""
        await self.before_join(addresses)
        return await self._link.join(addresses)

    def tell_figures(self, meter: Meter) -> None:
        """Have counted what is asked of the servers, and what failed of that."""
        meter.follow("client.rpc", lambda: self._calls.asked)
        meter.follow("client.rpc.exceeded", lambda: self._allowance.exceeded)
        meter.follow("client.rpc.failed", lambda: self._calls.failed)

    def follow_rate(self, rate: float, burst_max: int) -> None:
        """Send at most so many requests a second, and at once, from now on."""
        self._allowance.follow(rate, burst_max)

    async def stream(self, method: str, payload: bytes) -> AsyncGenerator[bytes]:
        """The items of a stream of the server in use; wrap it in `contextlib.aclosing`.

        It ends with an error when that server is lost: `server` is waited for, and asked, by calling this again.
        Raises as `RpcPool.stream` does, and `NoLeaderError` when no server is there within `hold_s`.
        """
        server = await self._link.server(self._settings.hold_s)
        items = self._pool.stream(server, method, payload)
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()

    # `FeedSource`.

    def feed(self, request: FeedRequest) -> AsyncGenerator[bytes]:
        """The items that lead to the newest answer, and on with each change, from the server in use.

        Raises `RequestError` for a query with text that is no Unicode, `RateLimitedError` when too much is asked.
        """
        self._allowance.check(FEED)
        return self.stream(FEED, pack_given(request))

    def ticks(self) -> AsyncGenerator[bytes]:
        """How fresh the server in use is, now and about once a second."""
        return self.stream(TICKS, b"")

    # Answers that are here already.

    async def confirm(
        self, queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str] = ()
    ) -> Confirmation | None:
        """What readings of `queries`, at most `STAMPS_MAX`, in `mode` would be known by now; None when the server in
        use does not tell. `tokens` are whose readings they are, in their order; none at all where nobody shows one.

        A reading of the same server with that stamp is as fresh as one that is made now.
        """
        server = self._link.current
        if not server or not self._allowance.allows(STAMPS):
            return None
        request = StampsRequest(
            queries=tuple(map(_any_query, queries)), mode=mode, tokens=tuple(tokens) if any(tokens) else ()
        )
        try:
            told = _decoded(
                await self._pool.call(server, STAMPS, pack_given(request), timeout_s=_STAMPS_S_MAX), list[int]
            )
        except LictorError:
            return None  # the reads that follow tell what is the matter
        more = 2 if mode is ReadMode.STALE else 0
        if len(told) != len(queries) + more:
            return None
        return Confirmation(told[:-2], told[-2], bool(told[-1])) if more else Confirmation(told)

    # `Registry`.

    async def read(self, query: Query[T], options: ReadOptions) -> Reading[T]:
        """Answer `query`, waiting as `options` say; also when the server is lost meanwhile."""
        wait_s = min(options.wait_s, WAIT_MAX_S) if options.min_index > 0 else 0.0
        ends = self._clock.monotonic() + wait_s
        asked = _any_query(query)

        def left_s() -> float:
            return max(ends - self._clock.monotonic(), 0.0)

        def payload(again: bool) -> bytes:
            return pack_given(ReadRequest(query=asked, options=msgspec.structs.replace(options, wait_s=left_s())))

        answer = await self._calls.ask(
            "read", payload, answer_s=lambda: left_s() * (1 + 1 / WAIT_JITTER_FRACTION) + ANSWER_S_MAX
        )
        row = _decoded(answer, _Row)
        return Reading(
            value=_decoded(bytes(row.value), answer_type(type(query))),
            index=row.index,
            stamp=row.stamp,
            last_contact_ms=row.last_contact_ms,
            known_leader=row.known_leader,
            scope=row.scope,
        )

    async def write(self, command: Command, *, token: str = "") -> Outcome:
        """Put a command through the log, once, also when it has to be sent again."""
        self._requests += 1
        request = self._own + self._requests.to_bytes(_COUNTER_BYTES, "big")
        seen = self._link.seen_index

        def payload(again: bool) -> bytes:
            return pack(Proposed(proposal=encode_proposal(Proposal(request, seen, again, command)), token=token))

        answer = await self._calls.ask(PROPOSE, payload, changes=True)
        outcome, applied_index = _decoded(answer, tuple[Outcome, int])
        self._link.seen_index = max(self._link.seen_index, applied_index)
        return outcome

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf. A repetition signs another one, which harms nobody."""
        return _decoded(await self._calls.ask("sign_leaf", lambda _: pack(request)), IssuedLeaf)

    async def configure_ca(self, provider: str, config: JsonObject, *, forced: bool = False, token: str = "") -> None:
        """Change the CA's settings; not repeated when the outcome is unknown, since it may make a new root."""
        request = ConfigureRequest(provider=provider, config=config, forced=forced, token=token)
        await self._calls.ask("configure_ca", lambda _: pack(request), repeatable=False)

    async def leader_status(self) -> LeaderStatus:
        """Who leads, as the server in use knows; never this agent."""
        status = _decoded(await self._calls.ask("leader_status", _nothing), LeaderStatus)
        return msgspec.structs.replace(status, is_self=False)

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name."""
        return _decoded(await self._calls.ask("members", _nothing), list[Member])

    async def renew(self, renewal: Renewal) -> LeaseGrant:
        """Take or renew this agent's lease; not repeated, since a repetition needs a new counter: also a server that
        no leader answered in time has noted the counter, and would take it for that of another agent.

        A server that does not answer is left in well under a lease: others still grant it then.
        """
        server = self._link.current
        try:
            granted = await self._calls.ask(
                "renew", lambda _: pack(renewal), repeatable=False, once=True, answer_s=lambda: _RENEWED_S_MAX
            )
        except OutcomeUnknownError:
            await self._link.doubt(server, _SIGN_OF_LIFE_S_MAX)
            raise
        return _decoded(granted, LeaseGrant)

    async def renew_session(self, session_id: str, *, token: str = "") -> Session | None:
        """Begin the TTL of a session anew; None when there is no such session any more."""
        request = SessionRequest(id=session_id, token=token)
        found = _decoded(await self._calls.ask("renew_session", lambda _: pack_given(request)), list[Session])
        return found[0] if found else None

    async def resolve_token(self, secret: str) -> Grants:
        """What the token of `secret` comes to, as the server in use tells."""
        return _decoded(await self._calls.ask(RESOLVE, lambda _: pack_given(secret)), Grants)

    async def acl(self, order: AclOrder, *, token: str = "") -> AclAnswer:
        """Change access control; not repeated when the outcome is unknown."""
        request = AclRequest(order=order, token=token)
        return _decoded(await self._calls.ask(ACL, lambda _: pack_given(request), repeatable=False), AclAnswer)

    async def leave(self, name: str) -> None:
        """Give up the lease of `name`."""
        await self._calls.ask("leave", lambda _: pack(name))

    async def force_leave(self, name: str, *, prune: bool = False, token: str = "") -> None:
        """Declare a member that failed gone, with `prune` forget it, too."""
        request = ForceLeaveRequest(name=name, prune=prune, token=token)
        await self._calls.ask("force_leave", lambda _: pack(request))

    async def save_state(self, options: ReadOptions) -> SavedState:
        """The whole state, saved and verified by a server."""
        return await self._archives.save(options)

    async def restore_state(self, archive: BinaryIO, *, datacenter: str = "", token: str = "") -> None:
        """Put the state in `archive`, which is closed here, in place of the current one."""
        await self._archives.restore(archive, datacenter=datacenter, token=token)

    async def raft_servers(self, *, stale: bool = False) -> RaftServers:
        """The servers that keep the log together."""
        return _decoded(
            await self._calls.ask("raft_servers", lambda _: pack(RaftServersRequest(stale=stale))), RaftServers
        )

    async def remove_peer(self, id_or_address: str, *, token: str = "") -> None:
        """Take a server out; not repeated when the outcome is unknown, since it may not be there any more."""
        request = PeerRequest(id=id_or_address, token=token)
        await self._calls.ask("remove_peer", lambda _: pack_given(request), repeatable=False)

    async def transfer_leader(self, id: str = "", *, token: str = "") -> None:
        """Hand the lead to another voter; not repeated, or it would be handed on again."""
        request = PeerRequest(id=id, token=token)
        await self._calls.ask("transfer_leader", lambda _: pack_given(request), repeatable=False)

    async def autopilot_health(self) -> AutopilotHealth:
        """How the servers do, as the leader sees it."""
        return _decoded(await self._calls.ask("autopilot_health", _nothing), AutopilotHealth)

    async def position(self) -> Position:
        """Where the server in use stands in the network."""
        return _decoded(await self._calls.ask("position", _nothing), Position)

    async def position_of(self, server: str) -> Position:
        """Where another server stands, asked on a connection to it that ends when it is not used."""
        return _decoded(await self._pool.call(server, "position", b"", timeout_s=ROUND_TRIP_S_MAX), Position)

    async def tell_keys(self, tidings: KeyTidings) -> None:
        """Say which keys this agent knows."""
        await self._calls.ask(TELL_KEYS, lambda _: pack(tidings))

    async def keys(self) -> list[KeyTidings]:
        """Which keys the agents know."""
        return _decoded(await self._calls.ask(KEYS, _nothing), list[KeyTidings])

    async def tell_proxies(self, tidings: ProxyTidings) -> None:
        """Say which policies the proxies of this agent run."""
        await self._calls.ask(TELL_PROXIES, lambda _: pack(tidings))

    async def proxies(self, service: str, *, token: str = "") -> list[ProxyPolicy]:
        """Which policies the proxies of a service run."""
        request = ProxiesRequest(service=service, token=token)
        return _decoded(await self._calls.ask(PROXIES, lambda _: pack_given(request)), list[ProxyPolicy])

    async def place(self, update: NodeCoordinate, *, token: str = "") -> None:
        """Say where a node stands."""
        await self._calls.ask("place", lambda _: pack_given(PlaceRequest(update=update, token=token)))


def _nothing(again: bool) -> bytes:
    return b""


def _any_query(query: Query[T]) -> AnyQuery:
    assert isinstance(query, AnyQuery), f"{type(query).__name__} must stand in core's AnyQuery"
    return query


def _decoded(data: bytes, kind: type[T]) -> T:
    """What a server answered. Raises `PeerError` when it is something else: that is no fault of whoever asked."""
    try:
        return unpack(data, kind)
    except RequestError as error:
        raise PeerError(f"a server answered what cannot be read: {error}") from error


async def _nothing_first(addresses: tuple[str, ...]) -> None:
    """Who has a certificate, or needs none, is ready to look for servers."""
