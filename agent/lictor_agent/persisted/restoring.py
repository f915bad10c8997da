"""From the files of an earlier run to the local state, at the start of an agent.

What the configuration defines wins over a file of the same id, as in Consul; its checks may be of an instance that is
only in a file. What cannot be used is set aside and told, and keeps nothing else back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_agent import maintenance, projection
from lictor_agent.local import LocalCheck, LocalService, LocalState
from lictor_agent.persisted.forms import (
    SavedCheck,
    SavedService,
    SavedStatus,
    file_name,
    read_saved_check,
    read_saved_service,
    read_saved_status,
)
from lictor_agent.persisted.shelf import FILE_BYTES_MAX, Found, Item, Kind, Shelf
from lictor_agent.registrar import Registrar
from lictor_config.definitions import CheckDefinition, CheckKind
from lictor_core.clock import Clock
from lictor_core.errors import LictorError, RequestError, StorageError
from lictor_core.records import CRITICAL, NODE_MAINTENANCE_ID, Check, Service

__all__ = ["restore"]


def restore(
    shelf: Shelf,
    local: LocalState,
    registrar: Registrar,
    node: str,
    clock: Clock,
    log: FilteringBoundLogger,
    *,
    configure: Callable[[], object] = lambda: None,
) -> set[Item]:
    """Put what is on `shelf` into `local`, where the configured instances are; the files that are good and still there.

    `configure` is called once all instances are there, and puts the configured checks there too; it may raise. Nothing
    else does. Blocks.
    """
    reading = _Restoring(shelf, local, registrar, node, clock, log)
    for one in shelf.find(Kind.SERVICE, Kind.CHECK, Kind.STATUS):
        if isinstance(one, StorageError):
            log.error("agent.registration.unread", reason=str(one))
        else:
            reading.take(one)
    services = len(local.services)
    reading.place_services()
    services = len(local.services) - services
    configure()
    checks = len(local.checks)
    reading.place_checks()
    checks = len(local.checks) - checks
    if services or checks:
        log.info("agent.registrations.restored", services=services, checks=checks)
    return reading.good


class _Restoring:
    def __init__(
        self,
        shelf: Shelf,
        local: LocalState,
        registrar: Registrar,
        node: str,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self.good: set[Item] = set()
        self._shelf = shelf
        self._local = local
        self._registrar = registrar
        self._node = node
        self._clock = clock
        self._log = log
        self._services: dict[Item, SavedService] = {}
        self._checks: dict[Item, SavedCheck] = {}
        self._statuses: dict[str, SavedStatus] = {}
        self._has_damage = False

    def take(self, found: Found) -> None:
        """Read one file; one that cannot be used is set aside."""
        item, data = found.item, found.data
        try:
            if len(data) > FILE_BYTES_MAX:
                raise RequestError(f"it is larger than {FILE_BYTES_MAX} bytes")
            match item.kind:
                case Kind.SERVICE:
                    service = self._services[item] = read_saved_service(data)
                    _require_name(item, service.service.id)
                case Kind.CHECK:
                    check = self._checks[item] = read_saved_check(data)
                    _require_name(item, check.check_id)
                case Kind.STATUS:
                    status = read_saved_status(data)
                    _require_name(item, status.check_id)
                    self._statuses[status.check_id] = status
                case Kind.DEFAULTS:
                    return  # these are for `defaults`, which is asked before anything is registered
        except RequestError as error:
            self._services.pop(item, None)
            self._checks.pop(item, None)
            self._has_damage = True
            self._set_aside(item, str(error))
        else:
            self.good.add(item)

    def place_services(self) -> None:
        """Put the instances that were read into the local state."""
        for item, service in self._services.items():
            if service.service.id not in self._local.services:
                try:
                    self._put_service(service)
                except LictorError as error:
                    self._set_aside(item, str(error))

    def place_checks(self) -> None:
        """Put the checks that were read there, and the states of those that the configuration defines."""
        for check_id in self._local.checks:
            self._tell_again(check_id)
        for item, check in self._checks.items():
            if check.check_id not in self._local.checks:
                self._place_check(item, check)

    def _tell_again(self, check_id: str) -> None:
        told = self._last_told(check_id, self._local.checks[check_id].definition)
        if told is not None:
            self._local.set_status(check_id, told.status, told.output, self._clock.monotonic())

    def _put_service(self, saved: SavedService) -> None:
        self._local.put_service(
            LocalService(
                service=saved.service,
                token=saved.token,
                origin=saved.origin,
                sidecar_of=saved.sidecar_of,
                provenance=saved.provenance,
            )
        )

    def _place_check(self, item: Item, saved: SavedCheck) -> None:
        try:
            if saved.definition is not None and (refusal := self._registrar.refusal(saved.definition, saved.origin)):
                raise RequestError(refusal)
            owner = self._owner(saved)
            self._local.put_check(self._check(saved, owner), self._clock.monotonic())
        except LictorError as error:
            is_orphan = bool(saved.service_id) and saved.service_id not in self._local.services
            if is_orphan and not self._has_damage:
                # Its instance was deregistered, and the process ended between the two files: the file may go.
                self._log.warning("agent.registration.dropped", check_id=saved.check_id, reason=str(error))
            else:
                self._set_aside(item, str(error))

    def _owner(self, saved: SavedCheck) -> Service | None:
        if not saved.service_id:
            return None
        owner = self._local.services.get(saved.service_id)
        if owner is None:
            raise RequestError(f'ServiceID "{saved.service_id}" does not exist')
        return owner.service

    def _check(self, saved: SavedCheck, owner: Service | None) -> LocalCheck:
        if saved.definition is None:
            return self._maintenance(saved, owner)
        record = projection.check_record(self._node, saved.check_id, saved.name, saved.definition, owner, None)
        return LocalCheck(
            check=self._with_status(record, saved.definition),
            definition=saved.definition,
            token=saved.token,
            origin=saved.origin,
            provenance=saved.provenance,
        )

    def _maintenance(self, saved: SavedCheck, owner: Service | None) -> LocalCheck:
        if saved.check_id == NODE_MAINTENANCE_ID:
            check = maintenance.node_check(self._node, saved.notes, saved.token)
        elif owner is not None and saved.check_id == maintenance.service_check_id(owner.id):
            check = maintenance.service_check(self._node, owner, saved.notes, saved.token)
        else:
            raise RequestError("it says neither how the check is done, nor is it one of maintenance")
        return replace(check, provenance=saved.provenance)

    def _with_status(self, record: Check, definition: CheckDefinition) -> Check:
        """The check as it was last told, if that still holds; else critical, until somebody looks."""
        told = self._last_told(record.check_id, definition)
        if told is not None:
            return msgspec.structs.replace(record, status=told.status, output=told.output)
        return msgspec.structs.replace(record, status=CRITICAL)

    def _last_told(self, check_id: str, definition: CheckDefinition | None) -> SavedStatus | None:
        """What was said of a TTL check, if that still holds."""
        told = self._statuses.get(check_id)
        is_ttl = definition is not None and definition.kind is CheckKind.TTL
        return told if is_ttl and told is not None and self._clock.now() < told.expires else None

    def _set_aside(self, item: Item, reason: str) -> None:
        self.good.discard(item)
        try:
            aside = str(self._shelf.set_aside(item))
        except StorageError as error:
            aside = f"not moved: {error}"
        self._log.error("agent.registration.damaged", file=str(self._shelf.path(item)), reason=reason, aside=aside)


def _require_name(item: Item, id: str) -> None:
    if item.name != file_name(id):
        raise RequestError(f"it speaks of {id!r}, whose file has another name")
