"""The agent's own services and checks: the authority for what is registered on this host (architecture, decision 8).

Pure: every change is a method call that says what changed, and time comes in as an argument. Records inside are
never changed, only replaced. Whoever must act on changes subscribes; a subscriber is called at once, in the same step,
and must neither raise nor change the state.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import msgspec

from lictor_config.definitions import CheckDefinition
from lictor_core.codec import pack
from lictor_core.errors import NotFoundError, OverloadedError
from lictor_core.records import CRITICAL, Check, Service

__all__ = [
    "CHECKS_MAX",
    "NOWHERE",
    "SERVICES_MAX",
    "Change",
    "LocalCheck",
    "LocalService",
    "LocalState",
    "Origin",
    "Provenance",
    "Subject",
]

SERVICES_MAX: Final = 10_000
"""Instances on one agent; one more is refused with 429."""
CHECKS_MAX: Final = 20_000
"""Checks on one agent; one more is refused with 429."""


class Origin(enum.StrEnum):
    """Where a registration came from."""

    API = "api"
    FILE = "file"
    SIDECAR = "sidecar"


class Subject(enum.StrEnum):
    """What a change is about."""

    SERVICE = "service"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed. `status_changed` is False where only a check's output or notes did."""

    subject: Subject
    id: str
    removed: bool = False
    status_changed: bool = True


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where and when something was registered, for people who ask why it is here.

    `place` is the file with the key, or the address of who asked over HTTP, as far as it is known. `at` is seconds
    since 1970, 0 for unknown. `is_restored` says that it was read from the data directory at the agent's last start.
    """

    place: str = ""
    at: float = 0.0
    is_restored: bool = False


NOWHERE: Final = Provenance()
"""Nothing is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalService:
    """An instance on this agent. `sidecar_of` is the id of the instance that it was registered with, for a sidecar.

    `provenance` does not count when two are compared: what is registered again as it was stays what it was.
    """

    service: Service
    token: str = ""
    origin: Origin = Origin.API
    sidecar_of: str = ""
    provenance: Provenance = field(default=NOWHERE, compare=False)
    own: Service | None = None
    """What was registered, where `service` has more: what the cluster says of proxies (`LocalState.complete_with`)."""

    @property
    def registered(self) -> Service:
        """The instance as it was registered."""
        return self.service if self.own is None else self.own


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCheck:
    """A check on this agent: its record, and how it is done (None for those that nobody runs, such as maintenance).

    `critical_since` is the monotonic time since which it has been critical without a break. `output_since` is the
    monotonic time of the first change of output alone that the catalog has not been told of.
    """

    check: Check
    definition: CheckDefinition | None = None
    token: str = ""
    origin: Origin = Origin.API
    critical_since: float | None = None
    output_since: float | None = None
    provenance: Provenance = field(default=NOWHERE, compare=False)


Subscriber = Callable[[Change], None]
Completion = Callable[[Service], Service]


