"""What a server tells of itself in figures, by Consul's names.

Source: Consul's document `docs/agent/telemetry`. Where it counts, it costs less than a microsecond: aggregates are at
hand, by the type of a command, and what is counted anyway is only looked at (`Meter.follow`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lictor_core.clock import Clock
from lictor_core.commands import (
    AutopilotSet,
    CAConfigurationSet,
    CARootsSet,
    CASerialTake,
    Command,
    ConfigDelete,
    ConfigSet,
    CoordinatesSet,
    Deregister,
    IntentionDelete,
    IntentionSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NodeUpdate,
    PreparedQueryDelete,
    PreparedQuerySet,
    Register,
    SessionCreate,
    SessionDestroy,
    Transaction,
)
from lictor_core.metrics import Aggregate, Meter

__all__ = ["ServerFigures"]

_MS_PER_S: Final = 1000.0

_WRITTEN: Final[dict[type[Command], str]] = {
    ConfigDelete: "config_entry.delete",
    ConfigSet: "config_entry.apply",
    Deregister: "catalog.deregister",
    IntentionDelete: "intention.apply",
    IntentionSet: "intention.apply",
    KVDelete: "kvs.apply",
    KVDeleteTree: "kvs.apply",
    KVSet: "kvs.apply",
    NodeUpdate: "catalog.register",
    PreparedQueryDelete: "prepared-query.apply",
    PreparedQuerySet: "prepared-query.apply",
    Register: "catalog.register",
    SessionCreate: "session.apply",
    SessionDestroy: "session.apply",
    Transaction: "txn.apply",
}
"""What a write of a client counts as, at the leader."""

_APPLIED: Final[dict[type[Command], tuple[str, str]]] = {
    AutopilotSet: ("fsm.autopilot", ""),
    CAConfigurationSet: ("fsm.ca", "set-config"),
    CARootsSet: ("fsm.ca", "set-roots"),
    CASerialTake: ("fsm.ca", "increment-provider-serial"),
    ConfigDelete: ("fsm.config_entry", "delete"),
    ConfigSet: ("fsm.config_entry", "upsert"),
    CoordinatesSet: ("fsm.coordinate.batch-update", ""),
    Deregister: ("fsm.deregister", ""),
    IntentionDelete: ("fsm.intention", "delete"),
    IntentionSet: ("fsm.intention", "upsert"),
    KVDelete: ("fsm.kvs", "delete"),
    KVDeleteTree: ("fsm.kvs", "delete-tree"),
    KVSet: ("fsm.kvs", "set"),
    NodeUpdate: ("fsm.register", ""),
    PreparedQueryDelete: ("fsm.prepared-query", "delete"),
    PreparedQuerySet: ("fsm.prepared-query", "upsert"),
    Register: ("fsm.register", ""),
    SessionCreate: ("fsm.session", "create"),
    SessionDestroy: ("fsm.session", "destroy"),
    Transaction: ("fsm.txn", ""),
}
"""What an entry of the log counts as, on every server, with its operation."""


class ServerFigures:
    """The figures of one server. Times are told in milliseconds."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self.meter = meter
        self.now: Callable[[], float] = clock.monotonic
        """Seconds; what the measured parts look at."""
        self.proposed = 0
        """Commands that were given to the log here."""
        self._committed = meter.sampler("raft.commitTime")
        self.consistent_reads = meter.sampler("rpc.consistentRead")
        self.reconciled = meter.sampler("leader.reconcile")
        self.reconciled_member = meter.sampler("leader.reconcileMember")
        self.renewed_session = meter.sampler("session.renew")
        self.ended_session = meter.sampler("session_ttl.invalidate")
        self._contact = meter.sampler("raft.leader.lastContact")
        self._written = {type_: meter.sampler(name) for type_, name in _WRITTEN.items()}
        self._applied = {
            type_: meter.sampler(name, (("op", op),) if op else ()) for type_, (name, op) in _APPLIED.items()
        }
        meter.follow("raft.apply", lambda: self.proposed)

    def since(self, told: Aggregate, began: float) -> None:
        """Something took from `began` (as `now` told it) until now."""
        told.add((self.now() - began) * _MS_PER_S)

    def note_committed(self, command: Command | None, began: float) -> None:
        """A command is committed and carried out here; a client's is named, one of the leader's own is not."""
        elapsed_ms = (self.now() - began) * _MS_PER_S
        self._committed.add(elapsed_ms)
        if command is not None and (told := self._written.get(type(command))) is not None:
            told.add(elapsed_ms)

    def note_applied(self, command: Command, began: float) -> None:
        """A command was carried out."""
        told = self._applied.get(type(command))
        if told is not None:
            told.add((self.now() - began) * _MS_PER_S)

    def note_contact(self, silent_s: float) -> None:
        """A leader looks how long another voter has been silent."""
        self._contact.add(silent_s * _MS_PER_S)
