"""Service-intentions entries: the intentions of one destination, written and read together.

The intentions are the truth. Of the entry itself nothing is kept but what no intention says (metadata, demands on
tokens); what it shows are the intentions as they are, whoever wrote them. So there is an entry wherever a destination
has intentions, as in later Consul. What only an intention that was made by itself has (its id, metadata, times) is
shown under `Legacy...`, also as there.

An intention with rules about requests (`permissions`), or one that a demand on tokens (`jwt`) holds for, is kept as a
denial: who looks at connections alone, of whatever version, must not let pass what it cannot check.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Final

import msgspec

from lictor_core import topics as on
from lictor_core.commands import Rejection
from lictor_core.config_records import ConfigEntry
from lictor_core.entries.access import IntentionSource, ServiceIntentions
from lictor_core.entries.base import as_json
from lictor_core.errors import RequestError
from lictor_core.intentions import SOURCE_TYPE, intention_hash
from lictor_core.names import NAMESPACE
from lictor_core.records import Intention, IntentionAction, JsonObject
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store

__all__ = [
    "drop_intentions",
    "intentions_entries",
    "intentions_entry",
    "intentions_modified",
    "set_intentions",
    "settle",
    "why_not",
]

_KIND: Final = ServiceIntentions.kind
_IDS: Final = uuid.UUID("6d9f6a52-6a4b-4f1e-9d0b-5f4a3c0f4d11")
"""Ids of intentions that come with an entry follow from their names, since a command holds no id for each."""
_UUID_CHARS: Final = 36
_VERSION_AT: Final = 14


def set_intentions(store: Store, change: Change, entry: ServiceIntentions, at: str) -> Rejection | None:
    """Make the intentions of the destination what the entry says; what stays the same is not touched."""
    other = store.entries.get(_KIND, entry.name)
    if other is not None and other.name != entry.name:
        message = f"there is a {_KIND} entry {other.name!r}: names of entries ignore case, delete that one first"
        return Rejection(code=RequestError.code, message=message)
    former = {one.source_name: one for one in store.intentions.to(entry.name)}
    jwt = None if entry.jwt is None else as_json(entry.jwt)
    for source in entry.sources:
        old = former.pop(source.name, None)
        new = _intention(store, entry.name, source, jwt, old, at)
        if old is None or old.hash != new.hash:
            store.intentions.put(change, new)
    for gone in former.values():
        store.intentions.drop(change, gone.id)
    own = msgspec.structs.replace(entry, sources=[])
    body = as_json(own)
    del body["Name"]
    store.entries.put(change, own, body)
    return None


def drop_intentions(store: Store, change: Change, destination: str) -> None:
    """Remove the entry and all intentions of the destination."""
    for one in store.intentions.to(destination):
        store.intentions.drop(change, one.id)
    settle(store, change, destination)


def intentions_entry(store: Store, destination: str) -> ConfigEntry | None:
    """The entry of a destination, made of its intentions; None when it has none."""
    rows = store.intentions.to(destination)
    if not rows:
        return None
    own = _own(store, destination)
    body: JsonObject = {} if own is None else dict(own.body)
    body["Sources"] = [_shown(one) for one in rows]
    created = min(one.create_index for one in rows)
    return ConfigEntry(
        kind=_KIND,
        name=destination,
        body=body,
        create_index=created if own is None else own.create_index,
        modify_index=intentions_modified(store, destination),
    )


def intentions_entries(store: Store) -> list[ConfigEntry]:
    """The entries of all destinations, by name."""
    found = [intentions_entry(store, one) for one in sorted(store.intentions.destinations(), key=_in_order)]
    return [one for one in found if one is not None]


def _in_order(name: str) -> tuple[str, str]:
    """Names of entries ignore case, and those of intentions do not; still every server lists them alike."""
    return name.lower(), name


def intentions_modified(store: Store, destination: str) -> int:
    """Where the entry of a destination changed last; 0 when there is none."""
    rows = store.intentions.to(destination)
    if not rows:
        return 0
    own = _own(store, destination)
    touched = store.indexes.of(on.intention_destination(destination)).wake  # a deletion leaves no intention behind
    return max(touched, *(one.modify_index for one in rows), 0 if own is None else own.modify_index)


def why_not(store: Store, intention: Intention) -> Rejection | None:
    """Why an intention cannot be written by itself: it would undo rules that only its destination's entry can show."""
    old = store.intentions.get(intention.id)
    own = _own(store, intention.destination_name)
    says_more = own is not None and "JWT" in own.body
    if not says_more and (old is None or not (old.permissions or old.jwt)):
        return None
    return Rejection(
        code=RequestError.code,
        message=(
            f"the intentions to {intention.destination_name!r} have rules about requests, which an intention by itself "
            f"cannot hold: write the {_KIND} entry {intention.destination_name!r} instead"
        ),
    )


