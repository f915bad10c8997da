"""The leader's loop: establish, then keep the catalog in step with the members until leadership ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.commands import Command, Deregister, Outcome, Register
from lictor_core.errors import LictorError, RequestError
from lictor_core.membership import SERVER_ROLE, agent_member
from lictor_core.records import CRITICAL, Check, Member, Node, Service
from lictor_server.figures import ServerFigures
from lictor_server.leader.pauses import PauseWatch
from lictor_server.leader.reconcile import reconcile_member
from lictor_server.leases import MemberTable, Note, NoteKind
from lictor_server.leases.causes import cause_of
from lictor_server.poke import Poke
from lictor_server.state.catalog import SERF_CHECK_ID, Catalog

__all__ = ["LeaderLoop"]

RETRY_S: Final = 0.2
"""How soon a duty that failed is tried again."""
PAUSE_MIN_S: Final = 0.01
"""The shortest rest between two rounds."""
TOGETHER_MAX: Final = 64
"""Members that are brought into the catalog at once, so that one sync of the log serves many."""


class LeaderLoop:
    """Duties of the leader. `propose` puts a command through the log; `prepare` is what comes before requests; `ended`
    are servers, by id, whose process was seen to end, and when.

    `led_term` is the term in which this server leads, None where it does not: who leads again, begins again.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        members: MemberTable,
        own_member: Callable[[], Member],
        ended: Callable[[], Mapping[str, float]],
        propose: Callable[[Command], Awaitable[Outcome]],
        prepare: Callable[[], Awaitable[None]],
        open_to_requests: Callable[[], None],
        led_term: Callable[[], int | None],
        reconcile_s: float,
        clock: Clock,
        log: FilteringBoundLogger,
        figures: ServerFigures | None = None,
    ) -> None:
        self._catalog = catalog
        self._members = members
        self._own_member = own_member
        self._ended = ended
        self._propose = propose
        self._prepare = prepare
        self._open_to_requests = open_to_requests
        self._led_term = led_term
        self._reconcile_s = reconcile_s
        self._clock = clock
        self._log = log
        self._figures = figures
        self.told = dict.fromkeys(NoteKind, 0)
        """How often each has happened to members while this server led."""
        self._poke = Poke()
        self._term: int | None = None
        """The term that what is known of the members is of."""
        self._established = False
        self._compared_at = 0.0

    def begin_anew(self) -> None:
        """All state was replaced: what a new leader does first is due again."""
        self._established = False
        self.poke()

    def poke(self) -> None:
        """Something happened (leadership, a member came or left): look now."""
        self._poke.poke()

    async def run(self) -> None:
        """Do the duties for as long as the task lives."""
        pauses = PauseWatch(self._note_pause)
        pauses.start()
        try:
            await self._go_on()
        finally:
            pauses.stop()

    def _note_pause(self, pause_s: float) -> None:
        """Nobody could renew a lease while this process did not run."""
        if self._led_term() is not None:
            self._log.warning("leader.pause.noticed", pause_s=round(pause_s, 3))
            self._members.extend(pause_s)

    async def _go_on(self) -> None:
        while True:
            wait_s = self._reconcile_s
            term = self._led_term()
            if term != self._term:
                self._members.clear()  # what it knew of them has been another leader's business since
                self._term, self._established = term, False
            if term is not None:
                try:
                    if not self._established:
                        await self._establish_once()
                    wait_s = await self._keep()
                except LictorError as error:
                    self._log.warning("leader.duty.failed", code=error.code, reason=str(error))
                    wait_s = RETRY_S
            await self._poke.rest(wait_s)

    async def _establish_once(self) -> None:
        self._established = True  # set before, so that `begin_anew` in the midst of it asks for another round
        try:
            await self._establish()
        except BaseException:
            self._established = False
            raise

    async def _establish(self) -> None:
        """Everybody whom the catalog has alive gets one full lease, so that a new leader fails no healthy node.

        Those who had failed stay failed until they renew. The own name is the leader's, whoever has it in the catalog:
        a state of other servers may have been restored, or another agent have taken it while this server was away.
        """
        began = self._clock.monotonic()
        await self._prepare()
        if self._figures is not None:
            self._figures.since(self._figures.established, began)
        now, wall = self._clock.monotonic(), self._clock.now()
        self._members.begin(self._own_member(), now, wall)
        for node in self._catalog.nodes():
            check = self._catalog.check_on(node.node, SERF_CHECK_ID)
            if check is not None and self._members.member(node.node) is None:
                server = self._catalog.service_on(node.node, SERVER_ROLE)
                self._members.assume(_assumed(node, server, check), now, wall, alive=check.status != CRITICAL)
        await self._compare_all()
        if self._led_term() == self._term:
            self._open_to_requests()
        self._members.extend(self._clock.monotonic() - now)  # before, no server could vouch for anybody

    async def _keep(self) -> float:
        """One round; the seconds until the next is due."""
        self._members.take(self._own_member())
        self._members.see_ended(self._ended())
        self._members.expire(self._clock.monotonic(), self._clock.now())
        for note in self._members.take_notes():
            self._tell(note)
        now = self._clock.monotonic()
        if now >= self._compared_at + self._reconcile_s:
            await self._compare_all()
        else:
            await self._compare(self._members.take_changed())
        due = self._members.next_event()
        now = self._clock.monotonic()
        until_due = self._reconcile_s if due is None else due - now
        return max(PAUSE_MIN_S, min(self._compared_at + self._reconcile_s - now, until_due))

    async def _compare_all(self) -> None:
        """Every member, and every node that the catalog has: somebody else may have changed the catalog."""
        self._members.take_changed()
        began = self._compared_at = self._clock.monotonic()
        names = {member.name.lower() for member in self._members.members()}
        await self._compare(names | {node.node.lower() for node in self._catalog.nodes()})
        if self._figures is not None:
            self._figures.since(self._figures.reconciled, began)

    async def _compare(self, names: Iterable[str]) -> None:
        """Have the catalog say what these members are; when that fails, all are compared next time."""
        waiting = sorted(names)
        try:
            for begin in range(0, len(waiting), TOGETHER_MAX):
                steps = [self._reconcile(name) for name in waiting[begin : begin + TOGETHER_MAX]]
                for failure in await asyncio.gather(*steps, return_exceptions=True):
                    if failure is not None:
                        raise failure
        except BaseException:
            self._compared_at = self._clock.monotonic() - self._reconcile_s
            raise

    async def _reconcile(self, name: str) -> None:
        for command in reconcile_member(name, self._members.member(name), self._catalog):
            began = self._clock.monotonic()
            try:
                await self._propose(command)
            except RequestError as error:  # one that the catalog cannot take must not keep the others out of it
                self._log.warning("member.catalog.refused", member=_node_of(command), reason=str(error))
                return
            if self._figures is not None:
                self._figures.since(self._figures.reconciled_member, began)
            self._log.info("member.catalog.reconciled", member=_node_of(command), action=type(command).__name__.lower())

    def _tell(self, note: Note) -> None:
        self.told[note.kind] += 1
        log, who, where = self._log, note.member.name, note.member.addr
        match note.kind:
            case NoteKind.CAME:
                log.info("member.lease.granted", member=who, address=where)
            case NoteKind.FAILED:
                log.warning("member.lease.expired", member=who, address=where, reason=note.cause)
            case NoteKind.FLAPPED:
                log.warning("member.flapping.damped", member=who, address=where, reason=note.cause)
            case NoteKind.LEFT:
                log.info("member.lease.given_up", member=who)
            case NoteKind.FORGOTTEN:
                log.info("member.record.forgotten", member=who, address=where)


def _assumed(node: Node, server: Service | None, check: Check) -> Member:
    """A member as far as the catalog tells, until a server vouches for it and says the rest."""
    member = agent_member(
        name=node.node,
        address=node.address,
        node_id=node.id,
        datacenter=node.datacenter,
        server_port=None if server is None else server.port,
    )
    return msgspec.structs.replace(member, cause=cause_of(check.output))


def _node_of(command: Register | Deregister) -> str:
    return command.node if isinstance(command, Deregister) else command.node.node
