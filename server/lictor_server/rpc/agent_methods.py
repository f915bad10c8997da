"""The methods of agents that are more than those of core's `Registry`: they know who asks, or answer with a stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from lictor_core.calls import ATTEND, LOOK, PROPOSE, Attendance, Proposed
from lictor_core.codec import decode_proposal, unpack
from lictor_server.bulletins import Bulletins
from lictor_server.rpc.methods import Step, Stream
from lictor_server.rpc.visitor import Visitor
from lictor_server.to_leader import ToLeader

__all__ = ["agent_methods", "agent_streams"]


def agent_methods(bulletins: Bulletins, to_leader: ToLeader) -> dict[str, Step]:
    """Each method by its name on the wire."""

    async def look(payload: bytes) -> object:
        return bulletins.current(unpack(payload, Attendance))

    async def propose(payload: bytes) -> object:
        proposal = decode_proposal(unpack(payload, Proposed).proposal)
        return await to_leader.carry_out(proposal), to_leader.applied_index

    return {LOOK: look, PROPOSE: propose}


def agent_streams(bulletins: Bulletins) -> dict[str, Stream]:
    """Each stream by its name on the wire."""

    def attend(payload: bytes, visitor: Visitor) -> AsyncGenerator[bytes]:
        return bulletins.stream(unpack(payload, Attendance))

    return {ATTEND: attend}
