"""Transactions: `/v1/txn`, all operations or none. Source: Consul's document `api-docs/txn`.

from lictor.api.calls import txn

outcome = client.txn.run([txn.check_session("job/lock", lock.session_id), txn.set_key("job/state", b"done")])
if outcome.errors: ...
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from lictor.api.messages import Call, Options, Request, Response
from lictor.api.null_tags import decoded_with_tags
from lictor_core.codec import to_json
from lictor_core.records import Check, JsonObject, KVEntry, Node, Record, Service

__all__ = [
    "Operation",
    "Outcome",
    "TxnError",
    "TxnResult",
    "check_index",
    "check_not_exists",
    "check_operation",
    "check_session",
    "delete_key",
    "delete_tree",
    "get_key",
    "get_tree",
    "lock_key",
    "node_operation",
    "run",
    "service_operation",
    "set_key",
    "unlock_key",
]

Operation: TypeAlias = JsonObject
"""One operation with the keys of Consul's API; the functions here make them."""

_CONFLICT: Final = 409


class TxnResult(Record, frozen=True, kw_only=True):
    """What one operation gave; the field of its kind is filled. A key that was written comes without its value."""

    kv: KVEntry | None = msgspec.field(default=None, name="KV")
    node: Node | None = None
    service: Service | None = None
    check: Check | None = None


class TxnError(Record, frozen=True, kw_only=True):
    """Why nothing was done: the operation at `op_index`, counted from 0."""

    op_index: int
    what: str


class Outcome(Record, frozen=True, kw_only=True):
    """What became of a transaction. With `errors` nothing of it was done."""

    results: list[TxnResult] | None = None
    errors: list[TxnError] | None = None

    @property
    def done(self) -> bool:
        """Whether all of it was done."""
        return not self.errors


def run(operations: Sequence[Operation], options: Options | None = None) -> Call[Outcome]:
    """Carry out up to 64 operations as one. That one of them is against the state is no error but an `Outcome`."""
    chosen = options or Options()

    def read(response: Response) -> Outcome:
        response.check(_CONFLICT)
        return decoded_with_tags(response, Outcome)

    request = Request(method="PUT", path="/v1/txn", parameters=tuple(chosen.pairs()), body=to_json(list(operations)))
    return Call(request=request, read=read)


def set_key(key: str, value: bytes, *, flags: int = 0, cas: int | None = None) -> Operation:
    """Write a key; with `cas` only if its `modify_index` is that one (0: if there is no such key)."""
    body: JsonObject = {"Verb": "set", "Key": key, "Value": b64encode(value).decode(), "Flags": flags}
    return {"KV": body if cas is None else {**body, "Verb": "cas", "Index": cas}}


def lock_key(key: str, value: bytes, session: str, *, flags: int = 0) -> Operation:
    """Write a key and lock it by a session."""
    encoded = b64encode(value).decode()
    return {"KV": {"Verb": "lock", "Key": key, "Value": encoded, "Flags": flags, "Session": session}}


def unlock_key(key: str, value: bytes, session: str, *, flags: int = 0) -> Operation:
    """Write a key and give up its lock."""
    encoded = b64encode(value).decode()
    return {"KV": {"Verb": "unlock", "Key": key, "Value": encoded, "Flags": flags, "Session": session}}


def get_key(key: str) -> Operation:
    """Read a key; that there is none is an error."""
    return {"KV": {"Verb": "get", "Key": key}}


def get_tree(prefix: str) -> Operation:
    """Read all keys under a prefix."""
    return {"KV": {"Verb": "get-tree", "Key": prefix}}


def check_index(key: str, index: int) -> Operation:
    """Go on only if the key's `modify_index` is `index`."""
    return {"KV": {"Verb": "check-index", "Key": key, "Index": index}}


def check_session(key: str, session: str) -> Operation:
    """Go on only if the session holds the lock of the key."""
    return {"KV": {"Verb": "check-session", "Key": key, "Session": session}}


def check_not_exists(key: str) -> Operation:
    """Go on only if there is no such key."""
    return {"KV": {"Verb": "check-not-exists", "Key": key}}


def delete_key(key: str, *, cas: int | None = None) -> Operation:
    """Delete a key; with `cas` only if its `modify_index` is that one."""
    return {"KV": {"Verb": "delete", "Key": key} if cas is None else {"Verb": "delete-cas", "Key": key, "Index": cas}}


def delete_tree(prefix: str) -> Operation:
    """Delete all keys under a prefix."""
    return {"KV": {"Verb": "delete-tree", "Key": prefix}}


def node_operation(verb: str, node: Mapping[str, object]) -> Operation:
    """`get`, `set`, `cas`, `delete` or `delete-cas` of a node, which has the keys of Consul's API."""
    return {"Node": {"Verb": verb, "Node": dict(node)}}


def service_operation(verb: str, node: str, service: Mapping[str, object]) -> Operation:
    """The same of an instance on the node `node`."""
    return {"Service": {"Verb": verb, "Node": node, "Service": dict(service)}}


def check_operation(verb: str, check: Mapping[str, object]) -> Operation:
    """The same of a check, which names its node."""
    return {"Check": {"Verb": verb, "Check": dict(check)}}
