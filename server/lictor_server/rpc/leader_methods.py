"""The methods that only the leader answers, asked by other servers; on others they raise `NoLeaderError`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lictor_core.acl.requests import AclRequest
from lictor_core.calls import ConfigureRequest, ForceLeaveRequest, PeerRequest, Proposed, SessionRequest
from lictor_core.codec import decode_proposal, unpack
from lictor_core.registry import LeafRequest
from lictor_server.forward import LEADER_PREFIX
from lictor_server.leader import LeaderSide
from lictor_server.leases import Digest

__all__ = ["leader_methods"]


def leader_methods(side: LeaderSide) -> dict[str, Callable[[bytes], Awaitable[object]]]:
    """Each method by its name on the wire; it takes a payload and gives what is packed as the answer."""

    async def write(payload: bytes) -> object:
        request = unpack(payload, Proposed)
        return await side.write(decode_proposal(request.proposal), request.token)

    async def restore_step(payload: bytes) -> object:
        return await side.restore_step(decode_proposal(payload))

    async def place(payload: bytes) -> object:
        return await side.place(decode_proposal(payload))

    async def read_index(payload: bytes) -> object:
        return await side.read_index(strict=unpack(payload, bool))

    async def sign_leaf(payload: bytes) -> object:
        return await side.sign_leaf(unpack(payload, LeafRequest))

    async def configure_ca(payload: bytes) -> object:
        request = unpack(payload, ConfigureRequest)
        await side.configure_ca(request.provider, request.config, forced=request.forced, token=request.token)
        return None

    async def acl(payload: bytes) -> object:
        return await side.acl(unpack(payload, AclRequest))

    async def members(payload: bytes) -> object:
        return await side.members()

    async def vouch(payload: bytes) -> object:
        return await side.vouch(unpack(payload, Digest))

    async def force_leave(payload: bytes) -> object:
        request = unpack(payload, ForceLeaveRequest)
        await side.force_leave(request.name, prune=request.prune, token=request.token)
        return None

    async def leave(payload: bytes) -> object:
        await side.leave(unpack(payload, str))
        return None

    async def renew_session(payload: bytes) -> object:
        request = unpack(payload, SessionRequest)
        session = await side.renew_session(request.id, request.token)
        return [] if session is None else [session]

    async def raft_servers(payload: bytes) -> object:
        return await side.raft_servers()

    async def remove_peer(payload: bytes) -> object:
        request = unpack(payload, PeerRequest)
        await side.remove_peer(request.id, request.token)
        return None

    async def transfer_leader(payload: bytes) -> object:
        request = unpack(payload, PeerRequest)
        await side.transfer_leader(request.id, request.token)
        return None

    async def autopilot_health(payload: bytes) -> object:
        return await side.autopilot_health()

    steps = (
        write,
        restore_step,
        place,
        read_index,
        sign_leaf,
        configure_ca,
        acl,
        members,
        vouch,
        force_leave,
        leave,
        renew_session,
        raft_servers,
        remove_peer,
        transfer_leader,
        autopilot_health,
    )
    return {LEADER_PREFIX + step.__name__: step for step in steps}
