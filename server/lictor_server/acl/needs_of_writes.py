"""What every command needs: one table, with a row for each. The servers' own commands no client may send at all.

It is judged by the leader, by the state as it is when the command comes, so that a token that was revoked writes
nothing any more. Sources: the column "ACL Required" of Consul's documents `api-docs/*`, and what Consul 1.8.7 answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

from lictor_core import commands as c
from lictor_core.acl import commands as acl
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.prepared import PreparedQuery
from lictor_server.acl.entries import require_writing_entry
from lictor_server.acl.registrations import require_deregistering, require_registering, require_updating
from lictor_server.acl.visible import query_name
from lictor_server.state import Store

__all__ = ["NEEDS_OF_WRITES", "WriteNeed"]

C = TypeVar("C")


class WriteNeed(NamedTuple):
    """What one kind of command needs. `require` raises `PermissionDeniedError`; None: no client may send it, or its
    parts are judged one by one, as `said` tells people."""

    said: str
    require: Callable[[Store, Authorizer, object], None] | None = None


def _judged(said: str, require: Callable[[Store, Authorizer, C], None]) -> WriteNeed:
    return WriteNeed(said, cast("Callable[[Store, Authorizer, object], None]", require))


def _of_key(store: Store, judge: Authorizer, command: c.KVSet | c.KVDelete) -> None:
    judge.require(Resource.KEY, command.key, Access.WRITE)


def _of_tree(store: Store, judge: Authorizer, command: c.KVDeleteTree) -> None:
    judge.require_under(command.prefix)


def _of_session(store: Store, judge: Authorizer, command: c.SessionCreate) -> None:
    judge.require(Resource.SESSION, command.session.node, Access.WRITE)


def _of_ended_session(store: Store, judge: Authorizer, command: c.SessionDestroy) -> None:
    session = store.sessions.get(command.id)
    if session is not None:
        judge.require(Resource.SESSION, session.node, Access.WRITE)


def _of_intention(store: Store, judge: Authorizer, command: c.IntentionSet) -> None:
    held = store.intentions.get(command.intention.id)
    if held is not None:
        judge.require(Resource.INTENTION, held.destination_name, Access.WRITE)
    judge.require(Resource.INTENTION, command.intention.destination_name, Access.WRITE)


def _of_gone_intention(store: Store, judge: Authorizer, command: c.IntentionDelete) -> None:
    held = store.intentions.get(command.id)
    if held is not None:
        judge.require(Resource.INTENTION, held.destination_name, Access.WRITE)


def _of_entry(store: Store, judge: Authorizer, command: c.ConfigSet) -> None:
    require_writing_entry(judge, command.kind, command.name, command.body)


def _of_gone_entry(store: Store, judge: Authorizer, command: c.ConfigDelete) -> None:
    require_writing_entry(judge, command.kind, command.name)


def _of_query(store: Store, judge: Authorizer, command: c.PreparedQuerySet) -> None:
    held = store.prepared.get(command.query.id)
    if held is not None:
        _require_query(judge, held)
    _require_query(judge, command.query)


def _of_gone_query(store: Store, judge: Authorizer, command: c.PreparedQueryDelete) -> None:
    held = store.prepared.get(command.id)
    if held is not None:
        _require_query(judge, held)


def _require_query(judge: Authorizer, query: PreparedQuery) -> None:
    name = query_name(query)
    if name is not None:
        judge.require(Resource.QUERY, name, Access.WRITE)


def _of_event(store: Store, judge: Authorizer, command: c.EventFire) -> None:
    judge.require(Resource.EVENT, command.event.name, Access.WRITE)


def _of_operators(store: Store, judge: Authorizer, command: object) -> None:
    judge.require(Resource.OPERATOR, access=Access.WRITE)


def _of_keyring(store: Store, judge: Authorizer, command: object) -> None:
    judge.require(Resource.KEYRING, access=Access.WRITE)


def _of_places(store: Store, judge: Authorizer, command: c.CoordinatesSet) -> None:
    for update in command.updates:
        judge.require(Resource.NODE, update.node, Access.WRITE)


_REGISTERED: Final = "node:write where the node changes; service:write of instances and checks"
_BY_KIND: Final = "service:write, intention:write, mesh:write or operator:write, by the kind"
_SERVERS_OWN: Final = WriteNeed("servers alone write it, of themselves or for a call that is judged")

NEEDS_OF_WRITES: Final[dict[type[object], WriteNeed]] = {
    c.Register: _judged(_REGISTERED, require_registering),
    c.NodeUpdate: _judged(_REGISTERED, require_updating),
    c.Deregister: _judged("node:write, or service:write of an instance or its check", require_deregistering),
    c.KVSet: _judged("key:write", _of_key),
    c.KVDelete: _judged("key:write", _of_key),
    c.KVDeleteTree: _judged("key:write of the prefix and of all below it", _of_tree),
    c.Transaction: WriteNeed("each operation what it needs by itself; what may not be read is not told"),
    c.SessionCreate: _judged("session:write of the node", _of_session),
    c.SessionDestroy: _judged("session:write of its node", _of_ended_session),
    c.IntentionSet: _judged("intention:write of the destination, and of the former one", _of_intention),
    c.IntentionDelete: _judged("intention:write of the destination", _of_gone_intention),
    c.ConfigSet: _judged(_BY_KIND, _of_entry),
    c.ConfigDelete: _judged(_BY_KIND, _of_gone_entry),
    c.PreparedQuerySet: _judged("query:write of its name, if it has one, and of the former one", _of_query),
    c.PreparedQueryDelete: _judged("query:write of its name, if it has one", _of_gone_query),
    c.EventFire: _judged("event:write", _of_event),
    c.KeyringSet: _judged("keyring:write", _of_keyring),
    c.AutopilotSet: _judged("operator:write", _of_operators),
    c.CoordinatesSet: _judged("node:write of each node", _of_places),
    c.NoOp: _SERVERS_OWN,
    c.CARootsSet: _SERVERS_OWN,
    c.CAConfigurationSet: _SERVERS_OWN,
    c.CASerialTake: _SERVERS_OWN,
    c.RestoreBegin: _SERVERS_OWN,
    c.RestorePiece: _SERVERS_OWN,
    c.RestoreFinish: _SERVERS_OWN,
    c.RestoreAbandon: _SERVERS_OWN,
    acl.AclBootstrap: _SERVERS_OWN,
    acl.AclTokenSet: _SERVERS_OWN,
    acl.AclTokensDelete: _SERVERS_OWN,
    acl.AclPolicySet: _SERVERS_OWN,
    acl.AclPolicyDelete: _SERVERS_OWN,
    acl.AclRoleSet: _SERVERS_OWN,
    acl.AclRoleDelete: _SERVERS_OWN,
    acl.AclAuthMethodSet: _SERVERS_OWN,
    acl.AclAuthMethodDelete: _SERVERS_OWN,
    acl.AclBindingRuleSet: _SERVERS_OWN,
    acl.AclBindingRuleDelete: _SERVERS_OWN,
}
"""Each command by its type."""
