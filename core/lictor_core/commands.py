"""Commands: the one way to change shared state (architecture, "How data flows").

A command goes through the Raft log and `lictor_server.state.apply` carries it out, the same on every server. So it
holds everything that depends on time or chance: ids, time stamps, serial numbers, keys. What `apply` finds wrong (a
name that is taken, a compare-and-set that lost) is a result, not an exception.
"""

from __future__ import annotations

import enum

import msgspec

from lictor_core.acl.commands import (
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
)
from lictor_core.authority import RootLife
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.command import CommandBase, TimedCommand
from lictor_core.coordinates import NodeCoordinate
from lictor_core.prepared import PreparedQuery
from lictor_core.records import CARoot, Check, Intention, JsonObject, Node, Service, Session, UserEvent
from lictor_core.transactions import Operation, TransactionAnswer

__all__ = [
    "AclAuthMethodDelete",
    "AclAuthMethodSet",
    "AclBindingRuleDelete",
    "AclBindingRuleSet",
    "AclBootstrap",
    "AclPolicyDelete",
    "AclPolicySet",
    "AclRoleDelete",
    "AclRoleSet",
    "AclTokenSet",
    "AclTokensDelete",
    "AutopilotSet",
    "CAConfigurationSet",
    "CAKeyMaterial",
    "CARootsSet",
    "CASerialTake",
    "Command",
    "CommandBase",
    "ConfigDelete",
    "ConfigSet",
    "CoordinatesSet",
    "Deregister",
    "EventFire",
    "IntentionDelete",
    "IntentionSet",
    "KVDelete",
    "KVDeleteTree",
    "KVSet",
    "KeyringSet",
    "NoOp",
    "NodeUpdate",
    "Outcome",
    "PreparedQueryDelete",
    "PreparedQuerySet",
    "Proposal",
    "ReadMode",
    "Register",
    "Rejection",
    "RestoreAbandon",
    "RestoreBegin",
    "RestoreFinish",
    "RestorePiece",
    "SessionCreate",
    "SessionDestroy",
    "TimedCommand",
    "Transaction",
]


class NoOp(CommandBase, frozen=True, kw_only=True, tag="NoOp"):
    """Changes nothing; a new leader commits one to learn what its predecessors committed."""


class Register(TimedCommand, frozen=True, kw_only=True, tag="Register"):
    """Create or replace a node and, with it, one instance and any checks: `/v1/catalog/register`.

    With `skip_node_update` an existing node's record stays as it is. Checks of an instance name it by `service_id`.
    """

    node: Node
    service: Service | None = None
    checks: list[Check] = msgspec.field(default_factory=list[Check])
    skip_node_update: bool = False


class Deregister(TimedCommand, frozen=True, kw_only=True, tag="Deregister"):
    """Remove one check, one instance with its checks, or (with neither named) a node with everything on it."""

    node: str
    service_id: str = ""
    check_id: str = ""


class NodeUpdate(TimedCommand, frozen=True, kw_only=True, tag="NodeUpdate"):
    """Many changes of what is on one node, in one go, for its agent: instances first, then checks, then removals.

    All of it is done or nothing; refused is also what would both remove and register one thing. `skip_node_update`
    leaves the node's record as it is, if there is one.
    """

    node: Node
    skip_node_update: bool = False
    gone_services: list[str] = msgspec.field(default_factory=list[str])
    gone_checks: list[str] = msgspec.field(default_factory=list[str])
    services: list[Service] = msgspec.field(default_factory=list[Service])
    checks: list[Check] = msgspec.field(default_factory=list[Check])


class KVSet(TimedCommand, frozen=True, kw_only=True, tag="KVSet"):
    """Write one key. `cas` None always writes; 0 only creates; N only replaces what was modified at index N.

    With `acquire` it writes only if that session gets or has the lock of the key, with `release` only if it has it, and
    gives it up. One of the three at most.
    """

    key: str
    value: bytes
    flags: int = 0
    cas: int | None = None
    acquire: str = ""
    release: str = ""


