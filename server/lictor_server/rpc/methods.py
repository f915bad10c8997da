"""The methods that a connection may call: each decodes its payload, asks the door, and encodes the answer.

Most are those of core's `Registry`; payloads and results are msgpack of core's types. A *stream* answers with items, as
many and as long as it likes; a *visited* method is told who calls it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final, cast

from lictor_core.acl.requests import ACL, RESOLVE, AclRequest
from lictor_core.calls import (
    AGENT_CA,
    SIGN_AGENT,
    ConfigureRequest,
    ForceLeaveRequest,
    PeerRequest,
    PlaceRequest,
    RaftServersRequest,
    ReadRequest,
    SessionRequest,
    WriteRequest,
)
from lictor_core.codec import decode_command, pack, unpack
from lictor_core.errors import AuthenticationError, RequestError
from lictor_core.membership import Renewal
from lictor_core.queries import Query
from lictor_core.registry import LeafRequest, Registry
from lictor_core.version import LICTOR
from lictor_server.rpc.roles import check_server
from lictor_server.rpc.visitor import Visitor

__all__ = ["FOR_NOBODY", "Methods", "Step", "Stream", "VisitedStep"]

FOR_NOBODY: Final = frozenset({AGENT_CA, SIGN_AGENT})
"""Methods of who has no certificate yet, at the door where such may come."""
Step = Callable[[bytes], Awaitable[object]]
"""From a payload to what is packed as the answer."""
VisitedStep = Callable[[bytes, Visitor], Awaitable[object]]
Stream = Callable[[bytes, Visitor], AsyncGenerator[bytes]]
"""From a payload to the items of the answer, each packed already and of at most `FRAME_BYTES_MAX`.

It is closed when the caller cancels or is gone. It is asked for an item only when the caller took those before: what it
may miss meanwhile is its own affair.
"""


class Methods:
    """The table of methods over one `Registry`, and whatever else a server answers."""

    requests = 0
    """Calls and streams that were asked for."""
    errors = 0
    """How many of them were answered with an error."""

    def __init__(
        self,
        registry: Registry,
        others: Mapping[str, Step],
        *,
        for_servers: Mapping[str, Step] | None = None,
        visited: Mapping[str, VisitedStep] | None = None,
        streams: Mapping[str, Stream] | None = None,
    ) -> None:
        """A visited method takes the place of another one of its name.

        Those `for_servers` are refused to whom a certificate proves to be none; a plain connection proves nothing.
        """
        self._registry = registry
        self._for_servers = for_servers or {}
        self._visited = visited or {}
        self._streams = streams or {}
        self._table: dict[str, Step] = {
            **others,
            ACL: self._acl,
            "autopilot_health": self._autopilot_health,
            "configure_ca": self._configure_ca,
            "force_leave": self._force_leave,
            "leader_status": self._leader_status,
            "leave": self._leave,
            "members": self._members,
            "place": self._place,
            "position": self._position,
            "raft_servers": self._raft_servers,
            "read": self._read,
            "remove_peer": self._remove_peer,
            "renew": self._renew,
            RESOLVE: self._resolve_token,
            "renew_session": self._renew_session,
            "sign_leaf": self._sign_leaf,
            "transfer_leader": self._transfer_leader,
            "write": self._write,
        }

    @property
    def names(self) -> dict[str, bool]:
        """All methods and streams by their names, with whether servers alone call it."""
        named = (*self._table, *self._visited, *self._streams)
        return dict.fromkeys(named, False) | dict.fromkeys(self._for_servers, True)

    def serves_servers(self, method: str) -> bool:
        """Whether `method` is one that servers alone call."""
        return method in self._for_servers

    def stream(self, method: str, payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes] | None:
        """The items of a stream, which raises `LictorError` only; None when `method` is none."""
        self.requests += 1
        begin = None if visitor.is_nobody else self._streams.get(method)
        return None if begin is None else begin(payload, visitor)

    async def call(self, method: str, payload: bytes, visitor: Visitor) -> bytes:
        """Carry out one call. Raises `LictorError` only."""
        if visitor.is_nobody and method not in FOR_NOBODY:
            raise AuthenticationError(
                f"{method[:64]} is for agents that have a certificate: get one first (auto_encrypt)"
            )
        if (for_servers := self._for_servers.get(method)) is not None:
            check_server(method, visitor.address, visitor.proof)
            return pack(await for_servers(payload))
        visited = self._visited.get(method)
        if visited is not None:
            return pack(await visited(payload, visitor))
        step = self._table.get(method)
        if step is None:
            raise RequestError(
                f"there is no method {method[:64]!r} in Lictor {LICTOR}: is it one of a newer version? Upgrade the "
                "servers before the agents"
            )
        return pack(await step(payload))

    async def _read(self, payload: bytes) -> object:
        request = unpack(payload, ReadRequest)
        return await self._registry.read(cast(Query[object], request.query), request.options)

    async def _write(self, payload: bytes) -> object:
        request = unpack(payload, WriteRequest)
        return await self._registry.write(decode_command(request.command), token=request.token)

    async def _sign_leaf(self, payload: bytes) -> object:
        return await self._registry.sign_leaf(unpack(payload, LeafRequest))

    async def _configure_ca(self, payload: bytes) -> object:
        request = unpack(payload, ConfigureRequest)
        await self._registry.configure_ca(
            request.provider,
            request.config,
            forced=request.forced,
            token=request.token,
        )
        return None

    async def _leader_status(self, payload: bytes) -> object:
        return await self._registry.leader_status()

    async def _members(self, payload: bytes) -> object:
        return await self._registry.members()

    async def _position(self, payload: bytes) -> object:
        return await self._registry.position()

    async def _place(self, payload: bytes) -> object:
        request = unpack(payload, PlaceRequest)
        await self._registry.place(request.update, token=request.token)
        return None

    async def _renew(self, payload: bytes) -> object:
        return await self._registry.renew(unpack(payload, Renewal))

    async def _renew_session(self, payload: bytes) -> object:
        """The answer is a list with the session, or an empty one."""
        request = unpack(payload, SessionRequest)
        session = await self._registry.renew_session(request.id, token=request.token)
        return [] if session is None else [session]

    async def _resolve_token(self, payload: bytes) -> object:
        return await self._registry.resolve_token(unpack(payload, str))

    async def _acl(self, payload: bytes) -> object:
        request = unpack(payload, AclRequest)
        return await self._registry.acl(request.order, token=request.token)

    async def _leave(self, payload: bytes) -> object:
        await self._registry.leave(unpack(payload, str))
        return None

    async def _force_leave(self, payload: bytes) -> object:
        request = unpack(payload, ForceLeaveRequest)
        await self._registry.force_leave(request.name, prune=request.prune, token=request.token)
        return None

    async def _raft_servers(self, payload: bytes) -> object:
        return await self._registry.raft_servers(stale=unpack(payload, RaftServersRequest).stale)

    async def _remove_peer(self, payload: bytes) -> object:
        request = unpack(payload, PeerRequest)
        await self._registry.remove_peer(request.id, token=request.token)
        return None

    async def _transfer_leader(self, payload: bytes) -> object:
        request = unpack(payload, PeerRequest)
        await self._registry.transfer_leader(request.id, token=request.token)
        return None

    async def _autopilot_health(self, payload: bytes) -> object:
        return await self._registry.autopilot_health()