def settle(store: Store, change: Change, destination: str) -> None:
    """After intentions went by themselves: where none is left, there is no entry."""
    if _own(store, destination) is not None and not store.intentions.to(destination):
        store.entries.drop(change, _KIND, destination)


def _own(store: Store, destination: str) -> ConfigEntry | None:
    """What is kept of the entry itself. Names of entries ignore case, and those of intentions do not."""
    found = store.entries.get(_KIND, destination)
    return found if found is not None and found.name == destination else None


def _intention(
    store: Store, destination: str, source: IntentionSource, jwt: JsonObject | None, old: Intention | None, at: str
) -> Intention:
    permissions = [as_json(one) for one in source.permissions]
    denies = source.action == IntentionAction.DENY
    demanded = None if denies else jwt
    plain = IntentionAction.DENY if denies or permissions or demanded is not None else IntentionAction.ALLOW
    made = Intention(
        id=_free_id(store, source.name, destination) if old is None else old.id,
        description=source.description,
        source_ns=NAMESPACE,
        source_name=source.name,
        destination_ns=NAMESPACE,
        destination_name=destination,
        source_type=SOURCE_TYPE,
        action=plain,
        default_addr="",
        default_port=0,
        meta={} if old is None else old.meta,
        permissions=permissions,
        jwt=demanded,
        precedence=source.precedence,
        created_at=at,
        updated_at=at,
        hash="",
        create_index=0,
        modify_index=0,
    )
    return msgspec.structs.replace(made, hash=intention_hash(made))


def _free_id(store: Store, source: str, destination: str) -> str:
    """An id that no intention has: one that was given here may have been given other names since."""
    number = 0
    while True:
        found = _id_from(f"{source}\0{destination}\0{number}")
        if store.intentions.get(found) is None:
            return found
        number += 1


def _id_from(name: str) -> str:
    """The UUID of version 5 in `_IDS` (RFC 9562, section 5.5), in a fraction of the time of the standard library's."""
    made = bytearray(hashlib.sha1(_IDS.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _shown(one: Intention) -> JsonObject:
    shown: JsonObject = {"Name": one.source_name}
    if one.permissions:
        shown["Permissions"] = one.permissions
    else:
        shown["Action"] = (IntentionAction.ALLOW if one.jwt is not None else one.action).value
    shown["Precedence"] = one.precedence
    shown["Type"] = one.source_type
    if one.description:
        shown["Description"] = one.description
    if not _came_with_an_entry(one):
        shown["LegacyID"] = one.id
        if one.meta:
            shown["LegacyMeta"] = one.meta
        shown["LegacyCreateTime"] = one.created_at
        shown["LegacyUpdateTime"] = one.updated_at
    return shown


def _came_with_an_entry(one: Intention) -> bool:
    """Ids that are given here are of version 5; those of intentions that were made one by one are random."""
    return len(one.id) == _UUID_CHARS and one.id[_VERSION_AT] == "5"