class KVDelete(CommandBase, frozen=True, kw_only=True, tag="KVDelete"):
    """Delete one key. `cas` None always deletes; N only what was modified at index N."""

    key: str
    cas: int | None = None


class KVDeleteTree(CommandBase, frozen=True, kw_only=True, tag="KVDeleteTree"):
    """Delete every key under a prefix; the empty prefix is the whole store."""

    prefix: str


class Transaction(TimedCommand, frozen=True, kw_only=True, tag="Transaction"):
    """Carry out all of the operations, one after the other, or nothing: `/v1/txn`. At most `OPERATIONS_MAX`.

    That one of them could not be is no rejection: the outcome's value says which, and why.
    """

    operations: list[Operation]


class IntentionSet(CommandBase, frozen=True, kw_only=True, tag="IntentionSet"):
    """Create or replace the intention with this id. Source and destination together are unique."""

    intention: Intention


class IntentionDelete(CommandBase, frozen=True, kw_only=True, tag="IntentionDelete"):
    """Delete an intention by id."""

    id: str


class CAKeyMaterial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signing key of one root, PEM, and the key of its intermediate where it has one.

    They are replicated to servers, and never shown to anyone else.
    """

    root_id: str
    private_key: str
    intermediate_key: str = ""

    def __repr__(self) -> str:
        return f"CAKeyMaterial(root_id={self.root_id!r}, private_key=<hidden>)"


class CAConfigurationSet(CommandBase, frozen=True, kw_only=True, tag="CAConfigurationSet"):
    """Replace the CA's settings; `cas` None always."""

    provider: str
    config: JsonObject
    state: dict[str, str] | None = None
    force_without_cross_signing: bool = False
    cas: int | None = None


class CARootsSet(CommandBase, frozen=True, kw_only=True, tag="CARootsSet"):
    """Replace the set of roots, if the set was last changed at index `cas` (0: there is none yet).

    `lives` says what is known of roots; what the state has counted itself stays. `configuration` are settings that
    come into force together with the roots.
    """

    cluster_id: str
    roots: list[CARoot]
    keys: list[CAKeyMaterial]
    cas: int
    lives: list[RootLife] = msgspec.field(default_factory=list[RootLife])
    configuration: CAConfigurationSet | None = None


class CASerialTake(CommandBase, frozen=True, kw_only=True, tag="CASerialTake"):
    """Take the next certificate serial number: the result is that number, given to nobody else.

    For a leaf, `root_id` is the root that signs it and `until` when it ends at the latest, in seconds since 1970.
    """

    root_id: str = ""
    until: float = 0.0


class RestoreBegin(CommandBase, frozen=True, kw_only=True, tag="RestoreBegin"):
    """Begin to put a saved state in place of the current one; another restore under way is given up.

    `id` is a new UUID. The state comes as `pieces` pieces with `size` bytes in all, whose SHA-256 is `sha256`.
    """

    id: str
    size: int
    pieces: int
    sha256: bytes


class RestorePiece(CommandBase, frozen=True, kw_only=True, tag="RestorePiece"):
    """The next piece of the state of the restore `id`; numbers begin at 0. Nothing that can be read changes yet."""

    id: str
    number: int
    data: bytes


class RestoreFinish(CommandBase, frozen=True, kw_only=True, tag="RestoreFinish"):
    """Put the state that came in pieces in place of the current one, if all of it came and is as it was announced."""

    id: str


class RestoreAbandon(CommandBase, frozen=True, kw_only=True, tag="RestoreAbandon"):
    """Give up a restore, if it is still under way."""

    id: str


class AutopilotSet(CommandBase, frozen=True, kw_only=True, tag="AutopilotSet"):
    """Replace autopilot's settings; `cas` None always, 0 only while there are none, N what was modified at index N."""

    config: AutopilotConfiguration
    cas: int | None = None


class CoordinatesSet(CommandBase, frozen=True, kw_only=True, tag="CoordinatesSet"):
    """Say where nodes stand in the network, at most `COORDINATES_PER_COMMAND_MAX`; unknown nodes are passed over."""

    updates: list[NodeCoordinate]


