"""Anti-entropy: what the catalog must be told so that it agrees with the agent (architecture, decision 8).

Pure. `diff` compares what is registered here with what the catalog was last seen to have, and gives the commands that
make it agree. What the agent does not know goes, but for what the servers keep on a node themselves. Source: Consul's
document `docs/internals/anti-entropy`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from lictor_agent.local import LocalCheck, LocalState
from lictor_core.commands import Command, Deregister, Register
from lictor_core.records import Check, Node, Service

__all__ = ["CHECKS_PER_COMMAND_MAX", "Observed", "Scope", "adopted_tags", "diff", "everything", "output_due"]

CHECKS_PER_COMMAND_MAX: Final = 128
"""Checks in one command: with an output of 4 KiB each they stay well below the bound of a command."""
_SERVERS_OWN_SERVICE: Final = "consul"
_SERVERS_OWN_CHECK: Final = "serfHealth"


@dataclass
class Observed:
    """What the catalog has of this node: as it was read, with the commands noted that were carried out since."""

    node: Node | None = None
    services: dict[str, Service] = field(default_factory=dict[str, Service])
    checks: dict[str, Check] = field(default_factory=dict[str, Check])

    def note(self, command: Command) -> None:
        """Take over what `command` did."""
        if isinstance(command, Register):
            if not command.skip_node_update or self.node is None:
                self.node = command.node
            if command.service is not None:
                self.services[command.service.id] = command.service
            self.checks.update((check.check_id, check) for check in command.checks)
        elif isinstance(command, Deregister):
            if command.service_id:
                self.services.pop(command.service_id, None)
                cascade = [key for key, one in self.checks.items() if one.service_id == command.service_id]
                for check_id in cascade:
                    del self.checks[check_id]
            elif command.check_id:
                self.checks.pop(command.check_id, None)


@dataclass
class Scope:
    """Which services and checks to compare; `node` also the record of the node."""

    node: bool = False
    services: set[str] = field(default_factory=set[str])
    checks: set[str] = field(default_factory=set[str])

    def __bool__(self) -> bool:
        return self.node or bool(self.services) or bool(self.checks)


def everything(local: LocalState, observed: Observed) -> Scope:
    """The scope of a full comparison."""
    return Scope(True, {*local.services, *observed.services}, {*local.checks, *observed.checks})


def diff(
    node: Node, local: LocalState, observed: Observed, now: float, *, output_wait_s: float, scope: Scope | None = None
) -> list[Command]:
    """The commands that make the catalog agree, removals first; none when it does.

    Carrying them all out and comparing again gives none. A change of output alone waits for its time (`output_due`).
    Without a scope everything is compared.
    """
    scope = everything(local, observed) if scope is None else scope
    commands: list[Command] = _removals(node.node, local, observed, scope)
    services = sorted(
        key for key in scope.services if key in local.services and not _same(local.services[key].service, observed)
    )
    checks = [
        local.checks[key]
        for key in sorted(scope.checks)
        if key in local.checks and not _agrees(local.checks[key], observed, now, output_wait_s)
    ]
    skip_node = observed.node is not None and (not scope.node or _same_node(node, observed.node))
    by_service: dict[str, list[Check]] = {}
    for one in checks:
        by_service.setdefault(one.check.service_id, []).append(one.check)
    for service_id in services:
        own = by_service.pop(service_id, [])
        commands += _registrations(node, local.services[service_id].service, own, skip_node=skip_node)
    for own in by_service.values():
        # Without the instance, which the catalog has: sending it again would undo tags that others set there.
        commands += _registrations(node, None, own, skip_node=skip_node)
    if not skip_node and not any(isinstance(command, Register) for command in commands):
        commands.append(Register(node=node))
    return commands


def adopted_tags(local: LocalState, observed: Observed) -> list[tuple[str, list[str]]]:
    """Id and tags of the instances whose tags others may set in the catalog, and did (`EnableTagOverride`)."""
    return [
        (key, there.tags)
        for key, one in local.services.items()
        if one.service.enable_tag_override
        and (there := observed.services.get(key)) is not None
        and there.tags != one.service.tags
    ]


def output_due(check: LocalCheck, output_wait_s: float) -> float | None:
    """The monotonic time from which the catalog is to be told of a changed output; None when none is waiting.

    Between half and one and a half `output_wait_s` after the change, at a place that follows from the check's id, so
    that checks whose output always changes do not write all at once.
    """
    if check.output_since is None:
        return None
    spread = zlib.crc32(f"{check.check.node}/{check.check.check_id}".encode()) / 2**32
    return check.output_since + output_wait_s * (0.5 + spread)


def _removals(node: str, local: LocalState, observed: Observed, scope: Scope) -> list[Command]:
    gone = sorted(
        key
        for key in scope.services
        if key in observed.services and key not in local.services and key != _SERVERS_OWN_SERVICE
    )
    commands: list[Command] = [Deregister(node=node, service_id=key) for key in gone]
    for key in sorted(scope.checks):
        there = observed.checks.get(key)
        # The checks of an instance that goes go with it; those of the servers' own service are the servers'.
        if there is None or key in local.checks or key == _SERVERS_OWN_CHECK:
            continue
        if there.service_id not in gone and there.service_id != _SERVERS_OWN_SERVICE:
            commands.append(Deregister(node=node, check_id=key))
    return commands


def _registrations(node: Node, service: Service | None, checks: list[Check], *, skip_node: bool) -> Iterable[Register]:
    if not checks:
        yield Register(node=node, service=service, skip_node_update=skip_node)
    for start in range(0, len(checks), CHECKS_PER_COMMAND_MAX):
        some = checks[start : start + CHECKS_PER_COMMAND_MAX]
        yield Register(node=node, service=service, checks=some, skip_node_update=skip_node)


def _same_node(here: Node, there: Node) -> bool:
    return (
        here.id == there.id
        and here.address == there.address
        and (here.tagged_addresses or {}) == (there.tagged_addresses or {})
        and (here.meta or {}) == (there.meta or {})
    )


def _same(here: Service, observed: Observed) -> bool:
    there = observed.services.get(here.id)
    return there is not None and _plain_service(here) == _plain_service(there)


def _plain_service(service: Service) -> Service:
    """The instance without what the catalog may show in two ways: indexes, and empty for absent."""
    return msgspec.structs.replace(
        service,
        tagged_addresses=service.tagged_addresses or None,
        meta=service.meta or None,
        create_index=0,
        modify_index=0,
    )


def _agrees(here: LocalCheck, observed: Observed, now: float, output_wait_s: float) -> bool:
    there = observed.checks.get(here.check.check_id)
    if there is None:
        return False
    mine, theirs = _plain_check(here.check), _plain_check(there)
    if mine == theirs:
        return True
    due = output_due(here, output_wait_s)
    return due is not None and now < due and mine == msgspec.structs.replace(theirs, output=mine.output)


def _plain_check(check: Check) -> Check:
    """The check without indexes, and without name and tags of its service, which the catalog fills in."""
    return msgspec.structs.replace(check, service_name="", service_tags=[], create_index=0, modify_index=0)
