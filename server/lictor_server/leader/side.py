"""What the leader alone does for everybody: writes, read indexes, leases, certificates, the servers themselves.

Every method raises `NoLeaderError` on a server that does not lead; whoever asked goes on to the one that does
(`forward`).
"""

from __future__ import annotations

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from lictor_core.acl.requests import AclAnswer, AclRequest
from lictor_core.autopilot import AutopilotHealth, RaftServers
from lictor_core.clock import Clock
from lictor_core.commands import Outcome, Proposal
from lictor_core.errors import NotFoundError
from lictor_core.names import AgentId
from lictor_core.records import JsonObject, Member, Session
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server import ca
from lictor_server.acl.calling import CallJudge
from lictor_server.acl.desk import AclDesk
from lictor_server.endpoints.authority import Authority
from lictor_server.endpoints.writes import Writes
from lictor_server.figures import ServerFigures
from lictor_server.leader.membership import Membership
from lictor_server.leader.sessions import SessionKeeper
from lictor_server.leases import Answer, Digest, MemberTable
from lictor_server.raft import Driver

__all__ = ["LeaderSide"]


class LeaderSide:
    """The leader's own answers. All methods belong to the event loop."""

    def __init__(
        self,
        driver: Driver,
        writes: Writes,
        authority: Authority,
        members: MemberTable,
        membership: Membership,
        sessions: SessionKeeper,
        permissions: CallJudge,
        acl: AclDesk,
        *,
        on_members: Callable[[], None],
        clock: Clock,
        log: FilteringBoundLogger,
        figures: ServerFigures | None = None,
    ) -> None:
        """`on_members` is told when something changed about them."""
        self._driver = driver
        self._writes = writes
        self._authority = authority
        self._members = members
        self._membership = membership
        self._sessions = sessions
        self._permissions = permissions
        self._acl = acl
        self._on_members = on_members
        self._clock = clock
        self._log = log
        self._figures = figures

    async def write(self, proposal: Proposal, token: str = "") -> Outcome:
        """Put a client's command through the log, if `token` allows it."""
        await self._driver.ready()
        return await self._writes.write(proposal, token)

    async def restore_step(self, proposal: Proposal) -> Outcome:
        """Put a step of a restore through the log."""
        await self._driver.ready()
        return await self._writes.restore_step(proposal)

    async def place(self, proposal: Proposal) -> Outcome:
        """Put where nodes stand through the log, as a server gathered it."""
        await self._driver.ready()
        return await self._writes.place(proposal)

    async def read_index(self, *, strict: bool) -> int:
        """How far a state must be applied to show all that was committed before the call."""
        return await self._driver.read_index(strict=strict)

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root."""
        await self._driver.ready()
        node = "" if request.service else _agent_of(request.csr)
        self._permissions.require_leaf(request.token, service=request.service, node=node)
        return await self._authority.sign(request)

    async def configure_ca(self, provider: str, config: JsonObject, *, forced: bool = False, token: str = "") -> None:
        """Change the CA's settings; another key makes a new root."""
        await self._driver.ready()
        self._permissions.require("configure_ca", token)
        await self._authority.configure(provider, config, force_without_cross_signing=forced)

    async def acl(self, request: AclRequest) -> AclAnswer:
        """Change access control."""
        await self._driver.ready()
        return await self._acl.carry_out(request)

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name."""
        await self._driver.ready()
        return self._members.members()

    async def vouch(self, digest: Digest) -> Answer:
        """Take in what a server says of the agents that renew there."""
        await self._driver.ready()
        answer = self._members.apply(digest, self._clock.monotonic(), self._clock.now())
        if digest.rows or digest.begins:
            self._on_members()
        return answer

    async def leave(self, name: str) -> None:
        """`name` left on purpose, and its registrations go with it."""
        await self._driver.ready()
        self._members.leave(name, self._clock.monotonic())
        self._on_members()

    async def force_leave(self, name: str, *, prune: bool, token: str = "") -> None:
        """A member that failed is declared gone; with `prune` it is forgotten. Raises `NotFoundError` for an unknown
        name."""
        await self._driver.ready()
        self._permissions.require("force_leave", token)
        if not self._members.force_leave(name, self._clock.monotonic(), self._clock.now(), prune=prune):
            raise NotFoundError(f"No node found with name '{name}'")
        self._on_members()

    async def renew_session(self, session_id: str, token: str = "") -> Session | None:
        """Renew a session; None when there is none, or it is ending.

        That this server leads is confirmed after the wish came, so that no new leader counts from an earlier moment.
        """
        await self._driver.ready()
        self._permissions.require_session(token, session_id)
        asked_at = self._clock.monotonic()
        await self._driver.read_index(strict=False)
        if self._figures is not None:
            self._figures.since(self._figures.renewed_session, asked_at)
        return self._sessions.renew(session_id, asked_at)

    async def raft_servers(self) -> RaftServers:
        """The servers that keep the log together."""
        await self._driver.ready()
        return self._membership.servers()

    async def remove_peer(self, id_or_address: str, token: str = "") -> None:
        """Take a server out of those that keep the log."""
        await self._driver.ready()
        self._permissions.require("remove_peer", token)
        await self._membership.remove(id_or_address)

    async def transfer_leader(self, id: str, token: str = "") -> None:
        """Hand the lead to another voter."""
        await self._driver.ready()
        self._permissions.require("transfer_leader", token)
        await self._membership.transfer(id)

    async def autopilot_health(self) -> AutopilotHealth:
        """How the servers do, as this leader sees it."""
        await self._driver.ready()
        return self._membership.health()


def _agent_of(csr: str) -> str:
    """The node of the agent that a signing request is for. Raises `RequestError` for one that is not in order."""
    identity = ca.read_csr(csr).identity
    return identity.node if isinstance(identity, AgentId) else ""
