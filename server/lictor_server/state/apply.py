"""Carrying out commands: the one place where state changes.

`apply` is a pure function of the store and the command: no clock, chance, I/O or log call, and it never raises. What a
command finds wrong is a `Rejection` in its outcome; a rejected command changed nothing, on no server.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Final, TypeVar, cast

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
    CommandBase,
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
    NoOp,
    Outcome,
    PreparedQueryDelete,
    PreparedQuerySet,
    Proposal,
    Register,
    Rejection,
    RestoreAbandon,
    RestoreBegin,
    RestoreFinish,
    RestorePiece,
    SessionCreate,
    SessionDestroy,
    TimedCommand,
    Transaction,
)
from lictor_core.errors import NotFoundError, RequestError
from lictor_core.transactions import TransactionAnswer
from lictor_server.state import acl_changes
from lictor_server.state.access import settle, why_not
from lictor_server.state.catalog import fold
from lictor_server.state.configuring import drop_entry, set_entry
from lictor_server.state.indexes import Change
from lictor_server.state.locking import acquire, destroy, end_sessions, release, why_no_session
from lictor_server.state.registering import refuse, settle_node, why_not_these_checks, why_not_this_node
from lictor_server.state.store import Store
from lictor_server.state.transactions import carry_out
from lictor_server.state.virtual import follow

__all__ = ["REJECTION_CHARS_MAX", "apply", "apply_proposal"]

REJECTION_CHARS_MAX: Final = 1024
"""Characters in the message of a rejection; more are cut off."""

C = TypeVar("C", bound=CommandBase)
Result = bool | int | TransactionAnswer | Rejection


def apply(store: Store, index: int, command: Command) -> tuple[Outcome, Change]:
    """Carry out the command at `index` of the log; `index` is above every earlier one."""
    change = Change(index + store.index_shift)
    store.restoring.expire(index)
    if isinstance(command, TimedCommand):
        store.time_ms = max(store.time_ms, command.at_ms)
    result = _TABLE[type(command)](store, change, command)
    end_sessions(store, change)
    store.gateways.follow(change)
    follow(store, change)
    store.index = index
    store.note(change)
    if isinstance(result, Rejection):
        return Outcome(index=change.index, value=False, rejection=_shortened(result)), change
    return Outcome(index=change.index, value=result), change


def apply_proposal(store: Store, index: int, proposal: Proposal) -> tuple[Outcome, Change]:
    """Carry out a proposal, unless it was before: then its outcome is the earlier one, and nothing changes."""
    if not proposal.request:
        return apply(store, index, proposal.command)
    earlier = store.requests.earlier(proposal, index)
    if earlier is not None:
        store.index = index
        return earlier, Change(index + store.index_shift)
    outcome, change = apply(store, index, proposal.command)
    store.requests.note(proposal.request, outcome, store.index_shift)
    return outcome, change


def _shortened(rejection: Rejection) -> Rejection:
    """Outcomes of the last requests are kept, on every server, and a message quotes what a client named as it liked."""
    if len(rejection.message) <= REJECTION_CHARS_MAX:
        return rejection
    return Rejection(code=rejection.code, message=rejection.message[: REJECTION_CHARS_MAX - 3] + "...")


def _no_op(_store: Store, _change: Change, _command: NoOp) -> Result:
    return True


def _register(store: Store, change: Change, command: Register) -> Result:
    services = [] if command.service is None else [command.service.id]
    refusal = why_not_this_node(store, command.node, stays=command.skip_node_update) or why_not_these_checks(
        store, command.node, command.checks, {fold(one) for one in services}, frozenset()
    )
    if refusal is not None:
        return refusal
    node = settle_node(store, change, command.node, stays=command.skip_node_update)
    if command.service is not None:
        store.catalog.put_service(change, node, command.service)
    for check in command.checks:
        store.catalog.put_check(change, node, check)
    return True


def _node_update(store: Store, change: Change, command: NodeUpdate) -> Result:
    gone = frozenset(map(fold, command.gone_services))
    # Whatever it changes is its own agent's: one that has only the name of a living node must not undo what that has.
    coming = {fold(one.id) for one in command.services}
    refusal = (
        _why_not_both(
            gone & coming | {fold(one.check_id) for one in command.checks} & set(map(fold, command.gone_checks))
        )
        or why_not_this_node(store, command.node, stays=False)
        or why_not_these_checks(store, command.node, command.checks, coming, gone)
    )
    if refusal is not None:
        return refusal
    catalog = store.catalog
    node = settle_node(store, change, command.node, stays=command.skip_node_update)
    # What comes is put before what goes is dropped: a service whose instance is replaced must never seem to be gone.
    for service in command.services:
        catalog.put_service(change, node, service)
    for check in command.checks:
        catalog.put_check(change, node, check)
    for service_id in command.gone_services:
        if (instance := catalog.service_on(node.node, service_id)) is not None:
            catalog.drop_service(change, node, instance)
    for check_id in command.gone_checks:
        if (found := catalog.check_on(node.node, check_id)) is not None:
            catalog.drop_check(change, node, found)
    return True


# Everything is judged before anything changes, so that a refused registration leaves no half behind.


def _why_not_both(ids: Set[str]) -> Rejection | None:
    return (
        refuse(f"{', '.join(sorted(ids))}: an update removes and registers it at once; do one of them") if ids else None
    )


def _deregister(store: Store, change: Change, command: Deregister) -> Result:
    """Consul's order: an instance if one is named, else a check, else the node. A missing one is no error."""
    catalog = store.catalog
    node = catalog.node(command.node)
    if node is None:
        return True
    if command.service_id:
        service = catalog.service_on(node.node, command.service_id)
        if service is not None:
            catalog.drop_service(change, node, service)
    elif command.check_id:
        check = catalog.check_on(node.node, command.check_id)
        if check is not None:
            catalog.drop_check(change, node, check)
    else:
        catalog.drop_node(change, node)
        store.coordinates.drop(change, node.node)
    return True


