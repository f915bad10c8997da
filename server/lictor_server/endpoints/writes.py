"""Writing: a command is checked, stamped with what must not be decided by each server, and put through the log."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial

import msgspec

from lictor_core.aside import ASIDE_BYTES_MIN, aside
from lictor_core.clock import Clock
from lictor_core.codec import encode_command, encode_proposal
from lictor_core.commands import (
    AutopilotSet,
    Command,
    ConfigDelete,
    ConfigSet,
    CoordinatesSet,
    Deregister,
    EventFire,
    IntentionDelete,
    IntentionSet,
    KeyringSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NodeUpdate,
    Outcome,
    PreparedQueryDelete,
    PreparedQuerySet,
    Proposal,
    Register,
    RestoreAbandon,
    RestoreBegin,
    RestoreFinish,
    RestorePiece,
    SessionCreate,
    SessionDestroy,
    TimedCommand,
    Transaction,
)
from lictor_core.errors import BodyTooLargeError, RequestError, error_from
from lictor_core.limits import COMMAND_BYTES_MAX
from lictor_core.sealed_ring import check_boxes
from lictor_server.acl.writing import WriteJudge
from lictor_server.endpoints.autopilot import checked_autopilot
from lictor_server.endpoints.catalog import checked_deregistration, checked_registration, checked_update
from lictor_server.endpoints.cluster_time import ClusterTime
from lictor_server.endpoints.config_entries import checked_entry
from lictor_server.endpoints.coordinates import checked_coordinates
from lictor_server.endpoints.events import checked_event
from lictor_server.endpoints.intentions import stamped_intention
from lictor_server.endpoints.keys import check_key, check_value
from lictor_server.endpoints.prepared import checked_query
from lictor_server.endpoints.sessions import check_session_id, checked_session
from lictor_server.endpoints.transactions import checked_transaction
from lictor_server.figures import ServerFigures
from lictor_server.raft import Driver

__all__ = ["Writes", "timestamp"]


def timestamp(now: float) -> str:
    """`now`, seconds since 1970, as answers show times: RFC 3339, UTC, microseconds."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Writes:
    """Puts commands of clients, and of the leader itself, through the log."""

    def __init__(
        self,
        driver: Driver,
        clock: Clock,
        datacenter: str,
        *,
        time: ClusterTime,
        session_ttl_min_s: float,
        figures: ServerFigures,
        judge: Callable[[Command], None],
        permissions: WriteJudge,
        check_known: Callable[[Command], None],
    ) -> None:
        """`judge` raises `RequestError` for what the state, as it is, speaks against; `permissions` who may do it.

        `check_known` raises `MixedVersionsError` for what some server of the log could not read.
        """
        self._driver = driver
        self._clock = clock
        self._datacenter = datacenter
        self._time = time
        self._session_ttl_min_s = session_ttl_min_s
        self._figures = figures
        self._judge = judge
        self._permissions = permissions
        self._check_known = check_known

    async def write(self, proposal: Proposal, token: str = "") -> Outcome:
        """A client's command. Raises what `propose` does, `RequestError` for one that no client may send, and
        `PermissionDeniedError` for what `token` does not allow."""
        command = proposal.command
        if isinstance(command, ConfigSet) and len(encode_command(command)) >= ASIDE_BYTES_MIN:
            command = await aside(partial(self._checked, command))
        else:
            command = self._checked(command)
        refused = self._permissions.refused(proposal, command, token)
        if refused is not None:
            return refused
        self._judge(command)
        checked = msgspec.structs.replace(proposal, command=self._timed(command))
        return self._permissions.told(await self._put(checked, proposal.command), token)

    async def restore_step(self, proposal: Proposal) -> Outcome:
        """A step of a restore, from whichever server carries it out. Raises `RequestError` for any other command."""
        if not isinstance(proposal.command, RestoreBegin | RestorePiece | RestoreFinish | RestoreAbandon):
            raise RequestError(f"{type(proposal.command).__name__} is no step of a restore")
        return await self._put(proposal)

    async def place(self, proposal: Proposal) -> Outcome:
        """Where nodes stand, as a server gathered it: each report was judged when it came. Raises `RequestError` for
        any other command."""
        if not isinstance(proposal.command, CoordinatesSet):
            raise RequestError(f"{type(proposal.command).__name__} says of no node where it stands")
        checked = msgspec.structs.replace(proposal, command=checked_coordinates(proposal.command))
        return await self._put(checked)

    async def propose(self, command: Command) -> Outcome:
        """Put a command of the leader's own through the log. A rejection is raised as the error it names."""
        return await self._put(self._timed(command))

    def _timed(self, command: Command) -> Command:
        if not isinstance(command, TimedCommand):
            return command
        return msgspec.structs.replace(command, at_ms=self._time.now_ms())

    async def _put(self, what: Proposal | Command, clients: Command | None = None) -> Outcome:
        if isinstance(what, Proposal):
            self._check_known(what.command)
            payload = encode_proposal(what)
        else:
            self._check_known(what)
            payload = encode_command(what)
        if len(payload) > COMMAND_BYTES_MAX:
            raise BodyTooLargeError(f"the write has {len(payload)} bytes; at most {COMMAND_BYTES_MAX} are taken")
        figures = self._figures
        figures.proposed += 1
        began = figures.now()
        outcome = await self._driver.propose(payload)
        figures.note_committed(clients, began)
        assert isinstance(outcome, Outcome), "the machine answers every command with an outcome"
        if outcome.rejection is not None:
            raise error_from(outcome.rejection.code, outcome.rejection.message)
        return outcome

    def _checked(self, command: Command) -> Command:
        match command:
            case Register():
                return checked_registration(command, self._datacenter)
            case Deregister():
                return checked_deregistration(command)
            case NodeUpdate():
                return checked_update(command, self._datacenter)
            case KVSet():
                check_value(command.key, command.value, command.flags)
                if sum((command.cas is not None, bool(command.acquire), bool(command.release))) > 1:
                    raise RequestError("cas, acquire and release exclude one another: choose one")
                return command
            case Transaction():
                return checked_transaction(command, self._datacenter)
            case SessionCreate():
                session = checked_session(command.session, ttl_min_s=self._session_ttl_min_s)
                return msgspec.structs.replace(command, session=session)
            case SessionDestroy():
                check_session_id(command.id)
                return command
            case EventFire():
                return msgspec.structs.replace(command, event=checked_event(command.event))
            case AutopilotSet():
                return msgspec.structs.replace(command, config=checked_autopilot(command.config))
            case KeyringSet():
                check_boxes(command.boxes)
                return command
            case CoordinatesSet():
                return checked_coordinates(command)
            case KVDelete():
                check_key(command.key)
                return command
            case PreparedQuerySet():
                return msgspec.structs.replace(command, query=checked_query(command.query))
            case ConfigSet():
                return checked_entry(command, timestamp(self._clock.now()))
            case KVDeleteTree() | IntentionDelete() | ConfigDelete() | PreparedQueryDelete():
                return command
            case IntentionSet():
                stamped = stamped_intention(command.intention, timestamp(self._clock.now()))
                return msgspec.structs.replace(command, intention=stamped)
            case _:
                raise RequestError(f"{type(command).__name__} is the servers' own business")
