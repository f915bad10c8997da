"""The methods of agents that are more than those of core's `Registry`: they know who asks, or answer with a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, cast

from lictor_core.calls import (
    ATTEND,
    LOOK,
    PROPOSE,
    PROXIES,
    STAMPS,
    STAMPS_MAX,
    Attendance,
    Proposed,
    ProxiesRequest,
    StampsRequest,
)
from lictor_core.codec import decode_proposal, unpack
from lictor_core.commands import ReadMode
from lictor_core.errors import RequestError
from lictor_core.proxy_status import ProxyPolicy
from lictor_core.queries import Query
from lictor_core.registry import Confirmation
from lictor_server.bulletins import Bulletins
from lictor_server.request_limits import RequestLimits
from lictor_server.rpc.methods import Step, Stream
from lictor_server.rpc.visitor import Visitor
from lictor_server.to_leader import ToLeader

__all__ = ["agent_methods", "agent_streams"]


class StampReader(Protocol):
    """What tells at which stamps answers are."""

    async def stamps(
        self, queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str] = ()
    ) -> Confirmation:
        """The stamp of each, as fresh as `mode` asks, for who shows these `tokens`."""
        ...


class ProxiesSeen(Protocol):
    """What tells which policies proxies run."""

    async def __call__(self, service: str, *, token: str = "") -> list[ProxyPolicy]:
        """Those of a service that the token sees; of all when it is empty."""
        ...


def agent_methods(
    bulletins: Bulletins, to_leader: ToLeader, reads: StampReader, proxies: ProxiesSeen, taken: RequestLimits
) -> dict[str, Step]:
    """Each method by its name on the wire. `taken` counts what the door does not see."""

    async def look(payload: bytes) -> object:
        return bulletins.current(unpack(payload, Attendance))

    async def propose(payload: bytes) -> object:
        taken.check_write()
        request = unpack(payload, Proposed)
        outcome = await to_leader.carry_out(decode_proposal(request.proposal), request.token)
        return outcome, to_leader.applied_index

    async def stamps(payload: bytes) -> object:
        request = unpack(payload, StampsRequest)
        if len(request.queries) > STAMPS_MAX:
            raise RequestError(f"stamps of at most {STAMPS_MAX} queries are told at once: ask for less")
        taken.check_read()
        if request.tokens and len(request.tokens) != len(request.queries):
            raise RequestError("there is to be one token for each query, or none at all")
        found = await reads.stamps(cast("Sequence[Query[object]]", request.queries), request.mode, request.tokens)
        if request.mode is not ReadMode.STALE:
            return found.stamps
        return [*found.stamps, found.last_contact_ms, int(found.known_leader)]

    async def policies(payload: bytes) -> object:
        request = unpack(payload, ProxiesRequest)
        return await proxies(request.service, token=request.token)

    return {LOOK: look, PROPOSE: propose, PROXIES: policies, STAMPS: stamps}


def agent_streams(bulletins: Bulletins) -> dict[str, Stream]:
    """Each stream by its name on the wire."""

    def attend(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        return bulletins.stream(unpack(payload, Attendance))

    return {ATTEND: attend}