class LocalState:
    """All services and checks of one agent."""

    def __init__(self) -> None:
        self._services: dict[str, LocalService] = {}
        self._checks: dict[str, LocalCheck] = {}
        self._checks_of: dict[str, set[str]] = {}
        self._subscribers: list[Subscriber] = []
        self._version = 1
        self._changed_at: dict[tuple[Subject, str], int] = {}
        self._removed_at = 1
        self._untold: set[str] = set()
        self._digest = ("", 0)
        self._complete: Completion = _as_it_is

    def complete_with(self, complete: Completion) -> None:
        """From now on instances are shown with what `complete` adds to them; those that are here by `complete_again`.

        It must give the very same record where it adds nothing.
        """
        self._complete = complete

    def complete_again(self, service_id: str) -> Change | None:
        """What is to be added to an instance has changed; None where that changes nothing, or there is none."""
        current = self._services.get(service_id)
        return None if current is None else self.put_service(current)

    @property
    def services(self) -> Mapping[str, LocalService]:
        """The instances by id: a live, read-only view."""
        return MappingProxyType(self._services)

    @property
    def checks(self) -> Mapping[str, LocalCheck]:
        """The checks by id: a live, read-only view."""
        return MappingProxyType(self._checks)

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    @property
    def digest(self) -> str:
        """A hash of everything registered, with its state: equal digests mean equal content."""
        text, version = self._digest
        if version != self._version:
            content = (
                sorted((one.service for one in self._services.values()), key=lambda one: one.id),
                sorted((one.check for one in self._checks.values()), key=lambda one: one.check_id),
            )
            text = hashlib.blake2b(pack(content), digest_size=16).hexdigest()
            self._digest = (text, self._version)
        return text

    def changed_at(self, subject: Subject, id: str) -> int:
        """The version at which this thing last changed or went; for what is not there, some later version."""
        return self._changed_at.get((subject, id), self._removed_at)

    @property
    def untold_outputs(self) -> Set[str]:
        """The ids of the checks whose output the catalog has not been told of: a live, read-only view."""
        return self._untold

    def checks_of(self, service_id: str) -> list[LocalCheck]:
        """The checks of an instance, or with an empty id those of the node, by check id."""
        return [self._checks[check_id] for check_id in sorted(self._checks_of.get(service_id, ()))]

    def sidecars_of(self, service_id: str) -> Iterator[LocalService]:
        """The proxies that were registered together with an instance."""
        return (one for one in self._services.values() if one.sidecar_of == service_id)

    def ensure_room(self, services: int, checks: int) -> None:
        """Raise `OverloadedError` unless this many more would fit."""
        for what, count, bound in (
            ("services", len(self._services) + services, SERVICES_MAX),
            ("checks", len(self._checks) + checks, CHECKS_MAX),
        ):
            if count > bound:
                raise OverloadedError(f"an agent has at most {bound} {what}: register this one on another agent")

    def put_service(self, service: LocalService) -> Change | None:
        """Add or replace an instance; None when it is as it was. Raises `OverloadedError` at the bound."""
        service_id = service.service.id
        own = service.registered
        shown = self._complete(own)
        service = replace(service, service=shown, own=None if shown is own else own)
        if self._services.get(service_id) == service:
            return None
        if service_id not in self._services:
            self.ensure_room(1, 0)
        self._services[service_id] = service
        return self._tell(Change(Subject.SERVICE, service_id))

    def remove_service(self, service_id: str) -> list[Change]:
        """Remove an instance with its checks: what went, nothing when there is no such instance."""
        if service_id not in self._services:
            return []
        changes = [self._drop_check(check_id) for check_id in sorted(self._checks_of.get(service_id, ()))]
        del self._services[service_id]
        return [*changes, self._tell(Change(Subject.SERVICE, service_id, removed=True))]

    def adopt_tags(self, service_id: str, tags: list[str]) -> Change | None:
        """Take over tags that somebody else gave an instance that allows it (`EnableTagOverride`)."""
        current = self._services.get(service_id)
        if current is None or current.service.tags == tags:
            return None
        own = None if current.own is None else msgspec.structs.replace(current.own, tags=tags)
        shown = msgspec.structs.replace(current.service, tags=tags)
        self._services[service_id] = replace(current, service=shown, own=own)
        return self._tell(Change(Subject.SERVICE, service_id))

    def put_check(self, check: LocalCheck, now: float) -> Change | None:
        """Add or replace a check; None when it is as it was. Its service, if it names one, must be here.

        Raises `NotFoundError` for a service that is not, and `OverloadedError` at the bound.
        """
        record = check.check
        if record.service_id and record.service_id not in self._services:
            raise NotFoundError(f'ServiceID "{record.service_id}" does not exist')
        previous = self._checks.get(record.check_id)
        if previous is None:
            self.ensure_room(0, 1)
        placed = replace(
            check,
            critical_since=_critical_since(previous, record.status, now),
            output_since=None if previous is None else previous.output_since,
        )
        if placed == previous:
            return None
        if previous is not None:
            self._disown(previous.check.service_id, record.check_id)
        self._checks[record.check_id] = placed
        self._checks_of.setdefault(record.service_id, set()).add(record.check_id)
        return self._tell(Change(Subject.CHECK, record.check_id))

    def remove_check(self, check_id: str) -> Change | None:
        """Remove a check; None when there is no such check."""
        return self._drop_check(check_id) if check_id in self._checks else None

    def set_status(self, check_id: str, status: str, output: str, now: float) -> Change | None:
        """Note what a check came to; None when nothing is new, or the check is gone in the meantime."""
        current = self._checks.get(check_id)
        if current is None or (current.check.status == status and current.check.output == output):
            return None
        status_changed = current.check.status != status
        if not status_changed:
            self._untold.add(check_id)
        self._checks[check_id] = replace(
            current,
            check=msgspec.structs.replace(current.check, status=status, output=output),
            critical_since=_critical_since(current, status, now),
            output_since=current.output_since if status_changed or current.output_since is not None else now,
        )
        return self._tell(Change(Subject.CHECK, check_id, status_changed=status_changed))

    def output_told(self, check_id: str) -> None:
        """The catalog has the current output of a check. Not a change of what is registered: nobody is called."""
        current = self._checks.get(check_id)
        if current is not None and current.output_since is not None:
            self._checks[check_id] = replace(current, output_since=None)
            self._untold.discard(check_id)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every change from now on; the returned function ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def _drop_check(self, check_id: str) -> Change:
        service_id = self._checks.pop(check_id).check.service_id
        self._untold.discard(check_id)
        self._disown(service_id, check_id)
        return self._tell(Change(Subject.CHECK, check_id, removed=True))

    def _disown(self, service_id: str, check_id: str) -> None:
        others = self._checks_of[service_id]
        others.discard(check_id)
        if not others:
            del self._checks_of[service_id]

    def _tell(self, change: Change) -> Change:
        self._version += 1
        if change.removed:
            # One number for all that went: a waiter may wake for nothing, and no tombstones pile up.
            self._removed_at = self._version
            self._changed_at.pop((change.subject, change.id), None)
        else:
            self._changed_at[change.subject, change.id] = self._version
        for subscriber in tuple(self._subscribers):
            subscriber(change)
        return change


def _as_it_is(service: Service) -> Service:
    return service


def _critical_since(previous: LocalCheck | None, status: str, now: float) -> float | None:
    if status != CRITICAL:
        return None
    since = None if previous is None else previous.critical_since
    return now if since is None else since
