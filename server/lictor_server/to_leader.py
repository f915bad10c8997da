"""What the leader does, asked for by whoever needs it: the same calls on every server (`leader.side`, `forward`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from lictor_core.acl.requests import AclAnswer, AclRequest
from lictor_core.autopilot import AutopilotHealth, RaftServers
from lictor_core.calls import ConfigureRequest, ForceLeaveRequest, PeerRequest, Proposed, SessionRequest
from lictor_core.clock import Rng
from lictor_core.codec import encode_proposal, pack, pack_given, unpack
from lictor_core.commands import Command, Outcome, Proposal
from lictor_core.records import JsonObject, Member, Session
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server.forward import Forwarder
from lictor_server.leader import LeaderSide
from lictor_server.leases import Answer, Digest

__all__ = ["ToLeader"]

T = TypeVar("T")

_COUNTER_BYTES: Final = 6
_OWN_BITS: Final = 80


class ToLeader:
    """Calls to the leader. All methods belong to the event loop, and raise only `LictorError`."""

    def __init__(self, side: LeaderSide, forward: Forwarder, *, applied_index: Callable[[], int], rng: Rng) -> None:
        self._side = side
        self._forward = forward
        self._applied_index = applied_index
        self._own = rng.bits(_OWN_BITS).to_bytes(_OWN_BITS // 8, "big")
        self._requests = 0

    async def write(self, command: Command, token: str = "") -> Outcome:
        """Put a client's command through the log, once, also when it has to be sent again, if `token` allows it."""
        return await self._write(self._proposal(command), token)

    async def restore_step(self, command: Command) -> Outcome:
        """Put a step of a restore through the log, once."""
        return await self._own_write("restore_step", self._side.restore_step, command)

    async def place(self, command: Command) -> Outcome:
        """Put where nodes stand through the log, once: a server has gathered it."""
        return await self._own_write("place", self._side.place, command)

    @property
    def applied_index(self) -> int:
        """How much of the log this server has applied."""
        return self._applied_index()

    async def carry_out(self, proposal: Proposal, token: str = "") -> Outcome:
        """Put a command through the log that an agent has given its request id, and may send again."""

        def proposed(again: bool) -> Proposal:
            return Proposal(proposal.request, proposal.seen, proposal.again or again, proposal.command)

        return await self._write(proposed, token)

    def _proposal(self, command: Command) -> Callable[[bool], Proposal]:
        self._requests += 1
        request = self._own + self._requests.to_bytes(_COUNTER_BYTES, "big")
        seen = self._applied_index()

        def proposal(again: bool) -> Proposal:
            return Proposal(request, seen, again, command)

        return proposal

    async def _own_write(
        self, method: str, local: Callable[[Proposal], Awaitable[Outcome]], command: Command
    ) -> Outcome:
        """What servers alone write."""
        proposal = self._proposal(command)
        return await self._forward.to_leader(
            method,
            lambda again: encode_proposal(proposal(again)),
            lambda again: local(proposal(again)),
            _decoded(Outcome),
            repeatable=True,
        )

    async def _write(self, proposal: Callable[[bool], Proposal], token: str) -> Outcome:
        return await self._forward.to_leader(
            "write",
            lambda again: pack(Proposed(proposal=encode_proposal(proposal(again)), token=token)),
            lambda again: self._side.write(proposal(again), token),
            _decoded(Outcome),
            repeatable=True,
        )

    async def read_index(self, strict: bool) -> int:
        """How far a state must be applied to show all that was committed before the call."""
        return await self._forward.to_leader(
            "read_index",
            lambda _: pack(strict),
            lambda _: self._side.read_index(strict=strict),
            _decoded(int),
            repeatable=True,
            changes=False,
        )

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf. A repetition signs another one, which harms nobody."""
        return await self._forward.to_leader(
            "sign_leaf",
            lambda _: pack(request),
            lambda _: self._side.sign_leaf(request),
            _decoded(IssuedLeaf),
            repeatable=True,
        )

    async def configure_ca(self, provider: str, config: JsonObject, forced: bool, token: str = "") -> None:
        """Change the CA's settings; not repeated when the outcome is unknown, since it may make a new root."""
        request = ConfigureRequest(provider=provider, config=config, forced=forced, token=token)
        await self._forward.to_leader(
            "configure_ca",
            lambda _: pack(request),
            lambda _: self._side.configure_ca(provider, config, forced=forced, token=token),
            _nothing,
            repeatable=False,
        )

    async def acl(self, request: AclRequest) -> AclAnswer:
        """Change access control; not repeated when the outcome is unknown, or there might be two tokens."""
        return await self._forward.to_leader(
            "acl",
            lambda _: pack_given(request),
            lambda _: self._side.acl(request),
            _decoded(AclAnswer),
            repeatable=False,
        )

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name."""
        return await self._seen("members", self._side.members, list[Member])

    async def vouch(self, digest: Digest) -> Answer:
        """Say which agents renew at this server."""
        return await self._forward.to_leader(
            "vouch", lambda _: pack(digest), lambda _: self._side.vouch(digest), _decoded(Answer), repeatable=True
        )

    async def leave(self, name: str) -> None:
        """Give up a lease."""
        await self._forward.to_leader(
            "leave", lambda _: pack(name), lambda _: self._side.leave(name), _nothing, repeatable=True
        )

    async def force_leave(self, name: str, *, prune: bool, token: str = "") -> None:
        """Declare a failed member gone."""
        request = ForceLeaveRequest(name=name, prune=prune, token=token)
        await self._forward.to_leader(
            "force_leave",
            lambda _: pack(request),
            lambda _: self._side.force_leave(name, prune=prune, token=token),
            _nothing,
            repeatable=True,
        )

    async def raft_servers(self) -> RaftServers:
        """The servers that keep the log together, as the leader has them."""
        return await self._seen("raft_servers", self._side.raft_servers, RaftServers)

    async def remove_peer(self, id_or_address: str, token: str = "") -> None:
        """Take a server out; not repeated when the outcome is unknown, since it may not be there any more."""
        await self._forward.to_leader(
            "remove_peer",
            lambda _: pack(PeerRequest(id=id_or_address, token=token)),
            lambda _: self._side.remove_peer(id_or_address, token),
            _nothing,
            repeatable=False,
        )

    async def transfer_leader(self, id: str, token: str = "") -> None:
        """Hand the lead to another voter; not repeated, or it would be handed on again."""
        await self._forward.to_leader(
            "transfer_leader",
            lambda _: pack(PeerRequest(id=id, token=token)),
            lambda _: self._side.transfer_leader(id, token),
            _nothing,
            repeatable=False,
        )

    async def renew_session(self, session_id: str, token: str = "") -> Session | None:
        """Renew a session; twice is as good as once."""
        return await self._forward.to_leader(
            "renew_session",
            lambda _: pack(SessionRequest(id=session_id, token=token)),
            lambda _: self._side.renew_session(session_id, token),
            lambda data: next(iter(unpack(data, list[Session])), None),
            repeatable=True,
        )

    async def autopilot_health(self) -> AutopilotHealth:
        """How the servers do, as the leader sees it."""
        return await self._seen("autopilot_health", self._side.autopilot_health, AutopilotHealth)

    async def _seen(self, method: str, local: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        """What the leader shows to whoever asks, without changing anything."""
        return await self._forward.to_leader(
            method, lambda _: b"", lambda _: local(), _decoded(kind), repeatable=True, changes=False
        )


def _decoded(kind: type[T]) -> Callable[[bytes], T]:
    return partial(unpack, kind=kind)


def _nothing(data: bytes) -> None:
    """The answer says no more than that it was done."""