def _kv_set(store: Store, change: Change, command: KVSet) -> Result:
    if command.acquire:
        return acquire(store, change, command)
    if command.release:
        return release(store, change, command)
    if command.cas is not None:
        entry = store.kv.get(command.key)
        if command.cas != (0 if entry is None else entry.modify_index):
            return False
    store.kv.put(change, command.key, command.value, command.flags)
    return True


def _kv_delete(store: Store, change: Change, command: KVDelete) -> Result:
    """A compare-and-set on a missing key has what it wants, as in Consul."""
    entry = store.kv.get(command.key)
    if entry is not None and command.cas is not None and command.cas != entry.modify_index:
        return False
    store.kv.drop(change, command.key)
    return True


def _kv_delete_tree(store: Store, change: Change, command: KVDeleteTree) -> Result:
    store.kv.drop_under(change, command.prefix)
    return True


def _transaction(store: Store, change: Change, command: Transaction) -> Result:
    return carry_out(store, change, command.operations)


def _session_create(store: Store, change: Change, command: SessionCreate) -> Result:
    refusal = why_no_session(store, command.session)
    if refusal:
        return refuse(refusal)
    store.sessions.put(change, command.session)
    return True


def _session_destroy(store: Store, change: Change, command: SessionDestroy) -> Result:
    session = store.sessions.get(command.id)
    if session is not None:
        destroy(store, change, session)
    return True


def _event_fire(store: Store, change: Change, command: EventFire) -> Result:
    store.events.fire(change, command.event)
    return True


def _prepared_query_set(store: Store, change: Change, command: PreparedQuerySet) -> Result:
    query = command.query
    is_there = store.prepared.get(query.id) is not None
    if is_there and not command.is_update:
        return refuse(f"there is a prepared query {query.id} already: give this one a new id")
    if command.is_update and not is_there:
        return _no_such_query(query.id)
    if flaw := store.prepared.why_not(query):
        return refuse(flaw)
    if query.session and store.sessions.get(query.session) is None:
        return refuse(f'invalid session "{query.session}"')
    store.prepared.put(change, query)
    return True


def _prepared_query_delete(store: Store, change: Change, command: PreparedQueryDelete) -> Result:
    query = store.prepared.get(command.id)
    if query is None:
        return _no_such_query(command.id)
    store.prepared.drop(change, query)
    return True


def _no_such_query(query_id: str) -> Rejection:
    return refuse(f"Cannot modify non-existent prepared query: '{query_id}'")


def _intention_set(store: Store, change: Change, command: IntentionSet) -> Result:
    intention = command.intention
    twin = store.intentions.between(intention.source_name, intention.destination_name)
    if twin is not None and twin.id != intention.id:
        return refuse(
            f"there is already an intention {twin.source_name} -> {twin.destination_name} "
            f"({twin.action.value}, id {twin.id}): update that one instead"
        )
    if (refusal := why_not(store, intention)) is not None:
        return refusal
    old = store.intentions.get(intention.id)
    store.intentions.put(change, intention)
    if old is not None:
        settle(store, change, old.destination_name)
    return True


def _intention_delete(store: Store, change: Change, command: IntentionDelete) -> Result:
    old = store.intentions.get(command.id)
    if old is None:
        return Rejection(code=NotFoundError.code, message=f"there is no intention with id {command.id!r}")
    store.intentions.drop(change, command.id)
    settle(store, change, old.destination_name)
    return True


def _ca_roots_set(store: Store, change: Change, command: CARootsSet) -> Result:
    if command.cas != store.ca.roots_index:
        return False
    store.ca.put_roots(change, command)
    if command.configuration is not None:
        store.ca.put_configuration(change, command.configuration)
    return True


