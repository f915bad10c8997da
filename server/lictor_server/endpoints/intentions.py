"""What an intention must be before it may enter the log, and what the leader stamps on it."""

from __future__ import annotations

import uuid
from typing import Final

import msgspec

from lictor_core.errors import RequestError
from lictor_core.intentions import SOURCE_TYPE, WILDCARD, intention_hash, precedence
from lictor_core.limits import INTENTION_DESCRIPTION_CHARS_MAX, META_PAIRS_MAX, META_VALUE_CHARS_MAX
from lictor_core.names import NAMESPACE
from lictor_core.records import Intention

__all__ = ["stamped_intention"]

_NAME_CHARS_MAX: Final = 256


def stamped_intention(intention: Intention, timestamp: str) -> Intention:
    """`intention` checked, its blanks filled, with precedence, times and hash. Raises `RequestError`.

    `timestamp` becomes both times; the store keeps an older `CreatedAt`.
    """
    try:
        uuid.UUID(intention.id)
    except ValueError:
        raise RequestError(f"ID of the intention is {intention.id[:64]!r}, which is no UUID") from None
    _check_name("SourceName", intention.source_name)
    _check_name("DestinationName", intention.destination_name)
    for key, namespace in (("SourceNS", intention.source_ns), ("DestinationNS", intention.destination_ns)):
        if namespace not in ("", NAMESPACE):
            raise RequestError(f"{key} is {namespace[:64]!r}, but there are no namespaces: leave it empty")
    if intention.source_type not in ("", SOURCE_TYPE):
        raise RequestError(f"SourceType is {intention.source_type[:64]!r}: it must be {SOURCE_TYPE!r}")
    _check_texts(intention)
    filled = msgspec.structs.replace(
        intention,
        id=intention.id.lower(),
        source_ns=NAMESPACE,
        destination_ns=NAMESPACE,
        source_type=SOURCE_TYPE,
        precedence=precedence(intention.source_name, intention.destination_name),
        meta=intention.meta or {},
        permissions=[],
        jwt=None,
        created_at=timestamp,
        updated_at=timestamp,
        hash="",
        create_index=0,
        modify_index=0,
    )
    return msgspec.structs.replace(filled, hash=intention_hash(filled))


def _check_name(key: str, name: str) -> None:
    if not name:
        raise RequestError(f"{key} is missing: name a service, or {WILDCARD!r} for all")
    if WILDCARD in name and name != WILDCARD:
        raise RequestError(f"{key} is {name[:64]!r}: {WILDCARD!r} stands for all services and only alone")
    if len(name) > _NAME_CHARS_MAX:
        raise RequestError(f"{key} has {len(name)} characters; at most {_NAME_CHARS_MAX} are taken")


def _check_texts(intention: Intention) -> None:
    if len(intention.description) > INTENTION_DESCRIPTION_CHARS_MAX:
        raise RequestError(f"Description has more than {INTENTION_DESCRIPTION_CHARS_MAX} characters")
    meta = intention.meta or {}
    if len(meta) > META_PAIRS_MAX:
        raise RequestError(f"Meta has {len(meta)} pairs; at most {META_PAIRS_MAX} are taken")
    if any(len(text) > META_VALUE_CHARS_MAX for pair in meta.items() for text in pair):
        raise RequestError(f"Meta has a key or value of more than {META_VALUE_CHARS_MAX} characters")
