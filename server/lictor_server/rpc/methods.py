"""The methods that a connection may call: each decodes its payload, asks the door, and encodes the answer.

All of them are those of core's `Registry`; payloads and results are msgpack of core's types.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import msgspec

from lictor_core.codec import decode_command, pack, unpack
from lictor_core.errors import RequestError
from lictor_core.queries import AnyQuery, Query
from lictor_core.records import Member
from lictor_core.registry import LeafRequest, ReadOptions, Registry
from lictor_server.rpc.leader_methods import ConfigureRequest

__all__ = ["Methods", "RaftServersRequest", "ReadRequest", "WriteRequest"]


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`read`: the answer is a `Reading` of the query's answer."""

    query: AnyQuery
    options: ReadOptions


class WriteRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`write`: a command in its form for the log; the answer is an `Outcome`."""

    command: bytes
    token: str = ""


class RaftServersRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`raft_servers`: the answer is a `RaftServers`."""

    stale: bool = False


class Methods:
    """The table of methods over one `Registry`, and whatever else a server answers."""

    def __init__(self, registry: Registry, others: Mapping[str, Callable[[bytes], Awaitable[object]]]) -> None:
        self._registry = registry
        self._table: dict[str, Callable[[bytes], Awaitable[object]]] = {
            **others,
            "autopilot_health": self._autopilot_health,
            "configure_ca": self._configure_ca,
            "leader_status": self._leader_status,
            "leave": self._leave,
            "members": self._members,
            "raft_servers": self._raft_servers,
            "read": self._read,
            "remove_peer": self._remove_peer,
            "renew": self._renew,
            "sign_leaf": self._sign_leaf,
            "transfer_leader": self._transfer_leader,
            "write": self._write,
        }

    async def call(self, method: str, payload: bytes) -> bytes:
        """Carry out one call. Raises `LictorError` only."""
        step = self._table.get(method)
        if step is None:
            raise RequestError(f"there is no method {method[:64]!r}")
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
        await self._registry.configure_ca(request.provider, request.config, token=request.token)
        return None

    async def _leader_status(self, payload: bytes) -> object:
        return await self._registry.leader_status()

    async def _members(self, payload: bytes) -> object:
        return await self._registry.members()

    async def _renew(self, payload: bytes) -> object:
        return await self._registry.renew(unpack(payload, Member))

    async def _leave(self, payload: bytes) -> object:
        await self._registry.leave(unpack(payload, str))
        return None

    async def _raft_servers(self, payload: bytes) -> object:
        return await self._registry.raft_servers(stale=unpack(payload, RaftServersRequest).stale)

    async def _remove_peer(self, payload: bytes) -> object:
        await self._registry.remove_peer(unpack(payload, str))
        return None

    async def _transfer_leader(self, payload: bytes) -> object:
        await self._registry.transfer_leader(unpack(payload, str))
        return None

    async def _autopilot_health(self, payload: bytes) -> object:
        return await self._registry.autopilot_health()
