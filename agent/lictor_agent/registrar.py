"""Registering here: from a definition to local services and checks, all of it or nothing.

No I/O: it changes the local state in one step, so nobody sees an instance without its checks. Starting and stopping
what runs the checks follows from the changes. Sources: Consul's documents `api-docs/agent/{service,check}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lictor_agent import maintenance, projection, sidecar
from lictor_agent.local import NOWHERE, LocalCheck, LocalService, LocalState, Origin, Provenance
from lictor_config.definitions import CheckDefinition, ServiceDefinition
from lictor_core.clock import Clock
from lictor_core.codec import pack_given
from lictor_core.errors import LictorError, NotFoundError, RequestError
from lictor_core.records import NODE_MAINTENANCE_ID

__all__ = ["Former", "Registered", "Registrar", "ScriptPolicy"]


@dataclass(frozen=True)
class ScriptPolicy:
    """Who may have the agent execute programs: definitions in files, and definitions that come over HTTP."""

    from_files: bool
    from_api: bool

    def refusal(self, check: CheckDefinition, origin: Origin) -> str | None:
        """Why this check may not execute its command; None when it may, or has none."""
        if not check.runs_command or (self.from_api if origin is not Origin.FILE else self.from_files):
            return None
        if origin is Origin.FILE:
            return (
                "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or "
                "'enable_local_script_checks' to true"
            )
        return (
            "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true"
        )


@dataclass
class Registered:
    """The ids of what one registration put in place."""

    services: set[str] = field(default_factory=set[str])
    checks: set[str] = field(default_factory=set[str])
    former: Former | None = None


@dataclass(frozen=True)
class Former:
    """What was in the place of a registration before it, and what it put there: enough to undo it."""

    services: dict[str, LocalService | None]
    checks: dict[str, LocalCheck]
    put_services: dict[str, LocalService]
    put_checks: dict[str, LocalCheck]


@dataclass(frozen=True)
class _Source:
    """On whose behalf something is registered, and how that is told to people."""

    origin: Origin
    token: str = ""
    sidecar_of: str = ""
    provenance: Provenance = NOWHERE


class Registrar:
    """Puts definitions into the local state of one node."""

    def __init__(self, local: LocalState, node: str, scripts: ScriptPolicy, sidecar_ports: range, clock: Clock) -> None:
        self._local = local
        self._node = node
        self._scripts = scripts
        self._sidecar_ports = sidecar_ports
        self._clock = clock

    def register_service(
        self,
        definition: ServiceDefinition,
        *,
        token: str = "",
        origin: Origin = Origin.API,
        place: str = "",
        replace_existing_checks: bool = False,
    ) -> Registered:
        """Add or replace an instance, its checks, and the sidecar it asks for.

        Checks that the instance had before stay, unless `replace_existing_checks`; a check that is defined again keeps
        its status. `place` tells people where it came from. Raises `RequestError` (also for scripts that are not
        allowed) and `OverloadedError`, and then nothing was changed.
        """
        pack_given(definition)  # what could not be stored could not be shown either, nor anything beside it
        instance_id = projection.service_id(definition)
        provenance = Provenance(place, self._clock.now())
        wanted = [(definition, _Source(origin, token, provenance=provenance))]
        if definition.sidecar is not None:
            beside = sidecar.expanded(definition, self._taken_ports(instance_id), self._ports_for(instance_id))
            kind = Origin.FILE if origin is Origin.FILE else Origin.SIDECAR
            wanted.append((beside, _Source(kind, token, instance_id, provenance)))
        checks = [(check, source) for one, source in wanted for check in one.checks]
        for check, source in checks:
            self._refuse_unrunnable(check, source.origin)
        names = [projection.service_id(one) for one, _ in wanted]
        ids = [
            check_id
            for name, (one, _) in zip(names, wanted, strict=True)
            for check_id, _, _ in projection.identified_checks(name, one.name, one.checks)
        ]
        here, checked = self._local.services, self._local.checks
        self._local.ensure_room(len(set(names) - here.keys()), len(set(ids) - checked.keys()))
        registered = Registered()
        services = {name: here.get(name) for name in names}
        before = {one.check.check_id: one for name in names for one in self._local.checks_of(name)}
        # Also what is in the place of its checks, and whose it is meanwhile.
        before |= {check_id: checked[check_id] for check_id in ids if check_id in checked}
        for one, source in wanted:
            self._put_service(one, source, registered, replace_existing_checks=replace_existing_checks)
        registered.former = self._former(services, before, registered)
        return registered

    def undo(self, registered: Registered) -> None:
        """Put back what was there before a registration, but for what was registered again since."""
        former = registered.former
        if former is None:
            return
        for check_id, put in former.put_checks.items():
            if self._local.checks.get(check_id) is put and check_id not in former.checks:
                self._local.remove_check(check_id)
        for check_id, check in former.checks.items():  # first: what came from elsewhere must not go with the instance
            has_owner = not check.check.service_id or check.check.service_id in self._local.services
            if has_owner and self._local.checks.get(check_id) is former.put_checks.get(check_id):
                self._local.put_check(check, self._clock.monotonic())
        for service_id, mine in former.put_services.items():
            if self._local.services.get(service_id) is not mine:
                continue
            before = former.services[service_id]
            if before is None:
                self._local.remove_service(service_id)
            else:
                self._local.put_service(before)

    def register_configured(
        self,
        services: Sequence[ServiceDefinition],
        checks: Sequence[CheckDefinition],
        service_places: Sequence[str] = (),
        check_places: Sequence[str] = (),
    ) -> Registered:
        """Make what configuration files define be all that is registered from files; what came over HTTP stays.

        The places tell people where each is defined; they are left out unless there is one for each. Raises
        `RequestError` and `OverloadedError`, and then nothing was changed.
        """
        for check in (*checks, *(check for service in services for check in service.checks)):
            self._refuse_unrunnable(check, Origin.FILE)
        before_services = [key for key, one in self._local.services.items() if one.origin is Origin.FILE]
        before_checks = [key for key, one in self._local.checks.items() if one.origin is Origin.FILE]
        steps: list[Registered] = []
        try:
            for service, place in zip(services, _one_each(service_places, len(services)), strict=True):
                steps.append(self.register_service(service, origin=Origin.FILE, place=place))
            for check, place in zip(checks, _one_each(check_places, len(checks)), strict=True):
                steps.append(self.register_check(check, origin=Origin.FILE, place=place))
        except LictorError:
            for step in reversed(steps):
                self.undo(step)
            raise
        registered = Registered()
        for step in steps:
            registered.services |= step.services
            registered.checks |= step.checks
        for service_id in before_services:
            if service_id not in registered.services:
                self.deregister_service(service_id)
        for check_id in before_checks:
            if check_id not in registered.checks:
                self._local.remove_check(check_id)
        return registered

    def deregister_service(self, service_id: str) -> bool:
        """Remove an instance with its checks and its sidecar; False when there is no such instance."""
        for one in list(self._local.sidecars_of(service_id)):
            self._local.remove_service(one.service.id)
        return bool(self._local.remove_service(service_id))

    def register_check(
        self, definition: CheckDefinition, *, token: str = "", origin: Origin = Origin.API, place: str = ""
    ) -> Registered:
        """Add or replace a check of the node, or of the instance that it names.

        Raises `RequestError` and `OverloadedError`; `NotFoundError` when the instance is not registered here.
        """
        pack_given(definition)
        self._refuse_unrunnable(definition, origin)
        check_id = definition.check_id or definition.name
        owner = None
        if definition.service_id:
            owner = self._local.services.get(definition.service_id)
            if owner is None:
                raise NotFoundError(f'ServiceID "{definition.service_id}" does not exist')
        before = self._local.checks.get(check_id)
        source = _Source(origin, token, provenance=Provenance(place, self._clock.now()))
        self._put_check(check_id, definition.name, definition, owner, source, shows_type=origin is not Origin.FILE)
        registered = Registered(checks={check_id})
        registered.former = self._former({}, {} if before is None else {check_id: before}, registered)
        return registered

    def set_node_maintenance(self, *, enable: bool, reason: str, token: str = "") -> None:
        """Put the node into maintenance or take it out. The reason that was given first stays."""
        if not enable:
            self._local.remove_check(NODE_MAINTENANCE_ID)
        elif NODE_MAINTENANCE_ID not in self._local.checks:
            check = maintenance.node_check(self._node, reason, token)
            self._local.put_check(check, self._clock.monotonic())

    def set_service_maintenance(self, service_id: str, *, enable: bool, reason: str, token: str = "") -> None:
        """Put an instance into maintenance or take it out. Raises `NotFoundError` for an unknown instance."""
        owner = self._local.services.get(service_id)
        if owner is None:
            raise NotFoundError(f'No service registered with ID "{service_id}"')
        check_id = maintenance.service_check_id(service_id)
        if not enable:
            self._local.remove_check(check_id)
        elif check_id not in self._local.checks:
            check = maintenance.service_check(self._node, owner.service, reason, token or owner.token)
            self._local.put_check(check, self._clock.monotonic())

    def _put_service(
        self, definition: ServiceDefinition, source: _Source, registered: Registered, *, replace_existing_checks: bool
    ) -> None:
        record = projection.service_record(definition)
        owner = LocalService(
            service=record,
            token=definition.token or source.token,
            origin=source.origin,
            sidecar_of=source.sidecar_of,
            provenance=source.provenance,
        )
        self._local.put_service(owner)
        registered.services.add(record.id)
        own: set[str] = set()
        for check_id, name, check in projection.identified_checks(record.id, record.service, definition.checks):
            self._put_check(check_id, name, check, owner, source)
            own.add(check_id)
        registered.checks |= own
        if replace_existing_checks:
            for one in self._local.checks_of(record.id):
                if one.check.check_id not in own and not maintenance.is_maintenance(one.check.check_id):
                    self._local.remove_check(one.check.check_id)

    def _put_check(
        self,
        check_id: str,
        name: str,
        definition: CheckDefinition,
        owner: LocalService | None,
        source: _Source,
        *,
        shows_type: bool = True,
    ) -> None:
        before = self._local.checks.get(check_id)
        service = None if owner is None else owner.service
        previous = None if before is None else before.check
        record = projection.check_record(
            self._node, check_id, name, definition, service, previous, shows_type=shows_type
        )
        check = LocalCheck(
            check=record,
            definition=definition,
            token=definition.token or source.token or ("" if owner is None else owner.token),
            origin=source.origin,
            provenance=source.provenance,
        )
        self._local.put_check(check, self._clock.monotonic())

    def _former(
        self, services: dict[str, LocalService | None], checks: dict[str, LocalCheck], registered: Registered
    ) -> Former:
        return Former(
            services,
            checks,
            {one: self._local.services[one] for one in registered.services},
            {one: self._local.checks[one] for one in registered.checks},
        )

    def refusal(self, check: CheckDefinition, origin: Origin) -> str | None:
        """Why this agent does not run such a check; None when it does."""
        return self._scripts.refusal(check, origin)

    def _refuse_unrunnable(self, check: CheckDefinition, origin: Origin) -> None:
        refusal = self.refusal(check, origin)
        if refusal is not None:
            raise RequestError(refusal)

    def _taken_ports(self, instance_id: str) -> set[int]:
        own = sidecar.sidecar_id(instance_id)
        return {one.service.port for one in self._local.services.values() if one.service.id != own}

    def _ports_for(self, instance_id: str) -> range:
        """The ports to choose from: the one that the sidecar already has, when it was registered before."""
        before = self._local.services.get(sidecar.sidecar_id(instance_id))
        return self._sidecar_ports if before is None else range(before.service.port, before.service.port + 1)


def _one_each(places: Sequence[str], count: int) -> Sequence[str]:
    return places if len(places) == count else [""] * count