class ConfigSet(CommandBase, frozen=True, kw_only=True, tag="ConfigSet"):
    """Create or replace a configuration entry, if all that it has a part in holds together with it.

    `body` is in the form in which entries are kept. `cas` None always writes; 0 only creates; N only replaces what was
    modified at index N. The leader stamps the time `at`, for what shows when it was made.
    """

    kind: str
    name: str
    body: JsonObject
    cas: int | None = None
    at: str = ""


class ConfigDelete(CommandBase, frozen=True, kw_only=True, tag="ConfigDelete"):
    """Delete a configuration entry, if what it had a part in holds together without it. `cas` as for a key."""

    kind: str
    name: str
    cas: int | None = None


class KeyringSet(CommandBase, frozen=True, kw_only=True, tag="KeyringSet"):
    """Replace the ring of keys by another one, sealed; `cas` 0 only while there is none, N the one of index N."""

    boxes: dict[str, bytes]
    cas: int


class SessionCreate(CommandBase, frozen=True, kw_only=True, tag="SessionCreate"):
    """Create a session under its id, a new UUID, if its node and its checks are there and none of them is critical."""

    session: Session


class SessionDestroy(TimedCommand, frozen=True, kw_only=True, tag="SessionDestroy"):
    """End a session; one that is gone already is no error."""

    id: str


class EventFire(CommandBase, frozen=True, kw_only=True, tag="EventFire"):
    """Tell the agents of an event, under its id, a new UUID."""

    event: UserEvent


class PreparedQuerySet(CommandBase, frozen=True, kw_only=True, tag="PreparedQuerySet"):
    """Create a prepared query under its id, a new UUID, or with `is_update` replace the one that has it.

    Names, of templates as well, are unique whatever their case, and a session that it names must be there.
    """

    query: PreparedQuery
    is_update: bool = False


class PreparedQueryDelete(CommandBase, frozen=True, kw_only=True, tag="PreparedQueryDelete"):
    """Delete a prepared query by id; one that is not there is refused."""

    id: str


Command = (
    NoOp
    | Register
    | Deregister
    | NodeUpdate
    | KVSet
    | KVDelete
    | KVDeleteTree
    | Transaction
    | IntentionSet
    | IntentionDelete
    | CARootsSet
    | CAConfigurationSet
    | CASerialTake
    | RestoreBegin
    | RestorePiece
    | RestoreFinish
    | RestoreAbandon
    | AutopilotSet
    | KeyringSet
    | CoordinatesSet
    | ConfigSet
    | ConfigDelete
    | SessionCreate
    | SessionDestroy
    | EventFire
    | PreparedQuerySet
    | PreparedQueryDelete
    | AclBootstrap
    | AclTokenSet
    | AclTokensDelete
    | AclPolicySet
    | AclPolicyDelete
    | AclRoleSet
    | AclRoleDelete
    | AclAuthMethodSet
    | AclAuthMethodDelete
    | AclBindingRuleSet
    | AclBindingRuleDelete
)
"""Every command."""


class Proposal(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A command as it stands in the log, with what makes it safe to send again.

    `request` names the wish, not the sending: it is the same in each attempt, and used for nothing else. `seen` is what
    the server that a client asked had applied when the wish came, so that no earlier attempt can stand before it in the
    log. `again` tells a further attempt from the first one.
    """

    request: bytes
    seen: int
    again: bool
    command: Command


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why a command was refused by the state: a code of `lictor_core.errors.TABLE` and a message for people."""

    code: str
    message: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a command came to, at which index.

    `value` is what the caller is told: for compare-and-set whether it won, for `CASerialTake` the number, for a
    `Transaction` its answer, else True.
    """

    index: int
    value: bool | int | TransactionAnswer = True
    rejection: Rejection | None = None


class ReadMode(enum.StrEnum):
    """How fresh a read must be: `default` and `consistent` linearizable, `stale` whatever this server has."""

    DEFAULT = "default"
    CONSISTENT = "consistent"
    STALE = "stale"
