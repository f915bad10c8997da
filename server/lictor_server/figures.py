"""What a server tells of itself in figures, by Consul's names.

Source: Consul's document `docs/agent/telemetry`. Where it counts, it costs less than a microsecond: aggregates are at
hand, by the type of a command, and what is counted anyway is only looked at (`Meter.follow`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from lictor_core.clock import Clock
from lictor_core.commands import (
    AclAuthMethodDelete,
    AclAuthMethodSet,
    AclBindingRuleDelete,
    AclBindingRuleSet,
    AclBootstrap,
    AclPolicyDelete,
    AclPolicySet,
    AclRoleDelete,
    AclRoleSet,
    AclTokensDelete,
    AclTokenSet,
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
    KeyringSet,
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
from lictor_server.read_figures import ReadFigures

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
    AclAuthMethodDelete: ("fsm.acl.authmethod", "delete"),
    AclAuthMethodSet: ("fsm.acl.authmethod", "upsert"),
    AclBindingRuleDelete: ("fsm.acl.bindingrule", "delete"),
    AclBindingRuleSet: ("fsm.acl.bindingrule", "upsert"),
    AclBootstrap: ("fsm.acl.token", "bootstrap"),
    AclPolicyDelete: ("fsm.acl.policy", "delete"),
    AclPolicySet: ("fsm.acl.policy", "upsert"),
    AclRoleDelete: ("fsm.acl.role", "delete"),
    AclRoleSet: ("fsm.acl.role", "upsert"),
    AclTokenSet: ("fsm.acl.token", "upsert"),
    AclTokensDelete: ("fsm.acl.token", "delete"),
    AutopilotSet: ("fsm.autopilot", ""),
    ConfigDelete: ("fsm.config_entry", "delete"),
    ConfigSet: ("fsm.config_entry", "upsert"),
    CAConfigurationSet: ("fsm.ca", "set-config"),
    CARootsSet: ("fsm.ca", "set-roots"),
    CASerialTake: ("fsm.ca", "increment-provider-serial"),
    CoordinatesSet: ("fsm.coordinate.batch-update", ""),
    Deregister: ("fsm.deregister", ""),
    IntentionDelete: ("fsm.intention", "delete"),
    IntentionSet: ("fsm.intention", "upsert"),
    KVDelete: ("fsm.kvs", "delete"),
    KVDeleteTree: ("fsm.kvs", "delete-tree"),
    KVSet: ("fsm.kvs", "set"),
    KeyringSet: ("fsm.keyring", ""),
    NodeUpdate: ("fsm.register", ""),
    PreparedQueryDelete: ("fsm.prepared-query", "delete"),
    PreparedQuerySet: ("fsm.prepared-query", "create"),
    Register: ("fsm.register", ""),
    SessionCreate: ("fsm.session", "create"),
    SessionDestroy: ("fsm.session", "destroy"),
    Transaction: ("fsm.txn", ""),
}
"""What an entry of the log counts as, on every server, with its operation; `_EXACT` knows better of some."""


class ServerFigures:
    """The figures of one server. Times are told in milliseconds."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self.meter = meter
        self.now: Callable[[], float] = clock.monotonic
        """Seconds; what the measured parts look at."""
        self.proposed = 0
        """Commands that were given to the log here."""
        self.reads = ReadFigures(meter, self.now)
        """What readers ask."""
        self._committed = meter.sampler("raft.commitTime")
        self.consistent_reads = meter.sampler("rpc.consistentRead")
        self.reconciled = meter.sampler("leader.reconcile")
        self.reconciled_member = meter.sampler("leader.reconcileMember")
        self.renewed_session = meter.sampler("session.renew")
        self.ended_session = meter.sampler("session_ttl.invalidate")
        self.established = meter.sampler("leader.barrier")
        self.snapshot_taken = meter.sampler("raft.fsm.snapshot")
        self.snapshot_kept = meter.sampler("raft.snapshot.persist")
        self.snapshot_made = meter.sampler("raft.snapshot.takeSnapshot")
        self.persisted = meter.sampler("fsm.persist")
        self.entries_written = 0
        """Entries in the last batch that this server, leading, wrote to its disk."""
        self._written_leading = meter.sampler("raft.leader.dispatchLog")
        self._written_following = meter.sampler("raft.rpc.appendEntries.storeLogs")
        self._contact = meter.sampler("raft.leader.lastContact")
        self._written = {type_: meter.sampler(name) for type_, name in _WRITTEN.items()}
        self._applied = {
            type_: meter.sampler(name, (("op", op),) if op else ()) for type_, (name, op) in _APPLIED.items()
        }
        self._exact: dict[tuple[str, str], Aggregate] = {}
        self._applied_count = 0
        self._applied_ms = 0.0
        meter.follow("raft.apply", lambda: self.proposed)
        meter.before_turn(partial(self._tell_applied, meter.sampler("raft.fsm.apply")))

    def _tell_applied(self, told: Aggregate) -> None:
        told.add_even(self._applied_count, self._applied_ms)
        self._applied_count, self._applied_ms = 0, 0.0

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
        elapsed_ms = (self.now() - began) * _MS_PER_S
        self._applied_count += 1
        self._applied_ms += elapsed_ms
        told = self._applied.get(type(command))
        if told is not None:
            exact = _EXACT.get(type(command))
            if exact is not None and (known := exact(command)) is not None:
                told = self._told_exactly(*known)
            told.add(elapsed_ms)

    def _told_exactly(self, name: str, op: str) -> Aggregate:
        told = self._exact.get((name, op))
        if told is None:
            told = self._exact[name, op] = self.meter.sampler(name, (("op", op),))
        return told

    def note_batch(self, elapsed_s: float, entries: int, *, leads: bool) -> None:
        """So many entries of the log came onto this server's disk in one go."""
        (self._written_leading if leads else self._written_following).add(elapsed_s * _MS_PER_S)
        if leads:
            self.entries_written = entries

    def note_snapshot(self, began: float, taken: float, elapsed_ms: float) -> None:
        """A snapshot is on the disk; looking at the state took from `began` to `taken` (as `now`), all `elapsed_ms`."""
        taken_ms = (taken - began) * _MS_PER_S
        self.snapshot_taken.add(taken_ms)
        self.snapshot_made.add(elapsed_ms)
        for told in (self.snapshot_kept, self.persisted):
            told.add(elapsed_ms - taken_ms)

    def note_contact(self, silent_s: float) -> None:
        """A leader looks how long another voter has been silent."""
        self._contact.add(silent_s * _MS_PER_S)


