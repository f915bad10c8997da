"""The body of an intention: read, judged with Consul's words, made into a record. Pure.

Source: Consul's document `api-docs/connect/intentions`; the rules' texts are those of Consul 1.8.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lictor_config.reading import Reader
from lictor_core.errors import RequestError
from lictor_core.intentions import SOURCE_TYPE, WILDCARD, precedence
from lictor_core.limits import INTENTION_DESCRIPTION_CHARS_MAX, META_KEY_CHARS_MAX, META_PAIRS_MAX, META_VALUE_CHARS_MAX
from lictor_core.names import NAMESPACE
from lictor_core.records import Intention, IntentionAction

__all__ = ["Draft", "intention_of", "read_draft"]

_TEXTS_OF_THE_REGISTRY: Final = ("CreatedAt", "UpdatedAt", "Hash")
_NUMBERS_OF_THE_REGISTRY: Final = ("Precedence", "CreateIndex", "ModifyIndex")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An intention as it was sent, nothing judged yet."""

    id: str
    description: str
    source_namespace: str
    source: str
    destination_namespace: str
    destination: str
    source_type: str
    action: str
    default_address: str
    default_port: int
    meta: dict[str, str]

    def flaws(self) -> list[str]:
        """What forbids it; empty when it is sound."""
        return list(self._flaws())

    def _flaws(self) -> Iterator[str]:
        if not self.source:
            yield "SourceName must be set"
        if not self.destination:
            yield "DestinationName must be set"
        yield from _wildcard_flaws("Source", self.source_namespace, self.source)
        yield from _wildcard_flaws("Destination", self.destination_namespace, self.destination)
        if self.action not in (IntentionAction.ALLOW, IntentionAction.DENY):
            yield "Action must be set to 'allow' or 'deny'"
        if self.source_type != SOURCE_TYPE:
            yield f"SourceType must be set to '{SOURCE_TYPE}'"
        if len(self.description) > INTENTION_DESCRIPTION_CHARS_MAX:
            yield f"Description exceeds maximum length {INTENTION_DESCRIPTION_CHARS_MAX}"
        if len(self.meta) > META_PAIRS_MAX:
            yield f"Meta exceeds maximum element count {META_PAIRS_MAX}"
        for key, value in self.meta.items():
            if len(key) > META_KEY_CHARS_MAX:
                yield f'Meta key "{key}" exceeds maximum length {META_KEY_CHARS_MAX}'
            if len(value) > META_VALUE_CHARS_MAX:
                yield f'Meta value for key "{key}" exceeds maximum length {META_VALUE_CHARS_MAX}'


def read_draft(reader: Reader) -> Draft:
    """The intention in a mapping, problems noted in the reader."""
    draft = Draft(
        id=reader.text("ID"),
        description=reader.text("Description"),
        source_namespace=reader.text("SourceNS") or NAMESPACE,
        source=reader.text("SourceName"),
        destination_namespace=reader.text("DestinationNS") or NAMESPACE,
        destination=reader.text("DestinationName"),
        source_type=reader.text("SourceType") or SOURCE_TYPE,
        action=reader.text("Action"),
        default_address=reader.text("DefaultAddr"),
        default_port=reader.integer("DefaultPort"),
        meta=reader.text_map("Meta"),
    )
    # Clients send an intention back as they read it; what the registry gives itself is made anew.
    for name in _TEXTS_OF_THE_REGISTRY:
        reader.text(name)
    for name in _NUMBERS_OF_THE_REGISTRY:
        reader.integer(name)
    reader.done()
    return draft


def intention_of(draft: Draft, intention_id: str) -> Intention:
    """The record for a draft; the leader stamps times and hash on it. Raises `RequestError` with every flaw."""
    flaws = draft.flaws()
    if flaws:
        count = f"{len(flaws)} error{'' if len(flaws) == 1 else 's'} occurred:"
        raise RequestError(count + "".join(f"\n\t* {flaw}" for flaw in flaws) + "\n\n")
    return Intention(
        id=intention_id,
        description=draft.description,
        source_ns=draft.source_namespace,
        source_name=draft.source,
        destination_ns=draft.destination_namespace,
        destination_name=draft.destination,
        source_type=draft.source_type,
        action=IntentionAction(draft.action),
        default_addr=draft.default_address,
        default_port=draft.default_port,
        meta=draft.meta,
        precedence=precedence(draft.source, draft.destination),
        created_at="",
        updated_at="",
        hash="",
        create_index=0,
        modify_index=0,
    )


def _wildcard_flaws(side: str, namespace: str, name: str) -> Iterator[str]:
    if WILDCARD in name and name != WILDCARD:
        yield f"{side}Name: wildcard character '*' cannot be used with partial values"
    if WILDCARD in namespace and namespace != WILDCARD:
        yield f"{side}NS: wildcard character '*' cannot be used with partial values"
    if namespace == WILDCARD and name != WILDCARD:
        yield f"{side}Name: exact value cannot follow wildcard namespace"
