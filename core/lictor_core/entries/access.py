"""The kind that says who may connect to a service: the intentions of one destination, written together.

It is of later Consul (documents `docs/connect/config-entries/service-intentions`). The registry keeps its sources
as the same intentions that `/v1/connect/intentions` shows: there is one truth, whichever way it was written.

Rules about requests (`Permissions`) and about their tokens (`JWT`) need a proxy that sees requests. For every other one
such a source is a denial: what it cannot check must not pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from lictor_core.entries.base import Entry, Flaw, Part, place
from lictor_core.entries.permissions import (
    PERMISSIONS_MAX,
    IntentionJWT,
    Permission,
    jwt_flaws,
    normal_permission,
    permission_flaws,
)
from lictor_core.intentions import SOURCE_TYPE, WILDCARD
from lictor_core.intentions import precedence as precedence_of
from lictor_core.limits import INTENTION_DESCRIPTION_CHARS_MAX

__all__ = [
    "SOURCES_MAX",
    "IntentionSource",
    "ServiceIntentions",
]

SOURCES_MAX: Final = 2_000
"""Sources of one destination: each becomes an intention, all of them by one command that nothing interrupts."""
_ACTIONS: Final = ("allow", "deny")


class IntentionSource(Part, frozen=True, kw_only=True):
    """What one source may do: an action for connections, or permissions for requests. `*` is every source.

    The precedence, and what begins with `legacy_`, are the registry's own: they are read back and never believed.
    """

    name: str
    action: str = ""
    permissions: tuple[Permission, ...] = ()
    precedence: int = 0
    type: str = ""
    description: str = ""
    legacy_id: str = msgspec.field(default="", name="LegacyID")
    legacy_meta: dict[str, str] | None = None
    legacy_create_time: str | None = None
    legacy_update_time: str | None = None


class ServiceIntentions(Entry, frozen=True, kw_only=True):
    """Who may connect to the service `name`, or with `*` to every one."""

    kind: ClassVar[str] = "service-intentions"

    sources: list[IntentionSource]
    jwt: IntentionJWT | None = msgspec.field(default=None, name="JWT")

    def normal(self) -> ServiceIntentions:
        """With types, precedences and methods as they are kept, sources in deciding order."""
        sources = [_normal_source(self.name, one) for one in self.sources]
        sources.sort(key=lambda one: (-one.precedence, one.name))
        return msgspec.structs.replace(self, sources=sources)

    def flaws(self) -> Iterator[Flaw]:
        """Each source once, each with an action or permissions."""
        yield from super().flaws()
        yield from _wildcard_flaws(self.name, "Name")
        if self.jwt is not None:
            yield from jwt_flaws(self.jwt, "JWT")
        if not self.sources:
            yield Flaw("Sources", "is empty: name at least one source, or delete the entry")
        elif len(self.sources) > SOURCES_MAX:
            reason = (
                f"has {len(self.sources)} sources; at most {SOURCES_MAX} are taken: let one with the name '*' decide"
            )
            yield Flaw("Sources", reason)
            return
        seen: set[str] = set()
        for number, source in enumerate(self.sources):
            where = place("Sources", number)
            if source.name in seen:
                yield Flaw(f"{where}.Name", f"{source.name!r} comes twice: merge the two")
            seen.add(source.name)
            yield from self._source_flaws(source, where)

    def _source_flaws(self, source: IntentionSource, where: str) -> Iterator[Flaw]:
        if not source.name:
            yield Flaw(f"{where}.Name", "is required")
        yield from _wildcard_flaws(source.name, f"{where}.Name")
        if source.type != SOURCE_TYPE:
            yield Flaw(f"{where}.Type", f"is {source.type!r}, and must be {SOURCE_TYPE!r}")
        if len(source.description) > INTENTION_DESCRIPTION_CHARS_MAX:
            yield Flaw(f"{where}.Description", f"has more than {INTENTION_DESCRIPTION_CHARS_MAX} characters")
        if source.permissions:
            if source.action:
                yield Flaw(f"{where}.Action", "excludes Permissions: keep one of the two")
            if self.name == WILDCARD:
                yield Flaw(f"{where}.Permissions", "cannot be for every destination: name one service")
        elif source.action not in _ACTIONS:
            yield Flaw(f"{where}.Action", f"is {source.action!r}, and must be 'allow' or 'deny'")
        if len(source.permissions) > PERMISSIONS_MAX:
            reason = f"has {len(source.permissions)} permissions; at most {PERMISSIONS_MAX} are taken"
            yield Flaw(f"{where}.Permissions", reason)
            return
        for number, permission in enumerate(source.permissions):
            yield from permission_flaws(permission, place(f"{where}.Permissions", number))


def _normal_source(destination: str, source: IntentionSource) -> IntentionSource:
    return msgspec.structs.replace(
        source,
        type=source.type or SOURCE_TYPE,
        action=source.action.lower(),
        precedence=precedence_of(source.name, destination),
        permissions=tuple(normal_permission(one) for one in source.permissions),
        legacy_id="",
        legacy_meta=None,
        legacy_create_time=None,
        legacy_update_time=None,
    )


def _wildcard_flaws(name: str, where: str) -> Iterator[Flaw]:
    if WILDCARD in name and name != WILDCARD:
        yield Flaw(where, f"is {name!r}: '*' stands for the whole name or not at all")