def _exact_set(command: Command) -> tuple[str, str] | None:
    assert isinstance(command, KVSet)
    if command.acquire:
        return "fsm.kvs", "lock"
    if command.release:
        return "fsm.kvs", "unlock"
    return None if command.cas is None else ("fsm.kvs", "cas")


def _exact_delete(command: Command) -> tuple[str, str] | None:
    assert isinstance(command, KVDelete)
    return None if command.cas is None else ("fsm.kvs", "delete-cas")


def _exact_entry(command: Command) -> tuple[str, str] | None:
    assert isinstance(command, ConfigSet | ConfigDelete)
    if isinstance(command, ConfigDelete):
        return f"fsm.config_entry.{command.kind}", "delete"
    return f"fsm.config_entry.{command.kind}", "upsert" if command.cas is None else "upsert-cas"


def _exact_query(command: Command) -> tuple[str, str] | None:
    assert isinstance(command, PreparedQuerySet)
    return ("fsm.prepared-query", "update") if command.is_update else None


_EXACT: Final[dict[type[Command], Callable[[Command], tuple[str, str] | None]]] = {
    ConfigDelete: _exact_entry,
    ConfigSet: _exact_entry,
    KVDelete: _exact_delete,
    KVSet: _exact_set,
    PreparedQuerySet: _exact_query,
}
"""The names and operations of commands whose type does not tell all; None where it does."""