def _ca_configuration_set(store: Store, change: Change, command: CAConfigurationSet) -> Result:
    current = store.ca.configuration
    if command.cas is not None and command.cas != (0 if current is None else current.modify_index):
        return False
    store.ca.put_configuration(change, command)
    return True


def _ca_serial_take(store: Store, change: Change, command: CASerialTake) -> Result:
    return store.ca.take_serial(change, command)


def _restore_begin(store: Store, change: Change, command: RestoreBegin) -> Result:
    return _judged(lambda: store.restoring.begin(command, _log_index(store, change), Store))


def _restore_piece(store: Store, change: Change, command: RestorePiece) -> Result:
    return _judged(lambda: store.restoring.add(command, _log_index(store, change)))


def _restore_finish(store: Store, change: Change, command: RestoreFinish) -> Result:
    try:
        saved = store.restoring.finish(command.id)
    except RequestError as error:
        return refuse(str(error))
    if saved.datacenter != store.datacenter:
        return refuse(
            f"the snapshot is of datacenter {saved.datacenter!r}, this one is {store.datacenter!r}: restore it there"
        )
    store.put_back(change, saved)
    return True


def _restore_abandon(store: Store, _change: Change, command: RestoreAbandon) -> Result:
    store.restoring.abandon(command.id)
    return True


def _judged(step: Callable[[], None]) -> Result:
    try:
        step()
    except RequestError as error:
        return refuse(str(error))
    return True


def _log_index(store: Store, change: Change) -> int:
    return change.index - store.index_shift


def _autopilot_set(store: Store, change: Change, command: AutopilotSet) -> Result:
    current = store.autopilot.configuration
    if command.cas is not None and command.cas != (0 if current is None else current.modify_index):
        return False
    store.autopilot.put(change, command.config)
    return True


def _keyring_set(store: Store, change: Change, command: KeyringSet) -> Result:
    if command.cas != store.keyring.modify_index:
        return False
    store.keyring.put(change, command.boxes)
    return True


def _coordinates_set(store: Store, change: Change, command: CoordinatesSet) -> Result:
    """A node that is not there, or not any more, is passed over: its agent may be slower than its end."""
    for row in command.updates:
        node = store.catalog.node(row.node)
        if node is not None:
            store.coordinates.put(change, row)
    return True


Step = Callable[[Store, Change, Command], Result]


def _entry(kind: type[C], step: Callable[[Store, Change, C], Result]) -> tuple[type[CommandBase], Step]:
    return kind, cast(Step, step)


_TABLE: Final[dict[type[CommandBase], Step]] = dict(
    (
        _entry(NoOp, _no_op),
        _entry(Register, _register),
        _entry(Deregister, _deregister),
        _entry(NodeUpdate, _node_update),
        _entry(KVSet, _kv_set),
        _entry(KVDelete, _kv_delete),
        _entry(KVDeleteTree, _kv_delete_tree),
        _entry(Transaction, _transaction),
        _entry(IntentionSet, _intention_set),
        _entry(IntentionDelete, _intention_delete),
        _entry(CARootsSet, _ca_roots_set),
        _entry(CAConfigurationSet, _ca_configuration_set),
        _entry(CASerialTake, _ca_serial_take),
        _entry(RestoreBegin, _restore_begin),
        _entry(RestorePiece, _restore_piece),
        _entry(RestoreFinish, _restore_finish),
        _entry(RestoreAbandon, _restore_abandon),
        _entry(ConfigSet, set_entry),
        _entry(ConfigDelete, drop_entry),
        _entry(AutopilotSet, _autopilot_set),
        _entry(KeyringSet, _keyring_set),
        _entry(CoordinatesSet, _coordinates_set),
        _entry(SessionCreate, _session_create),
        _entry(SessionDestroy, _session_destroy),
        _entry(EventFire, _event_fire),
        _entry(PreparedQuerySet, _prepared_query_set),
        _entry(PreparedQueryDelete, _prepared_query_delete),
        _entry(AclBootstrap, acl_changes.bootstrap),
        _entry(AclTokenSet, acl_changes.set_token),
        _entry(AclTokensDelete, acl_changes.drop_tokens),
        _entry(AclPolicySet, acl_changes.set_policy),
        _entry(AclPolicyDelete, acl_changes.drop_policy),
        _entry(AclRoleSet, acl_changes.set_role),
        _entry(AclRoleDelete, acl_changes.drop_role),
        _entry(AclAuthMethodSet, acl_changes.set_auth_method),
        _entry(AclAuthMethodDelete, acl_changes.drop_auth_method),
        _entry(AclBindingRuleSet, acl_changes.set_binding_rule),
        _entry(AclBindingRuleDelete, acl_changes.drop_binding_rule),
    )
)
